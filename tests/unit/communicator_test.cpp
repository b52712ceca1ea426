// SPDX-License-Identifier: Apache-2.0
#include "offload/cuda/communicator.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/unit/fake_communicator.hpp"

namespace offload {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

const char* find(const std::map<std::string, std::string>& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : found->second.c_str();
}

std::vector<std::string> files_under(const std::map<std::string, std::string>& variables) {
  return cuda::nccl_files([&](const char* name) { return find(variables, name); });
}

TEST(NcclFiles, AreTheOneThatIsNamedAndNoOther) {
  EXPECT_EQ(files_under({{"OFFLOAD_BENCH_NCCL", "/x/libnccl.so"}, {"HOME", "/root"}}),
            std::vector<std::string>{"/x/libnccl.so"});
}

TEST(NcclFiles, BeginWithTheLoadersOwn) {
  ASSERT_FALSE(files_under({}).empty());
  EXPECT_EQ(files_under({}).front(), "libnccl.so.2");
}

TEST(NcclFiles, AreFoundInPackagesOfPython) {
  const std::filesystem::path root =
      std::filesystem::path(testing::TempDir()) / "offload_bench_nccl_files";
  const auto make = [&root](const std::string& packages) {
    const auto folder = root / packages / "nvidia/nccl/lib";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "libnccl.so.2") << "not read here";
    return (folder / "libnccl.so.2").string();
  };
  const std::string of_venv = make("venv/lib/python3.11/site-packages");
  const std::string of_path = make("elsewhere");
  const std::string of_user = make("home/.local/lib/python3.9/site-packages");
  const auto files = files_under({{"VIRTUAL_ENV", (root / "venv").string()},
                                  {"CONDA_PREFIX", (root / "missing").string()},
                                  {"PYTHONPATH", "::/nowhere:" + (root / "elsewhere").string()},
                                  {"HOME", (root / "home").string()}});
  ASSERT_GE(files.size(), 4U);
  EXPECT_EQ(files[1], of_venv);
  EXPECT_EQ(files[2], of_path);
  EXPECT_EQ(files[3], of_user);
  std::filesystem::remove_all(root);
}

TEST(NcclThatIsAbsent, IsSaidWithWhatToDo) {
  const auto none = cuda::find_nccl({"/nowhere/libnccl.so.2"});
  EXPECT_EQ(none.version, "");
  if (cuda::nccl().reason == "built without CUDA") GTEST_SKIP() << "built without CUDA";
  EXPECT_NE(none.reason.find("NCCL was not found: install libnccl2"), std::string::npos);
  const auto other = cuda::find_nccl({"libm.so.6"});
  EXPECT_NE(other.reason.find("libm.so.6 is not NCCL"), std::string::npos);
}

TEST(CommunicatorGroup, JoinsAllOnceAllAreThere) {
  std::atomic<int> there{0};
  std::atomic<bool> early{false};
  const Connect fakes = connect_fakes(3);
  CommunicatorGroup group(3, [&](std::size_t rank, std::size_t size) {
    if (there.load() < 3) early = true;
    return fakes(rank, size);
  });
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (std::size_t rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      std::this_thread::sleep_for(milliseconds(rank));
      ++there;
      const auto member = group.join(rank);
      std::vector<unsigned char> all(3);
      const auto mine = static_cast<unsigned char>(rank + 7);
      member->all_gather(&mine, all.data(), 1, nullptr);
      if (all == std::vector<unsigned char>{7, 8, 9}) ++right;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(early.load());
  EXPECT_EQ(right.load(), 3);
}

TEST(CommunicatorGroup, LetsTheOthersGoWhereOneDoesNotCome) {
  CommunicatorGroup group(2, connect_fakes(2), minutes(1));
  std::thread waits([&] { EXPECT_THROW(group.join(0), std::runtime_error); });
  group.give_up();
  waits.join();
  EXPECT_THROW(group.join(1), std::runtime_error);

  std::atomic<bool> connected{false};
  CommunicatorGroup patient(
      2,
      [&](std::size_t, std::size_t) {
        connected = true;
        return std::shared_ptr<Communicator>();
      },
      milliseconds(1));
  EXPECT_THROW(patient.join(0), std::runtime_error);
  EXPECT_THROW(patient.join(1), std::runtime_error);  // too late: nobody is there any more
  EXPECT_FALSE(connected.load());
}

TEST(CommunicatorGroup, FailsForAllWhereOneCannotConnect) {
  const Connect fakes = connect_fakes(2);
  CommunicatorGroup group(2, [&](std::size_t rank, std::size_t size) {
    if (rank == 1) throw std::runtime_error("no such link");
    return fakes(rank, size);
  });
  std::thread first([&] {
    // It may have become a member before the other failed; then its next call fails.
    EXPECT_THROW(
        {
          const auto member = group.join(0);
          unsigned char all[2];
          member->all_gather(all, all, 1, nullptr);
        },
        std::runtime_error);
  });
  EXPECT_THROW(group.join(1), std::runtime_error);
  first.join();
}

TEST(CommunicatorGroup, LetsMembersOutOfWhatTheyWaitFor) {
  CommunicatorGroup group(2, connect_fakes(2));
  std::atomic<bool> joined{false};
  std::thread first([&] {
    const auto member = group.join(0);
    joined = true;
    unsigned char all[2] = {};
    EXPECT_THROW(member->all_gather(all, all, 1, nullptr), std::runtime_error);
  });
  const auto member = group.join(1);
  while (!joined) std::this_thread::yield();
  group.give_up();
  first.join();
}

}  // namespace
}  // namespace offload
