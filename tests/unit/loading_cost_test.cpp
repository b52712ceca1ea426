// SPDX-License-Identifier: Apache-2.0
// What loading a file takes: the ways that need no GPU for real, on a small file, and what is said
// of those that a machine lacks.
#include "bench/measure/loading_cost.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/report/loading_cost_table.hpp"
#include "model_files.hpp"
#include "offload/units.hpp"
#include "tests/unit/machine_kinds.hpp"

namespace offload {
namespace {

using testing::machine_called;

class LoadingAFile : public ::testing::Test {
 protected:
  void measure(const std::vector<LoadingWay>& ways, std::size_t bytes = 3 * MiB) {
    const LoadingContext context{workers_, directory_.path().string(), bytes,
                                 [this](const std::string&) { ++checkpoints_; }};
    measure_loading(ways, context, costs_,
                    [this](SkippedCase skipped) { skipped_.push_back(std::move(skipped)); });
  }
  /// All of the file, wherever it is: what a way that works returns.
  LoadingWay in_place(const std::string& name) {
    return {name, Support::yes(), 0, [this](const MappedFile& file) -> Loaded {
              cached_.push_back(file.cached_bytes());
              return ways_.front().load(file);
            }};
  }
  bool can_be_cold() const {
    Tuning tuning;
    tuning.file_directory = directory_.path().string();
    return static_cast<bool>(
        file_can_start({"w", {{"w", DType::u8, 1024, 1024}}}, tuning, Start::cold));
  }

  TempDirectory directory_;
  HostWorkers workers_{2};
  Platform no_gpu_;
  std::vector<LoadingWay> ways_ = loading_ways(no_gpu_, workers_);
  std::vector<LoadingCost> costs_;
  std::vector<SkippedCase> skipped_;
  std::vector<std::size_t> cached_;
  int checkpoints_ = 0;
};

TEST_F(LoadingAFile, IsMeasuredByTheWaysThatNeedNoGpu) {
  measure(ways_);
  const std::size_t starts = can_be_cold() ? 2 : 1;
  ASSERT_EQ(costs_.size(), 2 * starts);
  for (const LoadingCost& cost : costs_) {
    EXPECT_EQ(cost.failure, "") << cost.way;
    EXPECT_EQ(cost.bytes, 3 * MiB);
    EXPECT_EQ(cost.samples.size(), 3U);
    for (const double seconds : cost.samples) EXPECT_GT(seconds, 0);
    const bool mapped = cost.way.starts_with("mmap");
    EXPECT_EQ(cost.held, mapped ? 0 : 3 * MiB) << cost.way;
  }
  EXPECT_EQ(checkpoints_, static_cast<int>(3 * costs_.size()));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(LoadingAFile, BeginsWithThePageCacheAsItsStartSays) {
  measure({in_place("watched")});
  for (std::size_t i = 0; i < cached_.size(); ++i) {
    const bool cold = can_be_cold() && i < 3;
    EXPECT_EQ(cached_[i], cold ? 0 : 3 * MiB) << i;
  }
  EXPECT_GE(cached_.size(), 3U);
}

TEST_F(LoadingAFile, IsAFailureWhereSomethingElseWasRead) {
  LoadingWay wrong = in_place("wrong");
  wrong.load = [right = wrong.load](const MappedFile& file) -> Loaded {
    return {right(file).sum + 1, nullptr};
  };
  LoadingWay broken = in_place("broken");
  broken.load = [](const MappedFile&) -> Loaded { throw std::runtime_error("no more memory"); };
  measure({wrong, broken, in_place("right")});
  ASSERT_GE(costs_.size(), 3U);
  EXPECT_NE(costs_[0].failure.find("wrong sum"), std::string::npos) << costs_[0].failure;
  EXPECT_EQ(costs_[1].failure, "no more memory");
  EXPECT_EQ(costs_[2].failure, "");
}

TEST_F(LoadingAFile, SkipsWhatThisMachineLacks) {
  measure(ways_);
  const auto skips = std::ranges::count_if(skipped_, [](const SkippedCase& skipped) {
    return skipped.start == "warm" && skipped.reason.find("no GPU") != std::string::npos;
  });
  EXPECT_EQ(skips, 6);  // all but the two of the CPU
}

TEST_F(LoadingAFile, SkipsWhatItsDirectoryHasNoRoomFor) {
  measure(ways_, std::size_t{1} << 60U);
  EXPECT_TRUE(costs_.empty());
  ASSERT_FALSE(skipped_.empty());
  EXPECT_NE(skipped_[0].reason.find("are free"), std::string::npos) << skipped_[0].reason;
}

TEST(LoadingWays, AreThoseThatADriverOffers) {
  HostWorkers workers{1};
  const auto offered = [&](const char* kind) {
    std::vector<std::string> names;
    const Platform platform = machine_called(kind);
    for (const LoadingWay& way : loading_ways(platform, workers)) {
      if (way.support) names.push_back(way.name);
    }
    return names;
  };
  const auto has = [](const std::vector<std::string>& names, const std::string& part) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return name.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has(offered("GB10"), "mmap (read by the GPU)"));
  EXPECT_FALSE(has(offered("GB10"), "cudaHostRegister"));
  EXPECT_TRUE(has(offered("GB10"), "cudaMallocManaged"));
  EXPECT_FALSE(has(offered("Jetson Orin"), "read by the GPU"));
  EXPECT_TRUE(has(offered("PCIe"), "cudaMemcpy to cudaMalloc"));
  EXPECT_FALSE(has(offered("PCIe"), "mmap (read by the GPU)"));
}

TEST(LoadingBytes, LeaveThreeTimesAsMuchFree) {
  EXPECT_EQ(loading_bytes(machine_called("GB10")), GiB);
  Platform small = machine_called("GB10");
  small.host.available_bytes =
      2 * GiB;  // of which 1 GiB, but not more than a quarter, is left alone
  EXPECT_EQ(loading_bytes(small), 384 * MiB);
  small.host.available_bytes = 0;
  EXPECT_EQ(loading_bytes(small), MiB);
}

std::vector<LoadingCost> costs() {
  return {{"mmap", "cold", GiB, 0, {2, 4, 3}, ""},
          {"read()", "cold", GiB, GiB, {1, 1, 1}, ""},
          {"mmap", "warm", GiB, 0, {0.125}, ""},
          {"read()", "warm", GiB, GiB, {}, "no more memory"}};
}

TEST(LoadingTable, ShowsBothStartsAndWhatIsHeld) {
  Page page(Page::Style::markdown);
  write_loading_costs(page, costs());
  const std::string text = page.text();
  EXPECT_NE(text.find("loading a file of 1 GiB"), std::string::npos) << text;
  EXPECT_NE(text.find("| 3.00 | 0.125 | - | mmap |"), std::string::npos) << text;
  EXPECT_NE(text.find("| 1.00 | FAILED | 1 GiB | read() |"), std::string::npos) << text;
  EXPECT_NE(text.find("read(), warm: FAILED, no more memory"), std::string::npos) << text;
  EXPECT_NE(text.find("from the disk \"read()\" is fastest, 1.00 s/GiB with a second copy"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("from the page cache \"mmap\" is fastest, 0.125 s/GiB"), std::string::npos);
  Page empty(Page::Style::markdown);
  write_loading_costs(empty, {});
  EXPECT_EQ(empty.text(), Page(Page::Style::markdown).text());
}

TEST(LoadingTable, IsRawInCsv) {
  const std::string csv = loading_costs_csv(costs());
  EXPECT_NE(csv.find("way,start,file_bytes,held_bytes,samples,median_s,failure\n"),
            std::string::npos);
  EXPECT_NE(csv.find("mmap,cold,1073741824,0,3,3.000000,\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find("read(),warm,1073741824,1073741824,0,,no more memory\n"), std::string::npos);
}

}  // namespace
}  // namespace offload
