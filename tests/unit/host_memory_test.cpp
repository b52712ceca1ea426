// SPDX-License-Identifier: Apache-2.0
// Host buffers, and the one placement that needs no GPU.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/core/files.hpp"
#include "bench/core/huge_page.hpp"
#include "kernels/content.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/host_workers.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

bool all_bytes_are(const HostBuffers::Loan& loan, int value) {
  return std::all_of(loan.data(), loan.data() + loan.bytes(),
                     [value](std::byte byte) { return byte == std::byte(value); });
}

TEST(HostBuffers, LendsWholePages) {
  HostBuffers buffers;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (const std::size_t bytes : {std::size_t{1}, page - 1, page, page + 1}) {
    const auto loan = buffers.borrow(HostMemory::pageable, bytes);
    EXPECT_EQ(loan.bytes(), bytes > page ? 2 * page : page);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(loan.data()) % page, 0U);
  }
}

constexpr const char* huge_page_file = "sys/kernel/mm/transparent_hugepage/hpage_pmd_size";

TEST(HugePage, IsWhatTheKernelSays) {
  const testing::Root root;
  root.write(huge_page_file, "536870912\n");
  EXPECT_EQ(huge_page_bytes(root.path(), 65536), 512 * mib);
}

TEST(HugePage, IsThatOfThePageTablesWhereTheKernelSaysNothingUsable) {
  const testing::Root root;
  for (const char* const text : {"", "0\n", "3000000\n", "4096\n", "many\n"}) {
    if (*text != '\0') root.write(huge_page_file, text);
    EXPECT_EQ(huge_page_bytes(root.path(), 4096), 2 * mib) << text;
  }
  EXPECT_EQ(huge_page_bytes(root.path(), 16384), 32 * mib);
  EXPECT_EQ(huge_page_bytes(root.path(), 65536), 512 * mib);
}

TEST(HostBuffers, HugePagesBeginAtTheirMultiplesApartFromEachOther) {
  const std::size_t huge = huge_page_bytes();
  const HostBuffers buffers(HostPages::huge);
  std::vector<std::unique_ptr<HostAllocation>> held;
  for (const std::size_t bytes : {huge, 2 * huge + whole_pages(1), huge, huge}) {
    held.push_back(buffers.allocate(HostMemory::pageable, bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(held.back()->data()) % huge, 0U);
    EXPECT_EQ(held.back()->bytes(), bytes);
    held.back()->data()[bytes - 1] = std::byte{1};
  }
  for (const auto& one : held) {
    for (const auto& other : held) EXPECT_NE(one->data() + one->bytes(), other->data());
  }
}

struct FakeArea {
  std::uintptr_t begin, end;
  std::size_t resident_kib, huge_kib;
  const char* flags;
};

std::string smaps(const std::vector<FakeArea>& areas) {
  std::ostringstream text;
  for (const FakeArea& area : areas) {
    text << std::hex << area.begin << '-' << area.end << " rw-p 00000000 00:00 0 \n"
         << std::dec << "Size: 1 kB\nRss:   " << area.resident_kib
         << " kB\nAnonHugePages:  " << area.huge_kib << " kB\nVmFlags: rd wr mr mw me ac "
         << area.flags << " \n";
  }
  return text.str();
}

std::span<const std::byte> range_at(std::uintptr_t address, std::size_t bytes) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address that nobody reads
  return {reinterpret_cast<const std::byte*>(address), bytes};
}

class HugePageUseFiles : public ::testing::Test {
 protected:
  std::optional<HugePageUse> use_of(std::span<const std::byte> range,
                                    const std::vector<FakeArea>& areas) {
    root_.write("proc/self/smaps", smaps(areas));
    return find_huge_pages(std::array{range}, 2 * mib, root_.path());
  }

  static constexpr std::uintptr_t base = 0x7f0000000000;
  testing::Root root_;
};

TEST_F(HugePageUseFiles, TellsWhatIsHugeFromTheEndsThatCannotBe) {
  const auto use = use_of(range_at(base, 5 * mib), {{base - mib, base, 1024, 0, ""},
                                                    {base, base + 5 * mib, 5120, 4096, "hg sd"}});
  ASSERT_TRUE(use);
  EXPECT_EQ(use->page_bytes, 2 * mib);
  EXPECT_EQ(use->bytes, 5 * mib);
  EXPECT_EQ(use->huge_bytes, 4 * mib);
  EXPECT_EQ(use->small_bytes, 0U);
}

TEST_F(HugePageUseFiles, TellsOfSmallPagesWhereHugeOnesWouldFit) {
  const auto use = use_of(range_at(base, 5 * mib), {{base, base + 5 * mib, 5120, 2048, "hg"}});
  ASSERT_TRUE(use);
  EXPECT_EQ(use->huge_bytes, 2 * mib);
  EXPECT_EQ(use->small_bytes, 2 * mib);
}

TEST_F(HugePageUseFiles, OfABufferThatIsLentInPartIsThatOfTheBuffer) {
  const auto use = use_of(range_at(base, 3 * mib), {{base, base + 8 * mib, 8192, 8192, "hg"}});
  ASSERT_TRUE(use);
  EXPECT_EQ(use->huge_bytes, 2 * mib);
  EXPECT_EQ(use->small_bytes, 0U);
  const auto untouched =
      use_of(range_at(base, 3 * mib), {{base, base + 8 * mib, 4096, 4096, "hg"}});
  ASSERT_TRUE(untouched);
  EXPECT_EQ(untouched->small_bytes, 0U) << "the rest of it was never touched";
}

TEST_F(HugePageUseFiles, WithoutAdviceIsNone) {
  const auto use = use_of(range_at(base, 4 * mib), {{base, base + 9 * mib, 9216, 4096, "sd ahg"}});
  ASSERT_TRUE(use);
  EXPECT_EQ(use->huge_bytes, 0U);
  EXPECT_EQ(use->small_bytes, 0U);
}

TEST_F(HugePageUseFiles, WhatIsNotThereIsNotKnown) {
  EXPECT_FALSE(find_huge_pages(std::array{range_at(base, mib)}, 2 * mib, root_.path()));
  EXPECT_FALSE(use_of(range_at(base, 5 * mib), {{base, base + 4 * mib, 4096, 4096, "hg"}}));
}

std::size_t advised_mappings() {
  const std::string text = read_text("/proc/self/smaps");
  std::size_t count = 0;
  for (std::size_t at = text.find(" hg"); at != text.npos; at = text.find(" hg", at + 1)) ++count;
  return count;
}

/// An emulator of user programs may keep advice from the kernel, or show mappings of its own.
bool shows_advice() {
  const std::size_t bytes = 2 * huge_page_bytes();
  void* const pages =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return false;
  const std::size_t before = advised_mappings();
  madvise(pages, bytes, MADV_HUGEPAGE);
  const bool shown = advised_mappings() > before;
  munmap(pages, bytes);
  return shown;
}

TEST(HugePage, OfThisMachineAreThoseThatTheKernelTellsOf) {
  const std::string setting =
      selected_word(read_text("/sys/kernel/mm/transparent_hugepage/enabled"));
  if (setting != "always" && setting != "madvise") GTEST_SKIP() << "none are given: " << setting;
  if (!shows_advice()) GTEST_SKIP() << "what is advised does not show here";
  const std::size_t bytes = 2 * huge_page_bytes() + whole_pages(1);
  for (const HostPages pages : {HostPages::as_set, HostPages::huge}) {
    const HostAllocation memory(HostMemory::pageable, bytes, pages);
    std::memset(memory.data(), 1, bytes);
    const std::span<const std::byte> range(memory.data(), bytes);
    const auto use = find_huge_pages(std::array{range}, huge_page_bytes());
    ASSERT_TRUE(use);
    EXPECT_EQ(use->bytes, bytes);
    if (pages == HostPages::as_set) {
      EXPECT_EQ(use->huge_bytes, 0U) << "nothing was advised";
    } else {
      // As many as there were free.
      EXPECT_EQ(use->huge_bytes + use->small_bytes, 2 * huge_page_bytes());
    }
  }
}

TEST(HostBuffers, PagesGivenBackComeBackEmptyAtTheirAddress) {
  HostAllocation memory(HostMemory::pageable, 3 * whole_pages(1));
  const std::byte* const address = memory.data();
  memory.data()[0] = std::byte{7};
  memory.give_pages_back();
  EXPECT_EQ(memory.data(), address);
  EXPECT_EQ(memory.data()[0], std::byte{0});
}

TEST(HostBuffers, LendsAReturnedBufferAgain) {
  HostBuffers buffers;
  {
    const auto loan = buffers.borrow(HostMemory::pageable, 3 * mib);
    std::memset(loan.data(), 0x5a, loan.bytes());
  }
  // Fresh pages would be zero: these are the old ones, for less as well as for the same.
  EXPECT_TRUE(all_bytes_are(buffers.borrow(HostMemory::pageable, 3 * mib), 0x5a));
  const auto smaller = buffers.borrow(HostMemory::pageable, mib);
  EXPECT_TRUE(all_bytes_are(smaller, 0x5a));
  // It is lent: the next borrower gets another.
  EXPECT_TRUE(all_bytes_are(buffers.borrow(HostMemory::pageable, mib), 0));
}

TEST(HostBuffers, LendsTheSmallestThatFits) {
  HostBuffers buffers;
  {
    const auto large = buffers.borrow(HostMemory::pageable, 4 * mib);
    const auto small = buffers.borrow(HostMemory::pageable, mib);
  }
  EXPECT_EQ(buffers.borrow(HostMemory::pageable, mib / 2).bytes(), mib);
  EXPECT_EQ(buffers.borrow(HostMemory::pageable, 2 * mib).bytes(), 4 * mib);
}

TEST(HostBuffers, DropsBuffersThatAreTooSmall) {
  HostBuffers buffers;
  {
    const auto small = buffers.borrow(HostMemory::pageable, mib);
    std::memset(small.data(), 0x5a, small.bytes());
  }
  const auto large = buffers.borrow(HostMemory::pageable, 2 * mib);
  EXPECT_TRUE(all_bytes_are(buffers.borrow(HostMemory::pageable, mib), 0));
}

TEST(HostBuffers, TrimFreesWhatIsNotLent) {
  HostBuffers buffers;
  const auto lent = buffers.borrow(HostMemory::pageable, mib);
  std::memset(lent.data(), 0x11, lent.bytes());
  {
    const auto returned = buffers.borrow(HostMemory::pageable, mib);
    std::memset(returned.data(), 0x5a, returned.bytes());
  }
  buffers.trim();
  EXPECT_TRUE(all_bytes_are(lent, 0x11));
  EXPECT_TRUE(all_bytes_are(buffers.borrow(HostMemory::pageable, mib), 0));
}

TEST(HostBuffers, CountsTheTimeOfAllocatingAlone) {
  HostBuffers buffers;
  EXPECT_EQ(buffers.allocation_seconds(), 0.0);
  { const auto loan = buffers.borrow(HostMemory::pageable, mib); }
  const double once = buffers.allocation_seconds();
  EXPECT_GT(once, 0.0);
  { const auto loan = buffers.borrow(HostMemory::pageable, mib); }
  EXPECT_EQ(buffers.allocation_seconds(), once);
}

TEST(HostBuffers, SaysWhatCouldNotBeAllocated) {
  HostBuffers buffers;
  try {
    const auto loan = buffers.borrow(HostMemory::pageable, std::size_t{1} << 60);
    FAIL() << "an exbibyte was lent";
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("of host memory failed"), std::string::npos) << message;
    EXPECT_NE(message.find("choose smaller weights"), std::string::npos) << message;
  }
}

TEST(Cuda, NamesTheReasonForAGpuThatCannotBe) {
  for (const int index : {-1, 100000}) {
    const auto reason = cuda::unavailable(index);
    ASSERT_TRUE(reason);
    EXPECT_FALSE(reason->empty());
  }
}

TEST(HostCompute, GivesBackWhatWasFilledIn) {
  const std::vector<WeightTensor> tensors{{"one", DType::u8, 1, 1},
                                          {"odd", DType::bf16, 1003, 517},
                                          {"large", DType::fp8_e4m3, 3, 999983}};
  const Platform platform;
  HostBuffers buffers;
  HostWorkers workers(2);
  const PlaceContext context{platform, buffers, workers};
  const auto catalog = make_catalog();
  const auto placement = catalog.policy("host_compute")->place(tensors, context);

  for (const std::uint64_t seed : {1U, 100U}) {  // the second content replaces the first
    std::vector<std::vector<std::byte>> content;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      auto& bytes = content.emplace_back(tensors[i].bytes());
      reference::fill_random(bytes, tensors[i].dtype, seed + i, workers);
      placement->fill(i, bytes);
    }
    const std::vector<Piece> all{
        {0, 0, tensors[0].rows}, {1, 0, tensors[1].rows}, {2, 0, tensors[2].rows}};
    const std::vector<Piece> pieces = placement->plan(all, true).pieces;
    ASSERT_EQ(pieces.size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      EXPECT_EQ(pieces[i].tensor, i);
      EXPECT_EQ(pieces[i].rows, tensors[i].rows);
      const auto whole = placement->acquire(i, nullptr);
      EXPECT_EQ(whole.side, Side::cpu);
      EXPECT_EQ(std::memcmp(whole.data, content[i].data(), content[i].size()), 0);
      placement->release(i, nullptr);

      std::vector<std::byte> out(content[i].size());
      placement->read_back(i, out);
      EXPECT_EQ(out, content[i]);
    }
    const Piece last_rows{1, 1000, 3};
    placement->plan({&last_rows, 1}, true);
    const auto rows = placement->acquire(0, nullptr);
    const std::size_t row_bytes = tensors[1].row_bytes();
    EXPECT_EQ(std::memcmp(rows.data, content[1].data() + 1000 * row_bytes, 3 * row_bytes), 0);
    placement->release(0, nullptr);
  }
  EXPECT_GE(placement->footprint().pageable, 1U + 1003U * 517U * 2U + 3U * 999983U);
}

}  // namespace
}  // namespace offload
