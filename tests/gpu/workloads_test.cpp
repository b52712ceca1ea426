// SPDX-License-Identifier: Apache-2.0
// The workloads on the GPU, and with a tensor's rows shared between GPU and CPU.
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "kernels/content.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

constexpr std::nullopt_t right = std::nullopt;

/// Weights in mapped host memory, which both sides read.
class GpuWorkloads : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    cuda::set_device(0);
    stream_ = std::make_unique<cuda::Stream>();
  }
  void TearDown() override { cuda::free_host(memory_); }

  void bind(const Workload& workload, const WeightTensor& tensor) {
    cuda::free_host(memory_);
    memory_ = static_cast<std::byte*>(cuda::host_alloc(tensor.bytes(), cuda::HostAlloc::mapped));
    tensor_ = tensor;
    const std::span<std::byte> bytes{memory_, tensor.bytes()};
    reference::fill_random(bytes, tensor.dtype, 11, workers_);
    if (workload.content() == Content::chain) reference::make_chain(bytes, 11);
    const std::vector<TensorContent> data{{bytes, 0, 0}};
    bound_workload_ = workload.bind({"one", {tensor}}, data, workers_, true);
  }
  void launch(std::size_t first_row, std::size_t rows, Side side) {
    const std::byte* data = memory_;
    if (side == Side::gpu) {
      data = static_cast<const std::byte*>(cuda::host_get_device_pointer(memory_));
    }
    bound_workload_->launch({{0, first_row, rows}, data + first_row * tensor_.row_bytes(), side},
                            target());
  }
  /// The whole tensor, copied to `slot` first.
  void launch_copied(std::byte* slot) {
    cuda::memcpy_async(slot, memory_, tensor_.bytes(), *stream_);
    bound_workload_->launch({{0, 0, tensor_.rows}, slot, Side::gpu, true}, target());
  }
  void poison() { bound_workload_->poison(target()); }
  StreamHandle stream() { return *stream_; }
  std::optional<std::string> check() {
    cuda::stream_synchronize(*stream_);
    workers_.join();
    return bound_workload_->check(target());
  }
  std::byte* memory() { return memory_; }
  const Catalog& catalog() const { return catalog_; }

 private:
  LaunchTarget target() { return {*stream_, workers_}; }

  Catalog catalog_ = make_catalog();
  std::unique_ptr<cuda::Stream> stream_;
  HostWorkers workers_;
  WeightTensor tensor_;
  std::byte* memory_ = nullptr;
  std::unique_ptr<BoundWorkload> bound_workload_;
};

TEST_F(GpuWorkloads, PassOnTheGpuAndOnTheCpuAndFindNothingRead) {
  for (const char* called : {"stream_read", "gemv", "pointer_chase"}) {
    for (const DType dtype : {DType::bf16, DType::fp16, DType::fp8_e4m3}) {
      const Workload* workload = catalog().workload(called);
      bind(*workload, {"down_proj", dtype, 1000, 1003});
      for (const Side side : {Side::gpu, Side::cpu, Side::gpu}) {
        poison();
        launch(0, 1000, side);
        EXPECT_EQ(check(), right) << workload->name() << ' ' << name(dtype);
      }
      poison();
      EXPECT_NE(check(), right) << workload->name() << ' ' << name(dtype);
    }
  }
}

TEST_F(GpuWorkloads, GatherAndFollowPointersOnBothSides) {
  const std::vector<std::pair<const char*, WeightTensor>> gathered{
      {"row_gather", {"w", DType::bf16, 1000, 1003}}, {"nested", {"w", DType::u8, 1000, 1072 * 3}}};
  for (const auto& [called, tensor] : gathered) {
    const Workload* workload = catalog().workload(called);
    bind(*workload, tensor);
    for (const Side side : {Side::gpu, Side::cpu, Side::gpu}) {
      poison();
      launch(0, 1000, side);
      EXPECT_EQ(check(), right) << workload->name();
    }
    poison();
    EXPECT_NE(check(), right) << workload->name();
  }
}

/// A slot holds a copy at another address every time, as far as the workload can know.
TEST_F(GpuWorkloads, MakeNewPointersForASlot) {
  const WeightTensor tensor{"w", DType::u8, 500, 1072 * 2};
  bind(*catalog().workload("nested"), tensor);
  const cuda::DeviceBuffer slots(2 * tensor.bytes());
  for (const std::size_t slot : {0U, 1U, 1U, 0U}) {
    auto* const data = static_cast<std::byte*>(slots.data()) + slot * tensor.bytes();
    poison();
    launch_copied(data);
    EXPECT_EQ(check(), right) << "slot " << slot;
    poison();
    launch(0, 500, Side::gpu);  // and back in place
    EXPECT_EQ(check(), right) << "in place after slot " << slot;
  }
  // What the slot holds is read, and not the weights it was copied from.
  auto* const data = static_cast<std::byte*>(slots.data());
  poison();
  launch_copied(data);
  cuda::stream_synchronize(stream());
  memory()[0] ^= std::byte{1};
  EXPECT_EQ(check(), right);
  poison();
  launch_copied(data);
  EXPECT_NE(check(), right);
}

TEST_F(GpuWorkloads, ShareRowsBetweenGpuAndCpu) {
  for (const char* called : {"stream_read", "gemv"}) {
    const Workload* workload = catalog().workload(called);
    bind(*workload, {"down_proj", DType::bf16, 1000, 1003});
    poison();
    launch(0, 400, Side::gpu);
    launch(600, 400, Side::gpu);
    launch(400, 100, Side::cpu);
    EXPECT_NE(check(), right) << workload->name() << ": rows 500 to 599 were not read";
    launch(500, 100, Side::cpu);
    EXPECT_EQ(check(), right) << workload->name();
  }
}

TEST_F(GpuWorkloads, FindWrongWeights) {
  for (const char* called : {"stream_read", "gemv"}) {
    const Workload* workload = catalog().workload(called);
    bind(*workload, {"down_proj", DType::fp8_e4m3, 64, 256});
    memory()[17 * 256 + 3] = std::byte{0x50};  // 8.0, greater than any weight
    poison();
    launch(0, 64, Side::gpu);
    const auto wrong = check();
    ASSERT_TRUE(wrong) << workload->name();
    EXPECT_NE(wrong->find("down_proj"), std::string::npos) << *wrong;
  }
}

}  // namespace
}  // namespace offload
