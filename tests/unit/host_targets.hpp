// SPDX-License-Identifier: Apache-2.0
// For tests of the CPU's kernels: every instruction set in turn, and memory with fences.
#pragma once
#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>

#include "kernels/host/instruction_set.hpp"

namespace offload::host {

/// Bytes that end, or begin, where a page that may not be read begins, or ends.
class FencedBytes {
 public:
  enum class At { end, begin };

  FencedBytes(std::size_t bytes, At fence)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    inside_ = std::max<std::size_t>((bytes + page_ - 1) / page_, 1) * page_;
    map_ = mmap(nullptr, inside_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map_ == MAP_FAILED) throw std::bad_alloc();
    auto* first = static_cast<std::byte*>(map_) + page_;
    if (mprotect(first, inside_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    span_ = {fence == At::begin ? first : first + inside_ - bytes, bytes};
  }
  ~FencedBytes() { munmap(map_, inside_ + 2 * page_); }
  FencedBytes(const FencedBytes&) = delete;
  FencedBytes& operator=(const FencedBytes&) = delete;

  std::byte* data() const { return span_.data(); }
  std::span<std::byte> bytes() const { return span_; }

 private:
  std::size_t page_;
  std::size_t inside_;
  void* map_;
  std::span<std::byte> span_;
};

/// Runs each test once for every instruction set that was compiled and that this CPU has.
class HostKernels : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    ASSERT_EQ(instruction_set(), hwy::TargetName(GetParam()));
  }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

inline std::string target_name(const testing::TestParamInfo<std::int64_t>& target) {
  return hwy::TargetName(target.param);
}

}  // namespace offload::host
