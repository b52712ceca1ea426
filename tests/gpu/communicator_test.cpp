// SPDX-License-Identifier: Apache-2.0
// NCCL itself, where it is found: with one GPU a group of one, with two one of two.
#include "offload/cuda/communicator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

void exchange(CommunicatorGroup& group, std::size_t rank, std::size_t size) {
  cuda::set_device(static_cast<int>(rank));
  const auto member = group.join(rank);
  EXPECT_EQ(member->rank(), rank);
  EXPECT_EQ(member->size(), size);
  constexpr std::size_t bytes = 1 << 20;
  const cuda::DeviceBuffer all(size * bytes);
  auto* const mine = static_cast<std::byte*>(all.data()) + rank * bytes;
  const cuda::Stream stream;
  cuda::memset_async(all.data(), 0, all.bytes(), stream);
  cuda::memset_async(mine, static_cast<int>(rank) + 1, bytes, stream);
  member->all_gather(mine, all.data(), bytes, stream);
  std::vector<std::byte> gathered(all.bytes());
  cuda::memcpy_async(gathered.data(), all.data(), all.bytes(), stream);
  cuda::stream_synchronize(stream);
  for (std::size_t i = 0; i < size; ++i) {
    EXPECT_EQ(gathered[i * bytes], std::byte(i + 1));
    EXPECT_EQ(gathered[(i + 1) * bytes - 1], std::byte(i + 1));
  }

  constexpr std::uint16_t one_in_bf16 = 0x3f80;
  constexpr std::uint16_t two_in_bf16 = 0x4000;
  std::array<std::uint16_t, 8> values{};
  values.fill(one_in_bf16);
  cuda::memcpy_async(all.data(), values.data(), sizeof values, stream);
  member->all_reduce(all.data(), values.size(), stream);
  cuda::memcpy_async(values.data(), all.data(), sizeof values, stream);
  cuda::stream_synchronize(stream);
  for (const auto value : values) EXPECT_EQ(value, size == 1 ? one_in_bf16 : two_in_bf16);

  member->abort();
  EXPECT_THROW(member->all_reduce(all.data(), 1, stream), std::runtime_error);
}

TEST(Nccl, ExchangesWithItself) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  if (!cuda::nccl().reason.empty()) GTEST_SKIP() << cuda::nccl().reason;
  CommunicatorGroup group(1, cuda::connect_by_nccl());
  exchange(group, 0, 1);
}

TEST(Nccl, ExchangesBetweenTwoGpus) {
  if (cuda::device_count() < 2) GTEST_SKIP() << "needs two GPUs: NCCL takes none twice";
  if (!cuda::nccl().reason.empty()) GTEST_SKIP() << cuda::nccl().reason;
  CommunicatorGroup group(2, cuda::connect_by_nccl());
  std::thread other([&] { exchange(group, 1, 2); });
  exchange(group, 0, 2);
  other.join();
  cuda::set_device(0);
}

}  // namespace
}  // namespace offload
