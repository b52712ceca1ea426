// SPDX-License-Identifier: Apache-2.0
#include "bench/core/cpus.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace offload::host {
namespace {

TEST(Cpus, CpuMax) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("50000 100000"), 0.5);
  for (const auto* text : {"max 100000", "", "100000", "x y", "0 100000", "1 0"}) {
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
  }
}

TEST(Cpus, CfsQuota) {
  EXPECT_EQ(parse_cfs_quota("400000", "100000"), 4.0);
  EXPECT_EQ(parse_cfs_quota("-1", "100000"), std::nullopt);
  EXPECT_EQ(parse_cfs_quota("", ""), std::nullopt);
}

TEST(Cpus, ThreadCount) {
  EXPECT_EQ(thread_count(16, std::nullopt), 16U);
  EXPECT_EQ(thread_count(16, 32.0), 16U);
  EXPECT_EQ(thread_count(16, 4.0), 4U);
  EXPECT_EQ(thread_count(16, 2.9), 2U);  // a third thread would be stopped for most of its time
  EXPECT_EQ(thread_count(16, 0.5), 1U);
  EXPECT_EQ(thread_count(0, std::nullopt), 1U);
}

TEST(Cpus, AffinityNamesCpusInOrder) {
  const auto cpus = affinity_cpus();
  ASSERT_FALSE(cpus.empty());
  for (std::size_t i = 1; i < cpus.size(); ++i) EXPECT_LT(cpus[i - 1], cpus[i]);
}

class CgroupTree : public testing::Test {
 protected:
  CgroupTree()
      : root_(std::filesystem::temp_directory_path() /
              ("offload_cgroup_test_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_);
  }
  ~CgroupTree() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::optional<double> quota() { return cgroup_cpu_quota(root_ / "membership", root_); }

 private:
  std::filesystem::path root_;
};

TEST_F(CgroupTree, NothingThere) { EXPECT_EQ(quota(), std::nullopt); }

TEST_F(CgroupTree, Version2TakesTheTightestOfItsAncestors) {
  write("membership", "0::/a/b\n");
  write("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("a/cpu.max", "300000 100000\n");
  EXPECT_EQ(quota(), 3.0);
  write("a/b/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2.0);
  write("cpu.max", "100000 100000\n");
  EXPECT_EQ(quota(), 1.0);
  write("a/b/c/cpu.max", "50000 100000\n");  // a child's limit is not ours
  EXPECT_EQ(quota(), 1.0);
}

TEST_F(CgroupTree, Version2InAContainer) {
  write("membership", "0::/\n");
  write("cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 4.0);
}

TEST_F(CgroupTree, Version1) {
  write("membership", "5:cpuset:/x\n4:cpu,cpuacct:/docker/abc\n");
  write("cpu/cpu.cfs_quota_us", "250000\n");  // the host's path is not there inside a container
  write("cpu/cpu.cfs_period_us", "100000\n");
  write("cpu/x/cpu.cfs_quota_us", "100000\n");  // cpuset is another controller
  write("cpu/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
  write("cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
  write("cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
}

}  // namespace
}  // namespace offload::host
