// SPDX-License-Identifier: Apache-2.0
// cudaMallocManaged memory, with the advice and the prefetches that can be given for it.
#include <algorithm>
#include <optional>

#include "bench/policies/parts/host_home.hpp"
#include "bench/policies/parts/managed_memory.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "bench/policies/parts/prefetch_ahead.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using cuda::Advice;
using cuda::Processor;

/// What the driver is advised of, and what is prefetched.
struct Recipe {
  bool read_mostly = false;
  std::optional<Processor> preferred = std::nullopt;
  bool accessed_by_gpu = false;
  bool prefetch = false;  // each piece, when it is acquired
  bool ahead = false;     // whole layers, on a stream of their own
};

/// One allocation per tensor, for each is advised and fetched home by itself.
class ManagedPlacement final : public Placement {
 public:
  ManagedPlacement(std::span<const WeightTensor> tensors, const Recipe& recipe,
                   const PlaceContext& context)
      : Placement(tensors),
        recipe_(recipe),
        home_(host_home(context.platform)),
        workers_(context.workers) {
    if (recipe.ahead) ahead_.emplace(context.tuning.prefetch_step);
    memory_.reserve(tensors.size());
    for (const auto& tensor : tensors) memory_.emplace_back(tensor.bytes());
    for (const auto& tensor : memory_) give_advice(tensor);
  }

  ManagedPlacement(const ManagedPlacement&) = delete;
  ManagedPlacement& operator=(const ManagedPlacement&) = delete;
  ~ManagedPlacement() override {
    try {
      for (const auto& tensor : memory_) clear_advice(tensor);
    } catch (const CudaError&) {
      // Nobody to tell: freeing the memory is all that is left to do.
    }
  }

  void fill(std::size_t index, std::span<const std::byte> content) override {
    // Writing to pages the GPU holds would fetch them back fault by fault.
    if (read_by_gpu_) bring_home(nullptr);
    copy_by_workers(memory_[index].data(), content, workers_);
    // Maps for AccessedBy what the writing has just populated.
    give_advice(memory_[index]);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    copy_by_workers(out.data(), {memory_[index].data(), out.size()}, workers_);
  }
  void reset(Start start, StreamHandle stream) override {
    if (start == Start::cold) bring_home(stream);
  }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Piece& piece = planned(index);
    const std::size_t row_bytes = tensors()[piece.tensor].row_bytes();
    const std::byte* data = memory_[piece.tensor].data() + piece.first_row * row_bytes;
    if (ahead_) ahead_->acquire(index, stream);
    if (recipe_.prefetch) {
      cuda::mem_prefetch_async(data, piece.rows * row_bytes, Processor::gpu, stream);
    }
    read_by_gpu_ = true;
    return {piece, data, Side::gpu};
  }
  void release(std::size_t, StreamHandle) override {}

  Footprint footprint() const override {
    Footprint taken;
    for (const auto& tensor : memory_) taken.managed += tensor.bytes();
    return taken;
  }
  std::vector<std::span<const std::byte>> host_ranges() const override {
    std::vector<std::span<const std::byte>> ranges;
    for (const auto& tensor : memory_) ranges.emplace_back(tensor.data(), tensor.bytes());
    return ranges;
  }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    if (ahead_) {
      std::vector<std::size_t> layer_of_piece;
      for (const Piece& piece : read) layer_of_piece.push_back(tensors()[piece.tensor].layer);
      ahead_->begin(layer_of_piece, [this](std::size_t layer) {
        cuda::PrefetchBatch batch;
        for (std::size_t i = 0; i < memory_.size(); ++i) {
          if (tensors()[i].layer == layer) batch.add(memory_[i].data(), memory_[i].bytes());
        }
        return batch;
      });
    }
    return {{read.begin(), read.end()}};
  }

  /// Ends with every page on the CPU, none mapped by the GPU (but for AccessedBy, which asks for
  /// that), and the policy's advice in force.
  void bring_home(StreamHandle stream) {
    for (const auto& tensor : memory_) loosen_advice(tensor);
    for (const auto& tensor : memory_) {
      cuda::mem_prefetch_async(tensor.data(), tensor.bytes(), home_, stream);
    }
    // Before the advice returns: a prefetch of ReadMostly memory duplicates instead of moving.
    cuda::stream_synchronize(stream);
    for (const auto& tensor : memory_) give_advice(tensor);
    read_by_gpu_ = false;
  }

  void give_advice(const cuda::ManagedBuffer& tensor) const {
    if (recipe_.read_mostly) advise(tensor, Advice::set_read_mostly, Processor::gpu);
    if (recipe_.preferred) advise(tensor, Advice::set_preferred_location, preferred());
    if (recipe_.accessed_by_gpu) advise(tensor, Advice::set_accessed_by, Processor::gpu);
  }

  /// CUDA may serve the next small allocation from the same pages: leave them without advice.
  void clear_advice(const cuda::ManagedBuffer& tensor) const {
    if (recipe_.read_mostly) advise(tensor, Advice::unset_read_mostly, Processor::gpu);
    if (recipe_.preferred) advise(tensor, Advice::unset_preferred_location, preferred());
    if (recipe_.accessed_by_gpu) advise(tensor, Advice::unset_accessed_by, Processor::gpu);
  }

  /// Undo the advice that would keep the GPU's copies or mappings alive.
  void loosen_advice(const cuda::ManagedBuffer& tensor) const {
    // A prefetch to the CPU leaves the GPU its duplicate; without the advice there is one copy.
    if (recipe_.read_mostly) advise(tensor, Advice::unset_read_mostly, Processor::gpu);
    // Pages preferred on the CPU never left it: only the GPU's mappings of them have to go. When a
    // processor becomes the preferred location, the driver takes its mappings of pages elsewhere
    // away (uvm_va_block_set_preferred_location_locked), so that it will fault and fetch them. That
    // moves nothing, where sending the pages to the GPU and back would move them twice.
    if (recipe_.preferred == Processor::cpu) {
      advise(tensor, Advice::set_preferred_location, Processor::gpu);
    }
  }

  cuda::Location preferred() const {
    return recipe_.preferred == Processor::cpu ? home_ : cuda::Location(Processor::gpu);
  }

  static void advise(const cuda::ManagedBuffer& tensor, Advice advice, cuda::Location location) {
    cuda::mem_advise(tensor.data(), tensor.bytes(), advice, location);
  }

  const Recipe& recipe_;
  cuda::Location home_;
  std::vector<cuda::ManagedBuffer> memory_;
  HostWorkers& workers_;
  std::optional<PrefetchAhead> ahead_;
  bool read_by_gpu_ = false;
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.managed = weights.bytes()};
}

template <const Recipe& recipe>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  return std::make_unique<ManagedPlacement>(tensors, recipe, context);
}

constexpr Recipe demand{};
constexpr Recipe prefetch_each{.prefetch = true};
constexpr Recipe prefetch_ahead{.ahead = true};
constexpr Recipe readmostly_demand{.read_mostly = true};
constexpr Recipe readmostly_prefetch{.read_mostly = true, .prefetch = true};
constexpr Recipe prefer_device{.preferred = Processor::gpu};
constexpr Recipe prefer_host{.preferred = Processor::cpu};
constexpr Recipe accessed_by{.preferred = Processor::cpu, .accessed_by_gpu = true};
constexpr Recipe readmostly_prefer_host{.read_mostly = true, .preferred = Processor::cpu};

/// The rate that a row's cold pass goes by.
constexpr auto rate_of(const Recipe& recipe) {
  const bool duplicates = recipe.read_mostly;
  if (recipe.prefetch || recipe.ahead) {
    return duplicates ? &Rates::prefetch_read_mostly : &Rates::prefetch;
  }
  if (recipe.preferred == Processor::cpu && !duplicates) return &Rates::map;
  return duplicates ? &Rates::fault_read_mostly : &Rates::fault;
}

/// Whose rate a plain one is: rows that add a preference go by it.
constexpr bool is_plain(const Recipe& recipe) {
  return !recipe.ahead && !recipe.accessed_by_gpu &&
         (!recipe.preferred || (*recipe.preferred == Processor::cpu && !recipe.read_mostly));
}

constexpr bool comes_by_faults(const Recipe& recipe) { return rate_of(recipe) == &Rates::fault; }

std::optional<double> predict_ahead(const PassWork& work, const PredictContext& context) {
  UnitTimes units;
  std::optional<std::size_t> layer;
  for (const WorkItem& item : work) {
    const WeightTensor& tensor = context.tensors[item.piece.tensor];
    if (tensor.resident) {
      units.resident(item.on_gpu);
      continue;
    }
    if (layer != tensor.layer) units.begin_unit();
    layer = tensor.layer;
    units.bring(bytes_over(item.bytes, context.rates.prefetch));
    units.read(item.on_gpu);
  }
  return units.first(context.tuning.prefetch_step + 1);
}

template <const Recipe& recipe>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  const auto over_link = [](const WorkItem& item) {
    return item.over_link[static_cast<std::size_t>(Rereads::as_engines_do)];
  };
  if (recipe.accessed_by_gpu) return precisely(in_order(work, context, over_link));
  const bool stays_on_cpu = recipe.preferred == Processor::cpu && !recipe.read_mostly;
  if (context.start == Start::warm) {
    // A prefetch of what has come already takes the driver time that nothing here measures.
    if (recipe.prefetch || recipe.ahead) return std::nullopt;
    const auto on_gpu = [](const WorkItem& item) { return item.on_gpu_sustained; };
    return stays_on_cpu ? precisely(in_order(work, context, over_link))
                        : precisely(in_order(work, context, on_gpu));
  }
  const auto whole = [&](const WorkItem& item) { return is_whole(item, context); };
  if (!std::all_of(work.begin(), work.end(), whole)) return std::nullopt;
  if (recipe.ahead) return roughly(predict_ahead(work, context));
  const auto rate = context.rates.*rate_of(recipe);
  const auto start = recipe.prefetch ? context.rates.prefetch_start : std::nullopt;
  const auto pieces = in_order(work, context, [&](const WorkItem& item) {
    const auto brought = bytes_over(item.bytes, rate) + start.value_or(0);
    return stays_on_cpu ? brought : brought + item.on_gpu;
  });
  if (!comes_by_faults(recipe)) return roughly(pieces);
  return roughly(pieces + starts_of_runs(work, context, context.rates.fault_run_start));
}

/// What all of them share.
template <const Recipe& recipe>
constexpr Policy managed(std::string_view name, std::string_view memory, std::string_view mechanism,
                         std::string_view engine_flags = "") {
  constexpr std::string_view nearest =
      "llama.cpp GGML_CUDA_ENABLE_UNIFIED_MEMORY=1, without advice or prefetch";
  // ReadMostly comes before the preferred location: a reader elsewhere gets its duplicate.
  const bool stays_on_cpu = recipe.preferred == Processor::cpu && !recipe.read_mostly;
  return {
      .name = name,
      .memory = memory,
      .mechanism = mechanism,
      .engine_flags = engine_flags,
      .nearest_engine = engine_flags.empty() ? nearest : std::string_view(),
      .family = Family::managed,
      .starts = recipe.accessed_by_gpu ? std::span<const Start>(steady_only) : cold_and_warm,
      .needs = managed_needs,
      .paths = {.warm = stays_on_cpu ? Path::link : Path::device_memory},
      .driver_handles_pages = true,
      .not_capturable_because =
          recipe.prefetch || recipe.ahead ? prefetch_escapes_graphs : std::string_view(),
      .requirement = requirement,
      .place = place<recipe>,
      .predict = predict<recipe>,
      .calibrates = is_plain(recipe) ? rate_of(recipe) : nullptr,
      .calibrates_start = recipe.prefetch && !recipe.read_mostly ? &Rates::prefetch_start : nullptr,
      .calibrates_run_start =
          is_plain(recipe) && comes_by_faults(recipe) ? &Rates::fault_run_start : nullptr,
  };
}

constexpr Policy rows[] = {
    managed<demand>("managed_demand", "cudaMallocManaged", "page faults migrate it",
                    "llama.cpp GGML_CUDA_ENABLE_UNIFIED_MEMORY=1"),
    managed<prefetch_each>("managed_prefetch_each", "cudaMallocManaged",
                           "cudaMemPrefetchAsync of each piece, then read, on one stream"),
    managed<prefetch_ahead>(
        "managed_prefetch_ahead", "cudaMallocManaged",
        "cudaMemPrefetchAsync of whole layers, S layers ahead, on a second stream"),
    managed<readmostly_demand>("managed_readmostly_demand", "cudaMallocManaged, ReadMostly",
                               "page faults duplicate it on the GPU"),
    managed<readmostly_prefetch>(
        "managed_readmostly_prefetch", "cudaMallocManaged, ReadMostly",
        "cudaMemPrefetchAsync duplicates each piece on the GPU, then read"),
    managed<prefer_device>("managed_prefer_device", "cudaMallocManaged, PreferredLocation GPU",
                           "page faults migrate it"),
    managed<prefer_host>("managed_prefer_host", "cudaMallocManaged, PreferredLocation CPU",
                         "page faults map it, SMs read it over the link"),
    managed<accessed_by>("managed_accessed_by",
                         "cudaMallocManaged, PreferredLocation CPU, AccessedBy GPU",
                         "mapped up front, SMs read it over the link"),
    managed<readmostly_prefer_host>("managed_readmostly_prefer_host",
                                    "cudaMallocManaged, ReadMostly, PreferredLocation CPU",
                                    "page faults duplicate it on the GPU"),
};

}  // namespace

namespace policies {

std::span<const Policy> managed() { return rows; }

}  // namespace policies

}  // namespace offload
