// SPDX-License-Identifier: Apache-2.0
// Memory from malloc that the GPU reads by itself. Where it uses the host's page tables (ATS) it
// reads pages in place, whatever was advised, and access counters may move them to it unless only
// the driver has its memory (CDMM); elsewhere (HMM) pages migrate to it on faults, but those of a
// file, which stay the page cache's.
#include <algorithm>

#include "bench/policies/parts/host_home.hpp"
#include "bench/policies/parts/mapped_file.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

using cuda::Advice;
using cuda::Processor;

enum class Help : std::uint8_t { none, prefetch, accessed_by, first_touch };

bool reads_in_place(const Platform& platform) {
  return platform.gpu && platform.gpu->memory_model.pageable_memory_access_uses_host_page_tables;
}

/// One allocation per tensor, never a borrowed one: pages that the GPU has drawn to itself must not
/// reach the next policy.
class SystemPlacement final : public Placement {
 public:
  SystemPlacement(std::span<const WeightTensor> tensors, Help help, const PlaceContext& context)
      : Placement(tensors),
        help_(help),
        in_place_(reads_in_place(context.platform)),
        home_(host_home(context.platform)),
        buffers_(context.host_buffers),
        workers_(context.workers) {
    memory_.reserve(tensors.size());
    for (const auto& tensor : tensors) memory_.push_back(allocate(tensor.bytes()));
  }

  void fill(std::size_t index, std::span<const std::byte> content) override {
    if (help_ == Help::first_touch) {
      let_gpu_touch(*memory_[index]);
    } else if (read_by_gpu_) {
      bring_home(nullptr);  // writing to pages the GPU holds would fetch them back fault by fault
    }
    copy_by_workers(memory_[index]->data(), content, workers_);
    give_advice(*memory_[index]);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    copy_by_workers(out.data(), {memory_[index]->data(), out.size()}, workers_);
  }
  void reset(Start start, StreamHandle stream) override {
    if (start == Start::cold) bring_home(stream);
  }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Piece& piece = planned(index);
    const std::size_t row_bytes = tensors()[piece.tensor].row_bytes();
    const std::byte* data = memory_[piece.tensor]->data() + piece.first_row * row_bytes;
    if (help_ == Help::prefetch) {
      cuda::mem_prefetch_async(data, piece.rows * row_bytes, Processor::gpu, stream);
    }
    read_by_gpu_ = true;
    return {piece, data, Side::gpu};
  }
  void release(std::size_t, StreamHandle) override {}

  Footprint footprint() const override {
    Footprint taken;
    for (const auto& tensor : memory_) taken.pageable += tensor->bytes();
    return taken;
  }
  std::vector<std::span<const std::byte>> host_ranges() const override {
    std::vector<std::span<const std::byte>> ranges;
    for (const auto& tensor : memory_) ranges.emplace_back(tensor->data(), tensor->bytes());
    return ranges;
  }

 private:
  using Memory = std::unique_ptr<HostAllocation>;

  Memory allocate(std::size_t bytes) const {
    return buffers_.allocate(HostMemory::pageable, bytes);
  }

  /// Fresh pages, which come where the first to write them is. The CPU writes them after that:
  /// where the GPU uses the host's page tables they stay, elsewhere (HMM) its first read fetches
  /// them again.
  static void let_gpu_touch(HostAllocation& tensor) {
    cuda::device_synchronize();
    tensor.give_pages_back();
    const cuda::Stream stream;
    cuda::memset_async(tensor.data(), 0, tensor.bytes(), stream);
    cuda::stream_synchronize(stream);
  }

  void give_advice(const HostAllocation& tensor) const {
    if (help_ != Help::accessed_by) return;
    cuda::mem_advise(tensor.data(), tensor.bytes(), Advice::set_accessed_by, Processor::gpu);
  }

  /// Ends with every page on the CPU, unknown to the GPU, and the advice in force.
  void bring_home(StreamHandle stream) {
    cuda::stream_synchronize(stream);
    if (!in_place_) migrate_pages(stream);
    // Huge pages that were on the GPU come home as small ones.
    if (in_place_ || buffers_.pages() == HostPages::huge) renew_pages();
    for (const auto& tensor : memory_) give_advice(*tensor);
    read_by_gpu_ = false;
  }

  /// On shared page tables nothing takes back what the GPU knows of a page, but giving the page
  /// back. Its address stays: graphs hold it.
  void renew_pages() {
    std::size_t largest = 0;
    for (const auto& tensor : memory_) largest = std::max(largest, tensor->bytes());
    const Memory saved = allocate(largest);
    for (const auto& tensor : memory_) {
      copy_by_workers(saved->data(), {tensor->data(), tensor->bytes()}, workers_);
      tensor->give_pages_back();
      copy_by_workers(tensor->data(), {saved->data(), tensor->bytes()}, workers_);
    }
  }

  void migrate_pages(StreamHandle stream) const {
    for (const auto& tensor : memory_) {
      if (help_ == Help::accessed_by) {
        cuda::mem_advise(tensor->data(), tensor->bytes(), Advice::unset_accessed_by,
                         Processor::gpu);
      }
      cuda::mem_prefetch_async(tensor->data(), tensor->bytes(), home_, stream);
    }
    cuda::stream_synchronize(stream);
  }

  Help help_;
  bool in_place_;
  cuda::Location home_;
  const HostBuffers& buffers_;
  std::vector<Memory> memory_;
  HostWorkers& workers_;
  bool read_by_gpu_ = false;
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  std::size_t sum = 0;
  std::size_t largest = 0;
  for (const auto& tensor : weights.tensors) {
    const std::size_t bytes = whole_pages(tensor.bytes());
    sum += bytes;
    largest = std::max(largest, bytes);
  }
  return {.pageable = sum + largest};  // renewing pages holds one tensor twice
}

/// Without a tensor twice, for none is renewed.
Requirement requirement_of_first_touch(const WeightSet& weights, const Tuning& /*tuning*/) {
  Requirement all;
  for (const auto& tensor : weights.tensors) all.pageable += whole_pages(tensor.bytes());
  return all;
}

template <Help help>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  return std::make_unique<SystemPlacement>(tensors, help, context);
}

template <typename Memory>
class SystemFilePlacement final : public PackedOnHost<Memory> {
 public:
  using PackedOnHost<Memory>::PackedOnHost;

  PieceView acquire(std::size_t index, StreamHandle) override {
    const Piece& piece = this->planned(index);
    return {piece, this->at(piece), Side::gpu};
  }
  Footprint footprint() const override { return {.pageable = this->memory().bytes()}; }
};

Requirement requirement_of_files(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pageable = file_bytes(weights.tensors)};
}

std::unique_ptr<Placement> place_in_file(std::span<const WeightTensor> tensors,
                                         const PlaceContext& context) {
  return place_in_files<SystemFilePlacement, ModelMap, MappedFile>(tensors, context);
}

constexpr Need pageable_access[] = {
    {&MemoryModel::pageable_memory_access, "pageable memory access (HMM or ATS)"}};

constexpr std::string_view nearest =
    "llama.cpp GGML_CUDA_ENABLE_UNIFIED_MEMORY=1, by cudaMallocManaged";

constexpr Policy rows[] = {
    {
        .name = "system_demand",
        .memory = "malloc",
        .mechanism = "read in place (ATS) or page faults (HMM)",
        .nearest_engine = nearest,
        .family = Family::system,
        .from_malloc = true,
        .starts = cold_and_warm,
        .needs = pageable_access,
        .paths = {.warm = Path::device_memory},
        .paths_on_host_page_tables = Paths{.warm = Path::link},
        .driver_handles_pages = true,
        .requirement = requirement,
        .place = place<Help::none>,
        .predict = not_known,
    },
    {
        .name = "system_prefetch",
        .memory = "malloc",
        .mechanism = "cudaMemPrefetchAsync of each piece, then read, on one stream",
        .nearest_engine = nearest,
        .family = Family::system,
        .from_malloc = true,
        .starts = cold_and_warm,
        .needs = pageable_access,
        .paths = {.warm = Path::device_memory},
        .paths_on_host_page_tables = Paths{.warm = Path::link},
        .driver_handles_pages = true,
        .not_capturable_because = "cudaMemPrefetchAsync cannot be captured",
        .requirement = requirement,
        .place = place<Help::prefetch>,
        .predict = not_known,
    },
    {
        .name = "system_accessed_by",
        .memory = "malloc, AccessedBy GPU",
        .mechanism = "mapped (HMM), no effect (ATS)",
        .nearest_engine = nearest,
        .family = Family::system,
        .from_malloc = true,
        .starts = cold_and_warm,
        .needs = pageable_access,
        .paths = {.warm = Path::link},
        .driver_handles_pages = true,
        .requirement = requirement,
        .place = place<Help::accessed_by>,
        .predict = not_known,
    },
    {
        .name = "system_gpu_first_touch",
        .memory = "malloc, first touched by the GPU",
        .mechanism = "where it put them: its own memory, the host's where pages stay (CDMM)",
        .nearest_engine = nearest,
        .family = Family::system,
        .from_malloc = true,
        .starts = warm_only,
        .needs = pageable_access,
        .paths = {.warm = Path::device_memory},
        .paths_on_host_page_tables = Paths{.warm = Path::link},
        .driver_handles_pages = true,
        .requirement = requirement_of_first_touch,
        .place = place<Help::first_touch>,
        .predict = not_known,
    },
    {
        .name = "file_system_demand",
        .memory = "mmap of a file",
        .mechanism = "read in place (ATS) or mapped on page faults (HMM)",
        .family = Family::file,
        .reads_files_in_place = true,
        .starts = cold_and_warm,
        .needs = pageable_access,
        .driver_handles_pages = true,
        .can_start = file_can_start,
        .requirement = requirement_of_files,
        .place = place_in_file,
        .predict = not_known,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> system() { return rows; }

}  // namespace policies

}  // namespace offload
