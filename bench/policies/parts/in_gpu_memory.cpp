// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/in_gpu_memory.hpp"

#include "bench/policies/parts/packed.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class InGpuMemory final : public Placement {
 public:
  explicit InGpuMemory(std::span<const WeightTensor> tensors)
      : Placement(tensors), packed_(tensors), memory_(packed_.bytes()) {}

  void fill(std::size_t index, std::span<const std::byte> content) override {
    cuda::memcpy_async(data() + packed_.offset(index), content.data(), content.size(), nullptr);
    cuda::stream_synchronize(nullptr);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    cuda::memcpy_async(out.data(), data() + packed_.offset(index), out.size(), nullptr);
    cuda::stream_synchronize(nullptr);
  }
  void reset(Start, StreamHandle) override {}

  PieceView acquire(std::size_t index, StreamHandle) override {
    return {planned(index), data() + packed_.offset(planned(index)), Side::gpu};
  }
  void release(std::size_t, StreamHandle) override {}

  Footprint footprint() const override { return {.device = memory_.bytes()}; }

 private:
  std::byte* data() const { return static_cast<std::byte*>(memory_.data()); }

  Packed packed_;
  cuda::DeviceBuffer memory_;
};

}  // namespace

Requirement needed_in_gpu_memory(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.device = Packed(weights.tensors).bytes()};
}

std::unique_ptr<Placement> place_in_gpu_memory(std::span<const WeightTensor> tensors,
                                               const PlaceContext& /*context*/) {
  return std::make_unique<InGpuMemory>(tensors);
}

}  // namespace offload
