// SPDX-License-Identifier: Apache-2.0
// A kernel that faults takes the CUDA context with it: the run must end with its own exit code and
// with what it had measured on disk. In a process of its own, which dies of it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "bench/catalog.hpp"
#include "bench/cli/exit_code.hpp"
#include "bench/platform/probe.hpp"
#include "bench/run.hpp"

namespace offload {
namespace {

/// Shows kernels an address where nothing is.
class WildPlacement final : public Placement {
 public:
  explicit WildPlacement(std::span<const WeightTensor> tensors) : Placement(tensors) {}
  void fill(std::size_t, std::span<const std::byte>) override {}
  void read_back(std::size_t, std::span<std::byte>) override {}
  void reset(Start, StreamHandle) override {}
  PieceView acquire(std::size_t index, StreamHandle) override {
    constexpr std::uintptr_t nowhere = std::uintptr_t{1} << 32;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): nothing is there, which is the point
    return {planned(index), reinterpret_cast<const std::byte*>(nowhere), Side::gpu};
  }
  void release(std::size_t, StreamHandle) override {}
  Footprint footprint() const override { return {}; }
};

constexpr Policy wild{
    .name = "wild",
    .memory = "",
    .mechanism = "",
    .family = Family::resident,
    .paths = {Path::device_memory, Path::device_memory},
    .requirement = [](const WeightSet&, const Tuning&) { return Requirement{}; },
    .place = [](std::span<const WeightTensor> tensors, const PlaceContext&)
        -> std::unique_ptr<Placement> { return std::make_unique<WildPlacement>(tensors); },
    .predict = [](const PassWork&, const PredictContext&) -> std::optional<Prediction> {
      return std::nullopt;
    },
};

[[noreturn]] void run_with_a_wild_policy(const std::string& output) {
  Catalog catalog = make_catalog();
  catalog.policies.insert(catalog.policies.begin() + 1, &wild);
  Options options;
  options.policies = {"device_resident", "wild", "pinned_copy"};
  options.workloads = {"gemv"};
  options.tensors = {{"w", DType::bf16, 1024, 1024}};
  options.samples = 2;
  options.progress = Progress::never;
  options.output = output;
  std::exit(run_benchmarks(options, catalog, {"offload_bench"}));
}

TEST(DeadContextDeathTest, EndsTheRunAndKeepsWhatWasMeasured) {
  if (const Platform platform = probe_platform(0); !platform.gpu) {
    GTEST_SKIP() << "no GPU: " << platform.gpu_absent_reason;
  }
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // CUDA does not survive a plain fork
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / "offload-dead-context-test.json";
  std::filesystem::remove(file);
  EXPECT_EXIT(run_with_a_wild_policy(file.string()), testing::ExitedWithCode(exit_dead_context),
              "stopped: .*kept");
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_NE(text.str().find("\"gemv/device_resident/w/steady\""), std::string::npos);
  EXPECT_EQ(text.str().find("gemv/pinned_copy/w/steady"), std::string::npos);
  EXPECT_NE(text.str().find("\"complete\": false"), std::string::npos);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace offload
