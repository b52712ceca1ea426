// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory and the CPU does the arithmetic where they lie.
#include "bench/policies/described.hpp"
#include "bench/policies/packed.hpp"
#include "bench/policies/policies.hpp"
#include "offload/host_buffers.hpp"

namespace offload {
namespace {

class HostComputePlacement final : public Placement {
 public:
  HostComputePlacement(std::span<const WeightTensor> tensors, const PlaceContext& context)
      : Placement(tensors),
        packed_(tensors),
        memory_(context.host_buffers.borrow(HostMemory::pageable, packed_.bytes())),
        workers_(context.workers) {}

  void fill(std::size_t index, std::span<const std::byte> content) override {
    copy_by_workers(memory_.data() + packed_.offset(index), content, workers_);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    copy_by_workers(out.data(), {memory_.data() + packed_.offset(index), out.size()}, workers_);
  }
  void reset(Start, StreamHandle) override {}

  PieceView acquire(const Piece& piece, StreamHandle) override {
    return {piece, memory_.data() + packed_.offset(piece), Side::cpu};
  }
  void release(const Piece&, StreamHandle) override {}

  Footprint footprint() const override { return {.pageable = memory_.bytes()}; }

 private:
  Packed packed_;
  HostBuffers::Loan memory_;
  HostWorkers& workers_;
};

class HostCompute final : public DescribedPolicy {
 public:
  HostCompute()
      : DescribedPolicy({.name = "host_compute",
                         .memory = "malloc",
                         .mechanism = "the CPU computes in place, on every core",
                         .engine_flags = "llama.cpp -ncmoe N (experts), -ngl N (whole layers)"}) {}

  Support support(const Platform&) const override { return Support::yes(); }
  std::span<const Start> starts() const override { return steady_only; }
  Path path(Start, const Platform&) const override { return Path::host_memory; }
  Requirement requirement(const WeightSet& weights) const override {
    return {.pageable = whole_pages(Packed(weights.tensors).bytes())};
  }
  std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                   const PlaceContext& context) const override {
    return std::make_unique<HostComputePlacement>(tensors, context);
  }
};

}  // namespace

std::unique_ptr<Policy> make_host_compute() { return std::make_unique<HostCompute>(); }

}  // namespace offload
