// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory, or in a mapped file, and the CPU does the arithmetic where they
// lie.
#include <utility>

#include "bench/policies/parts/mapped_file.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"

namespace offload {
namespace {

template <typename Memory>
class HostComputePlacement final : public PackedOnHost<Memory> {
 public:
  using PackedOnHost<Memory>::PackedOnHost;

  PieceView acquire(std::size_t index, StreamHandle) override {
    const Piece& piece = this->planned(index);
    return {piece, this->at(piece), Side::cpu};
  }
  Footprint footprint() const override { return {.pageable = this->memory().bytes()}; }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    PassPlan plan{this->in_parts(read), std::size_t{0}};
    for (const Piece& piece : read) {
      plan.on_cpu += this->bytes_of(piece);
    }
    return plan;
  }
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pageable = whole_pages(Packed(weights.tensors).bytes())};
}

std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(HostMemory::pageable, packed.bytes());
  return std::make_unique<HostComputePlacement<HostBuffers::Loan>>(
      tensors, std::move(packed), std::move(memory), context.workers);
}

Requirement requirement_of_files(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pageable = file_bytes(weights.tensors)};
}

std::unique_ptr<Placement> place_in_file(std::span<const WeightTensor> tensors,
                                         const PlaceContext& context) {
  return place_in_files<HostComputePlacement, ModelMap, MappedFile>(tensors, context);
}

/// The sides take turns where some weights are resident.
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  std::optional<bool> on_gpu;
  const auto turn = [&](bool gpu) {
    const bool turns = on_gpu && *on_gpu != gpu;
    on_gpu = gpu;
    return turns ? context.rates.hand_over : std::optional(0.0);
  };
  std::optional<double> seconds = 0.0;
  for (const WorkItem& item : work) {
    const bool gpu = is_resident(item, context);
    seconds = seconds + turn(gpu) + (gpu ? item.on_gpu : item.on_cpu);
  }
  return roughly(seconds);
}

constexpr std::string_view in_place = "the CPU computes in place, on every core";
constexpr std::string_view not_capturable = "the CPU's work cannot be captured";

constexpr Policy rows[] = {
    {
        .name = "host_compute",
        .memory = "malloc",
        .mechanism = in_place,
        // From 32 tokens on llama.cpp would copy weights to the GPU instead.
        .engine_flags = "llama.cpp -ngl N --no-op-offload; llama.cpp -ncmoe N --no-op-offload",
        .family = Family::cpu,
        .from_malloc = true,
        .paths = {Path::host_memory, Path::host_memory},
        .needs_gpu = false,
        .not_capturable_because = not_capturable,
        .requirement = requirement,
        .place = place,
        .predict = predict,
    },
    {
        .name = "file_host_compute",
        .memory = "mmap of a file",
        .mechanism = in_place,
        .nearest_engine = "llama.cpp -ngl N without --no-mmap, of its own file",
        .family = Family::file,
        .reads_files_in_place = true,
        .starts = cold_and_warm,
        .paths = {Path::host_memory, Path::host_memory},
        .needs_gpu = false,
        .not_capturable_because = not_capturable,
        .can_start = file_can_start,
        .requirement = requirement_of_files,
        .place = place_in_file,
        .predict = from_page_cache<predict>,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> host_compute() { return rows; }

}  // namespace policies

}  // namespace offload
