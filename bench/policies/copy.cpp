// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory, or in a mapped file; each tensor is copied whole into its place
// in one slot of GPU memory, and read there. The slot is as large as a layer, whose whole state the
// engines' `.to(device)` brings. Copy and kernel share a stream, so the next layer's copies wait
// until this one has been read.
#include <utility>

#include "bench/policies/parts/layers.hpp"
#include "bench/policies/parts/mapped_file.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

enum class Lock : std::uint8_t {
  as_placed,
  each_copy,  // the tensor's pages, until it has been copied
};

template <typename Memory, Lock lock = Lock::as_placed>
class CopyPlacement final : public PackedOnHost<Memory> {
 public:
  /// `kind` is what the memory counts as.
  CopyPlacement(std::span<const WeightTensor> tensors, Packed packed, Memory memory,
                HostWorkers& workers, std::size_t Footprint::*kind)
      : PackedOnHost<Memory>(tensors, std::move(packed), std::move(memory), workers),
        kind_(kind),
        slot_(largest_layer(tensors)) {
    for (const LayerRange& layer : layers_of(tensors)) {
      layer_begin_.resize(layer.end, this->packed().offset(layer.first));
    }
  }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Piece& piece = this->planned(index);
    // Further pieces of a tensor find it in the slot.
    if (index == 0 || this->planned(index - 1).tensor != piece.tensor) bring(piece.tensor, stream);
    return {piece, in_slot(piece), Side::gpu, true};
  }

  Footprint footprint() const override {
    Footprint taken{.device = slot_.bytes()};
    taken.*kind_ = this->memory().bytes();
    return taken;
  }

 private:
  void bring(std::size_t tensor, StreamHandle stream) {
    if constexpr (lock == Lock::each_copy) {
      // What is locked while the stream has yet to come to the pass would cost nothing in it.
      cuda::stream_synchronize(stream);
      const std::vector<PageLock> pages = locked(tensor);
      copy(tensor, stream);
      cuda::stream_synchronize(stream);
    } else {
      copy(tensor, stream);
    }
  }

  void copy(std::size_t tensor, StreamHandle stream) const {
    this->for_each_part(this->whole(tensor), [&](const Piece& part) {
      cuda::memcpy_async(in_slot(part), this->at(part), this->bytes_of(part), stream);
    });
  }

  std::vector<PageLock> locked(std::size_t tensor) const {
    std::vector<PageLock> locks;
    if constexpr (InParts<Memory>) {
      for (const MappedPages pages : this->memory().pages_of(tensor)) {
        locks.emplace_back(pages.data(), pages.size());
      }
    } else {
      const Piece whole = this->whole(tensor);
      locks.emplace_back(this->at(whole), this->bytes_of(whole));
    }
    return locks;
  }

  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    PassPlan plan{{read.begin(), read.end()}, std::size_t{0}};
    for (std::size_t i = 0; i < read.size(); ++i) {
      const bool first = i == 0 || read[i].tensor != read[i - 1].tensor;
      if (first) *plan.copied += this->tensors()[read[i].tensor].bytes();
    }
    return plan;
  }

  /// A piece lies in the slot as it lies in its layer.
  std::byte* in_slot(const Piece& piece) const {
    return static_cast<std::byte*>(slot_.data()) + this->packed().offset(piece) -
           layer_begin_[piece.tensor];
  }

  std::size_t Footprint::*kind_;
  cuda::DeviceBuffer slot_;
  std::vector<std::size_t> layer_begin_;  // by tensor
};

template <HostMemory kind>
constexpr std::size_t Footprint::*counted_as =
    kind == HostMemory::pinned ? &Footprint::pinned : &Footprint::pageable;

template <HostMemory kind>
Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  Requirement needed{.device = largest_layer(weights.tensors)};
  needed.*counted_as<kind> = whole_pages(Packed(weights.tensors).bytes());
  return needed;
}

template <HostMemory kind>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(kind, packed.bytes());
  return std::make_unique<CopyPlacement<HostBuffers::Loan>>(
      tensors, std::move(packed), std::move(memory), context.workers, counted_as<kind>);
}

template <HostMemory kind>
Requirement requirement_of_files(const WeightSet& weights, const Tuning& /*tuning*/) {
  Requirement needed{.device = largest_layer(weights.tensors)};
  needed.*counted_as<kind> = file_bytes(weights.tensors);
  return needed;
}

template <typename Memory>
using CopyAsPlaced = CopyPlacement<Memory>;
template <typename Memory>
using LockAndCopy = CopyPlacement<Memory, Lock::each_copy>;

/// `kind` is what the files are as good as, once they are in memory.
template <template <typename> typename Copy, typename Model, typename Written, HostMemory kind>
std::unique_ptr<Placement> place_in_file(std::span<const WeightTensor> tensors,
                                         const PlaceContext& context) {
  return place_in_files<Copy, Model, Written>(tensors, context, counted_as<kind>);
}

template <HostMemory kind>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  const Rates& rates = context.rates;
  const auto rate = kind == HostMemory::pinned ? rates.copy_h2d : rates.copy_pageable;
  const Piece* previous = nullptr;
  const auto seconds = in_order(work, context, [&](const WorkItem& item) {
    const bool in_slot = previous != nullptr && previous->tensor == item.piece.tensor;
    previous = &item.piece;
    if (in_slot) return item.on_gpu;
    const std::size_t whole = context.tensors[item.piece.tensor].bytes();
    return rates.copy_start + bytes_over(whole, rate) + item.on_gpu;
  });
  return kind == HostMemory::pinned ? precisely(seconds) : roughly(seconds);
}

constexpr std::string_view copy_then_read =
    "cudaMemcpyAsync of each tensor into a slot for a layer, then read, on one stream";

constexpr Policy rows[] = {
    {
        .name = "pinned_copy",
        .memory = "cudaHostAlloc",
        .mechanism = copy_then_read,
        .engine_flags = "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 --cpu-offload-gb X "
                        "--enforce-eager; SGLang --cpu-offload-gb X",
        .family = Family::copy,
        .requirement = requirement<HostMemory::pinned>,
        .place = place<HostMemory::pinned>,
        .predict = predict<HostMemory::pinned>,
    },
    {
        .name = "pageable_copy",
        .memory = "malloc",
        .mechanism = copy_then_read,
        .engine_flags = "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 "
                        "VLLM_WEIGHT_OFFLOADING_DISABLE_PIN_MEMORY=1 --cpu-offload-gb X "
                        "--enforce-eager",
        .family = Family::copy,
        .from_malloc = true,
        .requirement = requirement<HostMemory::pageable>,
        .place = place<HostMemory::pageable>,
        .predict = predict<HostMemory::pageable>,
    },
    {
        .name = "file_pageable_copy",
        .memory = "mmap of a file",
        .mechanism = copy_then_read,
        .nearest_engine = "llama.cpp -ngl N without --no-mmap, from 32 tokens on, of its own file",
        .family = Family::file,
        .starts = cold_and_warm,
        .can_start = file_can_start,
        .requirement = requirement_of_files<HostMemory::pageable>,
        .place = place_in_file<CopyAsPlaced, ModelMap, MappedFile, HostMemory::pageable>,
        .predict = from_page_cache<predict<HostMemory::pageable>>,
    },
    {
        .name = "file_register_each",
        .memory = "mmap of a file",
        .mechanism = "cudaHostRegister of each tensor for its copy into a slot, then read",
        .family = Family::file,
        .starts = cold_and_warm,
        .needs = locking_files,
        .not_capturable_because = "cudaHostRegister cannot be captured",
        .can_start = file_can_start,
        .requirement = requirement_of_files<HostMemory::pageable>,
        .place = place_in_file<LockAndCopy, ModelMap, MappedFile, HostMemory::pageable>,
        .predict = not_known,
    },
    {
        .name = "file_registered_copy",
        .memory = "mmap of a file + cudaHostRegister",
        .mechanism = copy_then_read,
        .nearest_engine = "llama.cpp GGML_CUDA_REGISTER_HOST=1, of its own file",
        .family = Family::file,
        .needs = locking_files,
        .can_start = file_can_start,
        .requirement = requirement_of_files<HostMemory::pinned>,
        .place = place_in_file<CopyAsPlaced, LockedModelMap, LockedFile, HostMemory::pinned>,
        .predict = predict<HostMemory::pinned>,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> copy() { return rows; }

}  // namespace policies

}  // namespace offload
