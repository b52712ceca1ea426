// SPDX-License-Identifier: Apache-2.0
// The weights stay in page-locked host memory, or in a file that is, and kernels read them there,
// over the link (UVA).
#include <algorithm>
#include <utility>

#include "bench/core/huge_page.hpp"
#include "bench/policies/parts/mapped_file.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "bench/policies/parts/peer_memory.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

/// cudaHostAlloc or cudaHostRegister memory out of the shared buffers.
class BorrowedMemory {
 public:
  explicit BorrowedMemory(HostBuffers::Loan&& loan)
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

template <typename Memory, Rereads rereads = Rereads::as_engines_do>
class ZeroCopyPlacement final : public PackedOnHost<Memory> {
 public:
  using PackedOnHost<Memory>::PackedOnHost;

  PieceView acquire(std::size_t index, StreamHandle) override {
    const Piece& piece = this->planned(index);
    PieceView view{piece, on_gpu(piece), Side::gpu};
    view.rereads = rereads;
    return view;
  }
  Footprint footprint() const override {
    Footprint taken;
    taken.*kind_of<Memory>() = this->memory().bytes();
    return taken;
  }

 private:
  const std::byte* on_gpu(const Piece& piece) const {
    if constexpr (InParts<Memory>) {
      return this->memory().on_gpu(piece);
    } else {
      return this->memory().on_gpu() + this->packed().offset(piece);
    }
  }
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pinned = whole_pages(Packed(weights.tensors).bytes())};
}

template <HostMemory kind, Rereads rereads = Rereads::as_engines_do>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  BorrowedMemory memory(context.host_buffers.borrow(kind, packed.bytes()));
  return std::make_unique<ZeroCopyPlacement<BorrowedMemory, rereads>>(
      tensors, std::move(packed), std::move(memory), context.workers);
}

template <Rereads rereads = Rereads::as_engines_do>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  return precisely(in_order(work, context, [](const WorkItem& item) {
    return item.over_link[static_cast<std::size_t>(rereads)];
  }));
}

Requirement requirement_of_vmm(const WeightSet& weights, const Tuning& /*tuning*/) {
  // The driver's granularity can only be asked for on a GPU. It was 2 MiB wherever it was asked;
  // where the host's huge pages are larger, as under pages of 64 KiB, it may be theirs.
  const std::size_t granularity = std::max(std::size_t{2} << 20, huge_page_bytes());
  const std::size_t bytes = Packed(weights.tensors).bytes();
  return {.pinned = round_up(bytes, granularity)};
}

std::unique_ptr<Placement> place_by_vmm(std::span<const WeightTensor> tensors,
                                        const PlaceContext& context) {
  Packed packed(tensors);
  constexpr int no_numa = 0;  // what cuMemCreate wants where the system has no NUMA
  const int node = context.platform.gpu->memory_model.host_numa_id.value_or(no_numa);
  VmmMemory memory(packed.bytes(), node);
  return std::make_unique<ZeroCopyPlacement<VmmMemory>>(tensors, std::move(packed),
                                                        std::move(memory), context.workers);
}

Requirement requirement_of_peer(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.peer = Packed(weights.tensors).bytes()};
}

std::unique_ptr<Placement> place_on_peer(std::span<const WeightTensor> tensors,
                                         const PlaceContext& context) {
  Packed packed(tensors);
  PeerMemory memory(packed.bytes(), context.platform);
  return std::make_unique<ZeroCopyPlacement<PeerMemory>>(tensors, std::move(packed),
                                                         std::move(memory), context.workers);
}

/// Kernels read as often as over the link to the host, at the rate of that to the peer; where that
/// is fast, what they do with the bytes takes longer.
std::optional<Prediction> predict_on_peer(const PassWork& work, const PredictContext& context) {
  const Rates& rates = context.rates;
  if (!rates.sm_read_pinned || !rates.sm_read_peer) return std::nullopt;
  const double scale = *rates.sm_read_pinned / *rates.sm_read_peer;
  return roughly(in_order(work, context, [scale](const WorkItem& item) -> std::optional<double> {
    const auto over_link = item.over_link[static_cast<std::size_t>(Rereads::as_engines_do)];
    if (!over_link || !item.on_gpu) return std::nullopt;
    return std::max(*item.on_gpu, *over_link * scale);
  }));
}

Requirement requirement_of_files(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pinned = file_bytes(weights.tensors)};
}

template <typename Memory>
using ReadOverLink = ZeroCopyPlacement<Memory>;

std::unique_ptr<Placement> place_in_file(std::span<const WeightTensor> tensors,
                                         const PlaceContext& context) {
  return place_in_files<ReadOverLink, LockedModelMap, LockedFile>(tensors, context);
}

constexpr Need registering[] = {{&MemoryModel::host_register, "cudaHostRegister"}};
constexpr Need vmm_on_host[] = {{&MemoryModel::host_numa_vmm, "cuMemCreate on host NUMA nodes"}};

constexpr std::string_view by_host_alloc = "vLLM --offload-backend uva, by cudaHostAlloc";

constexpr Policy rows[] = {
    {
        .name = "pinned_zero_copy",
        .memory = "cudaHostAlloc mapped",
        .mechanism = "SMs read it over the link (UVA)",
        .engine_flags = "vLLM --offload-backend uva --cpu-offload-gb X",
        .family = Family::zero_copy,
        .requirement = requirement,
        .place = place<HostMemory::pinned>,
        .predict = predict<>,
    },
    {
        .name = "pinned_read_once",
        .memory = "cudaHostAlloc mapped",
        .mechanism = "SMs read it over the link, each byte once a product: clusters share tiles",
        .nearest_engine = "vLLM --offload-backend uva, whose products read a weight again for each "
                          "block of tokens",
        .family = Family::zero_copy,
        .rereads = Rereads::none,
        .requirement = requirement,
        .place = place<HostMemory::pinned, Rereads::none>,
        .predict = predict<Rereads::none>,
    },
    {
        .name = "pinned_fewest_reads",
        .memory = "cudaHostAlloc mapped",
        .mechanism = "SMs read it over the link, by the cuBLASLt algorithm that reads least often",
        .nearest_engine = "vLLM --offload-backend uva, whose products take cuBLASLt's first "
                          "algorithm",
        .family = Family::zero_copy,
        .rereads = Rereads::fewest_by_library,
        .requirement = requirement,
        .place = place<HostMemory::pinned, Rereads::fewest_by_library>,
        .predict = predict<Rereads::fewest_by_library>,
    },
    {
        .name = "writecombined_zero_copy",
        .memory = "cudaHostAlloc mapped, write-combined",
        .mechanism = "SMs read it over the link (UVA)",
        .nearest_engine = by_host_alloc,
        .family = Family::zero_copy,
        .requirement = requirement,
        .place = place<HostMemory::write_combined>,
        .predict = predict<>,
    },
    {
        .name = "registered_zero_copy",
        .memory = "malloc + cudaHostRegister",
        .mechanism = "SMs read it over the link (UVA)",
        .nearest_engine = by_host_alloc,
        .family = Family::zero_copy,
        .from_malloc = true,
        .needs = registering,
        .requirement = requirement,
        .place = place<HostMemory::registered>,
        .predict = predict<>,
    },
    {
        .name = "hostvmm_zero_copy",
        .memory = "cuMemCreate on the GPU's host NUMA node",
        .mechanism = "SMs read it over the link",
        .nearest_engine = by_host_alloc,
        .family = Family::zero_copy,
        .needs = vmm_on_host,
        .requirement = requirement_of_vmm,
        .place = place_by_vmm,
        .predict = predict<>,
    },
    {
        .name = "peer_zero_copy",
        .memory = "cudaMalloc on another GPU",
        .mechanism = "SMs read it over NVLink or PCIe, by peer access",
        .family = Family::peer,
        .needs_peer = true,
        .paths = {Path::peer, Path::peer},
        .requirement = requirement_of_peer,
        .place = place_on_peer,
        .predict = predict_on_peer,
    },
    {
        .name = "file_registered_zero_copy",
        .memory = "mmap of a file + cudaHostRegister",
        .mechanism = "SMs read it over the link (UVA)",
        .family = Family::file,
        .reads_files_in_place = true,
        .needs = locking_files,
        .can_start = file_can_start,
        .requirement = requirement_of_files,
        .place = place_in_file,
        .predict = predict<>,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> zero_copy() { return rows; }

}  // namespace policies

}  // namespace offload
