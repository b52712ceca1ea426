// SPDX-License-Identifier: Apache-2.0
// The unified-memory counters against buffers whose traffic is known beforehand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "bench/measure/um_traffic.hpp"
#include "bench/platform/probe.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

// As much as the counters can follow.
constexpr std::size_t size = std::size_t{64} << 20;
constexpr std::uint32_t word = 3;
constexpr std::uint64_t sum_of_words = word * (size / sizeof word);

class UmEvidence : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    const MemoryModel model = probe_platform(0).gpu->memory_model;
    if (!model.concurrent_managed_access) GTEST_SKIP() << "no page faults on this GPU";
    if (!collector_.available()) GTEST_SKIP() << collector_.available().reason();
    host_reads_gpu_memory_ = model.direct_managed_access_from_host;
    stream_ = std::make_unique<cuda::Stream>();
    sum_ = cuda::DeviceBuffer(sizeof(std::uint64_t));
  }

  /// In CPU memory, every page written.
  cuda::ManagedBuffer managed_on_cpu() {
    cuda::ManagedBuffer buffer(size);
    fill(buffer.data());
    move(buffer, cuda::Processor::cpu);
    cuda::stream_synchronize(*stream_);
    return buffer;
  }
  static void fill(std::byte* data) {
    std::ranges::fill(std::span(reinterpret_cast<std::uint32_t*>(data), size / sizeof word), word);
  }
  void move(const cuda::ManagedBuffer& buffer, cuda::Processor to) {
    cuda::mem_prefetch_async(buffer.data(), buffer.bytes(), to, *stream_);
  }

  /// One read of all bytes by the GPU, checked to have happened.
  UmTraffic traffic_of_read(const std::byte* data) {
    cuda::memset_async(sum_.data(), 0, sum_.bytes(), *stream_);
    const UmTraffic traffic = traffic_of([&] {
      kernels::stream_read(data, size, static_cast<std::uint64_t*>(sum_.data()), *stream_);
    });
    std::uint64_t sum = 0;
    cuda::memcpy_async(&sum, sum_.data(), sizeof sum, *stream_);
    cuda::stream_synchronize(*stream_);
    EXPECT_EQ(sum, sum_of_words);
    return traffic;
  }
  UmTraffic traffic_of(const std::function<void()>& pass) {
    return traffic_of_each({{[] {}, pass}}).front();
  }
  std::vector<UmTraffic> traffic_of_each(const std::vector<UmCollector::Pass>& passes) {
    const Observed<std::vector<UmTraffic>> found = collector_.measure(passes);
    if (!found.value) throw std::runtime_error("no traffic: " + found.reason);
    return *found.value;
  }

  UmCollector collector_;
  std::unique_ptr<cuda::Stream> stream_;
  cuda::DeviceBuffer sum_;
  bool host_reads_gpu_memory_ = false;
};

void expect_nothing_happened(const UmTraffic& traffic) {
  EXPECT_EQ(traffic.to_device.total(), 0U);
  EXPECT_EQ(traffic.to_host.total(), 0U);
  EXPECT_EQ(traffic.gpu_fault_groups, 0U);
  EXPECT_EQ(traffic.cpu_faults, 0U);
  EXPECT_EQ(traffic.remote_maps, 0U);
}

TEST_F(UmEvidence, APrefetchMovesEveryByteOnceWithoutFaults) {
  const auto buffer = managed_on_cpu();
  const UmTraffic there = traffic_of([&] { move(buffer, cuda::Processor::gpu); });
  EXPECT_EQ(there.to_device.total(), size);
  EXPECT_EQ(there.to_host.total(), 0U);
  EXPECT_EQ(there.gpu_fault_groups, 0U);
  const UmTraffic back = traffic_of([&] { move(buffer, cuda::Processor::cpu); });
  EXPECT_EQ(back.to_host.total(), size);
  EXPECT_EQ(back.to_device.total(), 0U);
}

TEST_F(UmEvidence, AColdReadMovesAllByFaultsAndAWarmOneNothing) {
  const auto buffer = managed_on_cpu();
  // CUPTI loses records now and then without saying so, which only ever counts too little.
  UmTraffic cold;
  for (int attempt = 0; attempt < 3 && cold.to_device.total() < size; ++attempt) {
    move(buffer, cuda::Processor::cpu);
    cuda::stream_synchronize(*stream_);
    cold = traffic_of_read(buffer.data());
  }
  EXPECT_GE(cold.to_device.total(), size);
  EXPECT_LE(cold.to_device.total(), size + size / 10);
  EXPECT_GT(cold.gpu_fault_groups, 0U);
  expect_nothing_happened(traffic_of_read(buffer.data()));
}

TEST_F(UmEvidence, ZeroCopyRaisesNone) {
  struct Pinned {
    void* data = cuda::host_alloc(size, cuda::HostAlloc::mapped);
    ~Pinned() { cuda::free_host(data); }
  } pinned;
  fill(static_cast<std::byte*>(pinned.data));
  expect_nothing_happened(
      traffic_of_read(static_cast<const std::byte*>(cuda::host_get_device_pointer(pinned.data))));
}

TEST_F(UmEvidence, TheCpuReadingGpuPagesFaults) {
  if (host_reads_gpu_memory_) GTEST_SKIP() << "this CPU reads GPU memory in place";
  const auto buffer = managed_on_cpu();
  move(buffer, cuda::Processor::gpu);
  cuda::stream_synchronize(*stream_);
  const UmTraffic traffic = traffic_of([&] {
    volatile const std::byte* data = buffer.data();
    (void)data[0];
    (void)data[size - 1];
  });
  EXPECT_GE(traffic.cpu_faults, 2U);
  EXPECT_GT(traffic.to_host.total(), 0U);
  EXPECT_EQ(traffic.to_device.total(), 0U);
}

TEST_F(UmEvidence, WorkEnqueuedBeforeThePassIsNotCounted) {
  const auto buffer = managed_on_cpu();
  move(buffer, cuda::Processor::gpu);
  expect_nothing_happened(traffic_of([] {}));
}

TEST_F(UmEvidence, PassesAreCountedApartAndWhatPreparesThemIsNot) {
  const auto buffer = managed_on_cpu();
  const auto home = [&] { move(buffer, cuda::Processor::cpu); };
  const auto to_gpu = [&] { move(buffer, cuda::Processor::gpu); };
  const auto nothing = [] {};
  const std::vector<UmTraffic> found =
      traffic_of_each({{nothing, to_gpu}, {nothing, nothing}, {home, to_gpu}, {nothing, home}});
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].to_device.total(), size);
  expect_nothing_happened(found[1]);
  EXPECT_EQ(found[2].to_device.total(), size);
  EXPECT_EQ(found[2].to_host.total(), 0U);
  EXPECT_EQ(found[3].to_host.total(), size);
  EXPECT_EQ(found[3].to_device.total(), 0U);
}

TEST_F(UmEvidence, APassThatThrowsLeavesTheCountersUsable) {
  const auto buffer = managed_on_cpu();
  const UmCollector::Pass broken{[] {},
                                 [&] {
                                   move(buffer, cuda::Processor::gpu);
                                   throw std::runtime_error("broken");
                                 }};
  EXPECT_THROW((void)collector_.measure({&broken, 1}), std::runtime_error);
  cuda::device_synchronize();
  EXPECT_EQ(traffic_of([&] { move(buffer, cuda::Processor::cpu); }).to_host.total(), size);
}

TEST(GpuPlatform, DescribesTheGpuConsistently) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  const Platform platform = probe_platform(0);
  ASSERT_TRUE(platform.gpu);
  const Gpu& gpu = *platform.gpu;
  EXPECT_NE(gpu.name, "");
  EXPECT_EQ(gpu.uuid.size(), 40U);
  EXPECT_EQ(gpu.uuid.substr(0, 4), "GPU-");
  EXPECT_NE(gpu.pci_bus_id, "");
  EXPECT_NE(gpu.driver_release, "");
  EXPECT_GT(gpu.sm_count, 0);
  EXPECT_GT(gpu.l2_bytes, 0U);
  EXPECT_GT(gpu.free_bytes, 0U);
  EXPECT_LT(gpu.free_bytes, gpu.memory_bytes);
  EXPECT_EQ(gpu.memory_bytes, cuda::mem_get_info().total);
  EXPECT_GE(gpu.driver_version / 1000, gpu.runtime_version / 1000);
  if (gpu.hbm_peak_bytes_per_second) {
    EXPECT_GT(*gpu.hbm_peak_bytes_per_second, 50e9);
    EXPECT_LT(*gpu.hbm_peak_bytes_per_second, 50e12);
  }
  const MemoryModel& model = gpu.memory_model;
  EXPECT_TRUE(model.managed);
  if (model.pageable_memory_access) {
    EXPECT_TRUE(model.concurrent_managed_access);
  }
  if (model.pageable_memory_access_uses_host_page_tables) {
    EXPECT_TRUE(model.pageable_memory_access);
  }
  if (platform.link && platform.link->current_generation) {
    EXPECT_LE(*platform.link->current_generation, platform.link->generation.value_or(0));
  }
}

}  // namespace
}  // namespace offload
