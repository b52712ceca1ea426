// SPDX-License-Identifier: Apache-2.0
// Weights in mapped files: what is written is what is read, nothing stays behind, and cold weights
// are not in memory.
#include "bench/policies/parts/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "model_files.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/error.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr const char* in_memory = "/dev/shm";

std::vector<std::byte> counting(std::size_t bytes, std::size_t first) {
  std::vector<std::byte> content(bytes);
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<std::byte>((first + i) % 251);
  return content;
}

bool holds(const MappedFile& file, std::size_t offset, const std::vector<std::byte>& content) {
  return std::memcmp(file.data() + offset, content.data(), content.size()) == 0;
}

/// Of a file system whose files leave memory; where there is none, there is nothing to test.
class MappedFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!file_can_start(weights_, at(directory()), Start::cold)) {
      GTEST_SKIP() << "files in " << directory() << " stay in memory";
    }
  }
  std::string directory() const { return directory_.path().string(); }
  static Tuning at(const std::string& directory) {
    Tuning tuning;
    tuning.file_directory = directory;
    return tuning;
  }

  TempDirectory directory_;
  WeightSet weights_{"w", {{"w", DType::u8, 1024, 1024}}};
};

TEST_F(MappedFiles, ShowWhatWasWrittenLast) {
  MappedFile file(2 * mib + 1, directory());
  EXPECT_EQ(file.bytes(), whole_pages(2 * mib + 1));
  for (const std::size_t first : {std::size_t{0}, std::size_t{7}}) {
    const auto head = counting(1000, first);
    const auto tail = counting(mib, first + 1);
    file.write(0, head);
    file.write(mib + 1, tail);
    EXPECT_TRUE(holds(file, 0, head));
    EXPECT_TRUE(holds(file, mib + 1, tail));
  }
}

TEST_F(MappedFiles, LeaveNothingInTheirDirectory) {
  const MappedFile file(mib, directory());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(MappedFiles, LeaveThePageCacheWhereTheyAreReadFromAgain) {
  MappedFile file(4 * mib, directory());
  const auto content = counting(4 * mib, 3);
  file.write(0, content);
  EXPECT_TRUE(holds(file, 0, content));
  EXPECT_EQ(file.cached_bytes(), file.bytes());
  file.drop();
  EXPECT_EQ(file.cached_bytes(), 0U);
  EXPECT_TRUE(holds(file, 0, content));
  EXPECT_GT(file.cached_bytes(), 0U);
}

TEST_F(MappedFiles, GiveTheirRoomBack) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const auto before = descriptors();
  for (int i = 0; i < 3; ++i) {
    MappedFile file(mib, directory());
    const MappedFile moved(std::move(file));
    EXPECT_EQ(descriptors(), before + 1);
  }
  EXPECT_EQ(descriptors(), before);
  EXPECT_THROW(MappedFile(std::size_t{1} << 60, directory()), std::runtime_error);
  EXPECT_EQ(descriptors(), before);
}

TEST_F(MappedFiles, SayWhereTheyCannotBe) {
  const std::string missing = directory() + "/missing";
  EXPECT_EQ(file_can_start(weights_, at(missing), Start::warm).reason(),
            "making a file of weights in " + missing +
                " failed: No such file or directory; give another --file-directory");
  const WeightSet large{"large", {{"w", DType::u8, std::size_t{1} << 30, std::size_t{1} << 30}}};
  const std::string reason = file_can_start(large, at(directory()), Start::warm).reason();
  EXPECT_TRUE(says(reason, "needs 1048576 TiB in " + directory() + ", where "));
  EXPECT_TRUE(says(reason, " are free; give another --file-directory"));
}

TEST_F(MappedFiles, NeedNoRoomForWhatStaysOnTheGpu) {
  WeightSet resident{"w", {{"w", DType::u8, std::size_t{1} << 30, std::size_t{1} << 30}}};
  resident.tensors[0].resident = true;
  EXPECT_TRUE(file_can_start(resident, at(directory()), Start::warm));
}

TEST_F(MappedFiles, OfAFileSystemInMemoryAreNeverCold) {
  if (access(in_memory, W_OK) != 0) GTEST_SKIP() << in_memory << " cannot be written to";
  EXPECT_TRUE(file_can_start(weights_, at(in_memory), Start::warm));
  EXPECT_EQ(file_can_start(weights_, at(in_memory), Start::cold).reason(),
            "files in /dev/shm stay in memory: give a --file-directory on a disk");
  MappedFile file(mib, in_memory);
  file.write(0, counting(mib, 0));
  EXPECT_THROW(file.drop(), ImplausibleResult);
}

/// Page faults of this process so far that waited for a disk.
long disk_faults() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_majflt;
}

TEST_F(MappedFiles, AreReadFromTheDiskInAColdPassAlone) {
  const Catalog catalog = make_catalog();
  const Platform platform;
  HostBuffers buffers;
  HostWorkers workers(2);
  PlaceContext context{platform, buffers, workers};
  context.tuning.file_directory = directory();
  const auto placement = catalog.policy("file_host_compute")->place(weights_.tensors, context);
  const auto content = counting(mib, 5);
  placement->fill(0, content);
  const Piece whole{0, 0, 1024};
  placement->plan({&whole, 1}, true);
  for (const Start start : {Start::cold, Start::warm, Start::cold}) {
    placement->reset(start, nullptr);
    const long before = disk_faults();
    const PieceView view = placement->acquire(0, nullptr);
    EXPECT_EQ(view.side, Side::cpu);
    EXPECT_EQ(std::memcmp(view.data, content.data(), content.size()), 0);
    placement->release(0, nullptr);
    EXPECT_EQ(disk_faults() > before, start == Start::cold) << name(start);
  }
}

}  // namespace
}  // namespace offload
