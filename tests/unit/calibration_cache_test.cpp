// SPDX-License-Identifier: Apache-2.0
#include "bench/report/calibration_cache.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "bench/core/files.hpp"
#include "tests/unit/model_files.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

Environment with(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

class CalibrationCache : public ::testing::Test {
 protected:
  const Platform& platform() const { return run_.platform; }
  bool keep() const {
    return keep_calibration(run_.platform, run_.calibration, run_.started_at, here());
  }
  Environment here() const { return with({{"XDG_CACHE_HOME", directory_.path() / "cache"}}); }
  fs::path file() const { return calibration_cache_file(platform(), here()); }

  RunRecord run_ = testing::gpu_run();
  TempDirectory directory_;
};

TEST_F(CalibrationCache, IsNamedAfterTheGpuAndItsDriver) {
  const auto path = [&](const Platform& of, const Environment& environment) {
    return calibration_cache_file(of, environment).string();
  };
  EXPECT_EQ(path(platform(), with({{"XDG_CACHE_HOME", "/cache"}, {"HOME", "/home/me"}})),
            "/cache/offload-bench/calibration-GPU-0-580.1.json");
  EXPECT_EQ(path(platform(), with({{"HOME", "/home/me"}})),
            "/home/me/.cache/offload-bench/calibration-GPU-0-580.1.json");
  EXPECT_EQ(path(platform(), with({{"XDG_CACHE_HOME", "cache"}, {"HOME", "/home/me"}})),
            "/home/me/.cache/offload-bench/calibration-GPU-0-580.1.json");
  EXPECT_EQ(path(platform(), with({})), "");
  EXPECT_EQ(path(testing::cpu_run().platform, with({{"HOME", "/h"}})),
            "/h/.cache/offload-bench/calibration-host-none.json");
  Platform odd = platform();
  odd.gpu->uuid = "../GPU 0";
  odd.gpu->driver_release = "";
  EXPECT_EQ(path(odd, with({{"HOME", "/h"}})),
            "/h/.cache/offload-bench/calibration-.._GPU_0-13000.json");
}

TEST_F(CalibrationCache, GivesBackTheRatesThatItWasGiven) {
  EXPECT_FALSE(kept_calibration(platform(), here()));
  ASSERT_TRUE(keep());
  Platform now = platform();
  now.gpu->free_bytes = 12345;
  const auto machine = kept_calibration(now, here());
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->rates, static_cast<const Rates&>(run_.calibration));
  EXPECT_EQ(machine->origin, "measured here, 2026-01-02");
  EXPECT_EQ(machine->name, "Test GPU");
  EXPECT_EQ(machine->platform.gpu->free_bytes, 12345U);
  EXPECT_EQ(machine->platform.gpu->uuid, "GPU-0");
  EXPECT_EQ(read_machine(file()).rates, machine->rates);

  run_.calibration.copy_h2d = 12e9;
  ASSERT_TRUE(keep());
  EXPECT_EQ(kept_calibration(now, here())->rates.copy_h2d, 12e9);
}

TEST_F(CalibrationCache, HoldsNothingThatNamesTheMachine) {
  ASSERT_TRUE(keep());
  const std::string text = read_text(file());
  EXPECT_EQ(text.find("GPU-0"), text.npos);
  EXPECT_EQ(text.find(platform().gpu->settings.serial), text.npos);
  EXPECT_EQ(text.find(platform().host.settings.kernel_command_line), text.npos);
  struct stat status {};
  ASSERT_EQ(::stat(file().parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(file().parent_path())) ++files;
  EXPECT_EQ(files, 1U);
}

TEST_F(CalibrationCache, IsOfTheSameMachineOnly) {
  ASSERT_TRUE(keep());
  Platform other = platform();
  other.host.logical_cpus = 4;
  EXPECT_FALSE(kept_calibration(other, here()));
  other = platform();
  other.gpu->name = "Another GPU";
  EXPECT_FALSE(kept_calibration(other, here()));
  other = platform();
  other.gpu->driver_release = "590.1";
  EXPECT_FALSE(kept_calibration(other, here()));
}

TEST_F(CalibrationCache, IsNoneWhereItCannotBeReadOrWritten) {
  EXPECT_FALSE(keep_calibration(platform(), run_.calibration, "", with({})));
  const fs::path blocked = directory_.write("file", "");
  const Environment nowhere = with({{"XDG_CACHE_HOME", blocked}});
  EXPECT_FALSE(keep_calibration(platform(), run_.calibration, "", nowhere));
  EXPECT_FALSE(kept_calibration(platform(), nowhere));

  ASSERT_TRUE(keep());
  std::ofstream(file()) << "{\"offload_bench\": ";
  EXPECT_FALSE(kept_calibration(platform(), here()));
  ASSERT_TRUE(keep());
  EXPECT_TRUE(kept_calibration(platform(), here()));
}

TEST_F(CalibrationCache, KeepsNothingWhereWritingIsNotAllowed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const fs::path closed = directory_.path() / "closed";
  fs::create_directory(closed);
  fs::permissions(closed, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_FALSE(
      keep_calibration(platform(), run_.calibration, "", with({{"XDG_CACHE_HOME", closed}})));
}

}  // namespace
}  // namespace offload
