// SPDX-License-Identifier: Apache-2.0
// The weights stay in page-locked host memory and kernels read them there, over the link (UVA).
#include <utility>

#include "bench/policies/described.hpp"
#include "bench/policies/packed.hpp"
#include "bench/policies/policies.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

/// cudaHostAlloc or cudaHostRegister memory out of the shared buffers.
class LentMemory {
 public:
  explicit LentMemory(HostBuffers::Loan&& loan)
      : loan_(std::move(loan)), on_gpu_(cuda::host_get_device_pointer(loan_.data())) {}
  std::byte* data() const { return loan_.data(); }
  const std::byte* on_gpu() const { return static_cast<const std::byte*>(on_gpu_); }
  std::size_t bytes() const { return loan_.bytes(); }

 private:
  HostBuffers::Loan loan_;
  void* on_gpu_;
};

/// cuMemCreate memory on one host NUMA node: the same address on both sides.
class VmmMemory {
 public:
  VmmMemory(std::size_t bytes, int node) : range_(cuda::vmm_create_on_host(bytes, node)) {}
  ~VmmMemory() { cuda::vmm_destroy(range_); }
  VmmMemory(VmmMemory&& other) noexcept : range_(std::exchange(other.range_, {})) {}
  VmmMemory(const VmmMemory&) = delete;
  VmmMemory& operator=(const VmmMemory&) = delete;
  VmmMemory& operator=(VmmMemory&&) = delete;
  std::byte* data() const { return static_cast<std::byte*>(range_.pointer); }
  const std::byte* on_gpu() const { return data(); }
  std::size_t bytes() const { return range_.bytes; }

 private:
  cuda::VmmRange range_;
};

template <typename Memory>
class ZeroCopyPlacement final : public PackedOnHost<Memory> {
 public:
  using PackedOnHost<Memory>::PackedOnHost;

  PieceView acquire(std::size_t index, StreamHandle) override {
    const Piece& piece = this->planned(index);
    return {piece, this->memory().on_gpu() + this->packed().offset(piece), Side::gpu};
  }
  Footprint footprint() const override { return {.pinned = this->memory().bytes()}; }
};

class ZeroCopy : public DescribedPolicy {
 public:
  ZeroCopy(const PolicyText& text, HostMemory kind) : DescribedPolicy(text), kind_(kind) {}

  Support support(const Platform& platform) const override {
    if (kind_ != HostMemory::registered) return needs_gpu(platform);
    return needs(platform, &MemoryModel::host_register, "cudaHostRegister");
  }
  std::span<const Start> starts() const final { return steady_only; }
  Path path(Start, const Platform&) const final { return Path::link; }
  Requirement requirement(const WeightSet& weights, const Tuning&) const override {
    return {.pinned = whole_pages(Packed(weights.tensors).bytes())};
  }
  std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                   const PlaceContext& context) const override {
    Packed packed(tensors);
    LentMemory memory(context.host_buffers.borrow(kind_, packed.bytes()));
    return std::make_unique<ZeroCopyPlacement<LentMemory>>(tensors, std::move(packed),
                                                           std::move(memory), context.workers);
  }

 private:
  HostMemory kind_;
};

class HostVmmZeroCopy final : public DescribedPolicy {
 public:
  HostVmmZeroCopy()
      : DescribedPolicy({.name = "hostvmm_zero_copy",
                         .memory = "cuMemCreate on the GPU's host NUMA node",
                         .mechanism = "SMs read it over the link",
                         .engine_flags = ""}) {}

  Support support(const Platform& platform) const override {
    return needs(platform, &MemoryModel::host_numa_vmm, "cuMemCreate on host NUMA nodes");
  }
  std::span<const Start> starts() const override { return steady_only; }
  Path path(Start, const Platform&) const override { return Path::link; }
  Requirement requirement(const WeightSet& weights, const Tuning&) const override {
    // The driver's granularity can only be asked for on a GPU; on all known systems it is at most
    // this.
    constexpr std::size_t granularity = std::size_t{2} << 20;
    const std::size_t bytes = Packed(weights.tensors).bytes();
    return {.pinned = (bytes + granularity - 1) / granularity * granularity};
  }
  std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                   const PlaceContext& context) const override {
    Packed packed(tensors);
    constexpr int no_numa = 0;  // what cuMemCreate wants where the system has no NUMA
    const int node = context.platform.gpu->memory_model.host_numa_id.value_or(no_numa);
    VmmMemory memory(packed.bytes(), node);
    return std::make_unique<ZeroCopyPlacement<VmmMemory>>(tensors, std::move(packed),
                                                          std::move(memory), context.workers);
  }
};

}  // namespace

std::unique_ptr<Policy> make_pinned_zero_copy() {
  return std::make_unique<ZeroCopy>(
      PolicyText{.name = "pinned_zero_copy",
                 .memory = "cudaHostAlloc mapped",
                 .mechanism = "SMs read it over the link (UVA)",
                 .engine_flags = "vLLM --offload-backend uva --cpu-offload-gb X"},
      HostMemory::pinned);
}

std::unique_ptr<Policy> make_writecombined_zero_copy() {
  return std::make_unique<ZeroCopy>(PolicyText{.name = "writecombined_zero_copy",
                                               .memory = "cudaHostAlloc mapped, write-combined",
                                               .mechanism = "SMs read it over the link (UVA)",
                                               .engine_flags = ""},
                                    HostMemory::write_combined);
}

std::unique_ptr<Policy> make_registered_zero_copy() {
  return std::make_unique<ZeroCopy>(PolicyText{.name = "registered_zero_copy",
                                               .memory = "malloc + cudaHostRegister",
                                               .mechanism = "SMs read it over the link (UVA)",
                                               .engine_flags = ""},
                                    HostMemory::registered);
}

std::unique_ptr<Policy> make_hostvmm_zero_copy() { return std::make_unique<HostVmmZeroCopy>(); }

}  // namespace offload
