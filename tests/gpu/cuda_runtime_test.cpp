// SPDX-License-Identifier: Apache-2.0
// The CUDA seam: errors that name their cause and leave the context alive, events, host NUMA
// memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/core/huge_page.hpp"
#include "bench/measure/counters.hpp"
#include "bench/platform/probe.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

class CudaRuntime : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  }
};

TEST_F(CudaRuntime, SaysWhatDidNotFitAndGoesOn) {
  constexpr std::size_t too_much = std::size_t{1} << 46;  // 64 TiB
  try {
    const cuda::DeviceBuffer buffer(too_much);
    FAIL() << "64 TiB of GPU memory were allocated";
  } catch (const CudaError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(error.out_of_memory()) << message;
    EXPECT_FALSE(error.context_dead()) << message;
    EXPECT_TRUE(message.starts_with("cudaMalloc of ")) << message;
    EXPECT_TRUE(
        message.ends_with(" of GPU memory failed: out of memory (cudaErrorMemoryAllocation)"
                          "; free some or choose smaller weights"))
        << message;
  }
  // The error is not found again by the next call.
  EXPECT_NO_THROW(cuda::device_synchronize());
  EXPECT_NO_THROW(cuda::DeviceBuffer(1 << 20));
}

TEST_F(CudaRuntime, RejectsAnIndexBeyondTheMachine) {
  const auto reason = cuda::unavailable(1000);
  ASSERT_TRUE(reason);
  EXPECT_TRUE(reason->starts_with("there is no GPU 1000: this machine has ")) << *reason;
}

TEST_F(CudaRuntime, EventsBracketTheirStream) {
  const cuda::Stream stream;
  cuda::Event begin;
  cuda::Event end;
  const cuda::DeviceBuffer memory(std::size_t{64} << 20);
  begin.record(stream);
  for (int i = 0; i < 100; ++i) cuda::memset_async(memory.data(), i, memory.bytes(), stream);
  end.record(stream);
  end.synchronize();
  const double seconds = end.seconds_since(begin);
  const double bytes = 100.0 * static_cast<double>(memory.bytes());
  EXPECT_GT(seconds, bytes / 100e12);  // no memory writes 100 TB/s
  EXPECT_LT(seconds, 10.0);
}

TEST_F(CudaRuntime, HostNumaMemoryIsReachedFromBothSides) {
  const Platform platform = probe_platform(0);
  const MemoryModel& model = platform.gpu->memory_model;
  if (!model.host_numa_vmm) GTEST_SKIP() << "cuMemCreate offers no host NUMA nodes here";
  const int node = model.host_numa_id.value_or(0);
  const std::size_t granularity = cuda::vmm_host_granularity(node);
  const cuda::VmmRange range = cuda::vmm_create_on_host(granularity + 1, node);
  EXPECT_EQ(range.bytes, 2 * granularity);
  std::memset(range.pointer, 0x5a, range.bytes);

  const cuda::DeviceBuffer copy(range.bytes);
  const cuda::Stream stream;
  std::string back(range.bytes, '\0');
  cuda::memcpy_async(copy.data(), range.pointer, range.bytes, stream);
  cuda::memcpy_async(back.data(), copy.data(), range.bytes, stream);
  cuda::stream_synchronize(stream);
  EXPECT_EQ(back, std::string(range.bytes, '\x5a'));
  cuda::vmm_destroy(range);
}

/// Nodes of the host that this process may take `bytes` from.
std::vector<int> nodes_with(std::size_t bytes, const Platform& platform) {
  const HostSettings& settings = platform.host.settings;
  std::vector<int> ids;
  for (const NumaNode& node : settings.nodes) {
    const bool allowed =
        !settings.memory_nodes ||
        std::ranges::find(*settings.memory_nodes, node.id) != settings.memory_nodes->end();
    if (allowed && !node.gpu_memory.value_or(false) && node.available_bytes > bytes) {
      ids.push_back(node.id);
    }
  }
  return ids;
}

TEST_F(CudaRuntime, ManagedMemoryGoesHomeToTheNodeThatIsNamed) {
  using cuda::Location;
  using cuda::Processor;
  const Platform platform = probe_platform(0);
  const MemoryModel& model = platform.gpu->memory_model;
  if (!model.concurrent_managed_access) GTEST_SKIP() << "no page faults on this GPU";
  if (!model.host_numa_id) GTEST_SKIP() << "the driver knows no NUMA nodes of the host here";
  constexpr std::size_t bytes = std::size_t{16} << 20;
  const std::vector<int> nodes = nodes_with(4 * bytes, platform);
  ASSERT_FALSE(nodes.empty());

  const cuda::Stream stream;
  const cuda::ManagedBuffer buffer(bytes);
  std::memset(buffer.data(), 0x5a, bytes);
  const std::vector<std::span<const std::byte>> ranges{{buffer.data(), bytes}};
  for (const int node : nodes) {
    cuda::mem_prefetch_async(buffer.data(), bytes, Processor::gpu, stream);
    cuda::stream_synchronize(stream);
    const auto away = find_residency(ranges, gpu_nodes(platform));
    ASSERT_TRUE(away.value) << away.reason;
    EXPECT_EQ(away.value->not_on_cpu, away.value->pages_asked);

    const Location home(Processor::cpu, node);
    EXPECT_NO_THROW(
        cuda::mem_advise(buffer.data(), bytes, cuda::Advice::set_preferred_location, home));
    cuda::mem_prefetch_async(buffer.data(), bytes, home, stream);
    cuda::stream_synchronize(stream);
    const auto last = cuda::last_prefetch_location(buffer.data(), bytes);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->processor, Processor::cpu);
    EXPECT_EQ(last->node, node);

    // Reading maps the pages for the CPU, and moves none that is in host memory.
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + bytes,
                            [](std::byte byte) { return byte == std::byte{0x5a}; }));
    const auto back = find_residency(ranges, gpu_nodes(platform));
    ASSERT_TRUE(back.value) << back.reason;
    const std::vector<std::pair<int, std::size_t>> all_there{{node, back.value->pages_asked}};
    EXPECT_EQ(back.value->on_node, all_there);
    EXPECT_EQ(back.value->last_prefetch, "cpu");
    cuda::mem_advise(buffer.data(), bytes, cuda::Advice::unset_preferred_location, home);
  }
}

TEST_F(CudaRuntime, RegistersHugePages) {
  const Platform platform = probe_platform(0);
  if (!platform.gpu->memory_model.host_register) GTEST_SKIP() << "no cudaHostRegister here";
  if (const Support given = huge_pages_on_advice(platform.host); !given) {
    GTEST_SKIP() << given.reason();
  }
  const std::size_t bytes = 2 * huge_page_bytes();
  const HostAllocation memory(HostMemory::registered, bytes, HostPages::huge);
  std::memset(memory.data(), 0x5a, bytes);
  const std::span<const std::byte> range(memory.data(), bytes);
  const auto use = find_huge_pages(std::array{range}, huge_page_bytes());
  ASSERT_TRUE(use);
  EXPECT_EQ(use->huge_bytes + use->small_bytes, bytes);  // as many as there were free
  EXPECT_NE(cuda::host_get_device_pointer(memory.data()), nullptr);

  const cuda::DeviceBuffer copy(bytes);
  const cuda::Stream stream;
  std::string back(bytes, '\0');
  cuda::memcpy_async(copy.data(), memory.data(), bytes, stream);
  cuda::memcpy_async(back.data(), copy.data(), bytes, stream);
  cuda::stream_synchronize(stream);
  EXPECT_EQ(back, std::string(bytes, '\x5a'));
}

TEST_F(CudaRuntime, FailsToCreateMemoryOnANodeThatIsNot) {
  if (!probe_platform(0).gpu->memory_model.host_numa_vmm) {
    GTEST_SKIP() << "cuMemCreate offers no host NUMA nodes here";
  }
  EXPECT_THROW(cuda::vmm_destroy(cuda::vmm_create_on_host(1, 4095)), CudaError);
  EXPECT_NO_THROW(cuda::device_synchronize());
}

}  // namespace
}  // namespace offload
