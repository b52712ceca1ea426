// SPDX-License-Identifier: Apache-2.0
// The weights are in GPU memory: no offload, the upper bound of all others.
#include "bench/policies/described.hpp"
#include "bench/policies/packed.hpp"
#include "bench/policies/policies.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class DeviceResidentPlacement final : public Placement {
 public:
  explicit DeviceResidentPlacement(std::span<const WeightTensor> tensors)
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

class DeviceResident final : public DescribedPolicy {
 public:
  DeviceResident()
      : DescribedPolicy({.name = "device_resident",
                         .memory = "cudaMalloc",
                         .mechanism = "already in GPU memory",
                         .engine_flags = "no offload flags; llama.cpp -ngl all"}) {}

  Support support(const Platform& platform) const override { return needs_gpu(platform); }
  std::span<const Start> starts() const override { return steady_only; }
  Path path(Start, const Platform&) const override { return Path::device_memory; }
  Requirement requirement(const WeightSet& weights, const Tuning&) const override {
    return {.device = Packed(weights.tensors).bytes()};
  }
  std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                   const PlaceContext&) const override {
    return std::make_unique<DeviceResidentPlacement>(tensors);
  }
};

}  // namespace

std::unique_ptr<Policy> make_device_resident() { return std::make_unique<DeviceResident>(); }

}  // namespace offload
