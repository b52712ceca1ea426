// SPDX-License-Identifier: Apache-2.0
// cudaMallocManaged memory that streams through a bounded share of GPU memory: units of a few
// blocks are prefetched ahead of the kernels, and behind them the GPU gives the pages up again. A
// ReadMostly page is a duplicate there, dropped by taking the advice back and giving it anew, which
// copies nothing; any other page is sent home, as the driver does when the GPU is full.
//
// Kernels see row panels, so that the window has the same size whatever the size of a tensor.
#include <algorithm>
#include <optional>

#include "bench/policies/parts/host_home.hpp"
#include "bench/policies/parts/managed_memory.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/panels.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "bench/policies/parts/window_threads.hpp"
#include "bench/policies/parts/window_units.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using cuda::Advice;
using cuda::Processor;

/// How the GPU gives pages up, and who calls the driver for it.
struct Recipe {
  bool read_mostly = false;
};

/// One that brings and one that drops do not wait for each other. More gain nothing: three are up
/// to 5 % slower on an H200, and one is as fast as two where no call has to wait.
constexpr std::size_t threads = 2;

/// As large as layers are: of a smaller one the driver's calls take longer than its transfer.
constexpr std::size_t default_unit = std::size_t{64} << 20;

std::size_t unit_bytes(std::span<const WeightTensor> tensors, const Tuning& tuning) {
  return slot_bytes(tensors, tuning.panel_bytes.value_or(default_unit));
}

/// One is read while S are on their way.
std::size_t units_held(const Tuning& tuning) { return tuning.prefetch_step + 1; }

class WindowPlacement final : public Placement {
 public:
  WindowPlacement(std::span<const WeightTensor> tensors, const Recipe& recipe,
                  const PlaceContext& context)
      : Placement(tensors),
        recipe_(recipe),
        home_(host_home(context.platform)),
        workers_(context.workers),
        packed_(tensors),
        memory_(packed_.bytes()),
        unit_bytes_(unit_bytes(tensors, context.tuning)),
        held_(units_held(context.tuning)),
        brought_(held_),
        read_(held_),
        to_gpu_(held_),
        to_cpu_(held_) {
    if (recipe_.read_mostly) advise_all(Advice::set_read_mostly);
    const int gpu = context.platform.gpu ? context.platform.gpu->index : 0;
    threads_.emplace(threads, held_,
                     WindowThreads::Actions{[gpu] { cuda::set_device(gpu); },
                                            [this](std::size_t step) { bring(step); },
                                            [this](std::size_t step) {
                                              read_[step % held_].synchronize();
                                              drop(unit(step), to_cpu_[step % held_]);
                                            }});
  }

  WindowPlacement(const WindowPlacement&) = delete;
  WindowPlacement& operator=(const WindowPlacement&) = delete;
  ~WindowPlacement() override {
    threads_.reset();
    try {
      // CUDA may serve the next small allocation from the same pages: leave them without advice.
      if (recipe_.read_mostly) advise_all(Advice::unset_read_mostly);
    } catch (const CudaError&) {
      // Nobody to tell: freeing the memory is all that is left to do.
    }
  }

  void fill(std::size_t index, std::span<const std::byte> content) override {
    empty_window();
    copy_by_workers(memory_.data() + packed_.offset(index), content, workers_);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    empty_window();
    copy_by_workers(out.data(), {memory_.data() + packed_.offset(index), out.size()}, workers_);
  }
  void reset(Start, StreamHandle) override {}

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    if (!threads_->running()) start_window();
    if (begins_unit(index)) {
      threads_->await_brought(step_);
      brought_[step_ % held_].block(stream);
    }
    return {planned(index), memory_.data() + packed_.offset(planned(index)), Side::gpu};
  }
  void release(std::size_t index, StreamHandle stream) override {
    if (!ends_unit(index)) return;
    read_[step_ % held_].record(stream);
    ++step_;
    threads_->note_read();
  }
  /// All that the pass read has left the GPU, and the first units of the next are on their way.
  void finish(StreamHandle stream) override {
    threads_->await_filled();
    for (const cuda::Event& brought : brought_) brought.block(stream);
  }
  bool runs_on() const override { return true; }
  void drop_head_start(StreamHandle) override { empty_window(); }

  Footprint footprint() const override {
    return {.device = window_bytes(held_, unit_bytes_, memory_.bytes()),
            .managed = memory_.bytes()};
  }
  std::vector<std::span<const std::byte>> host_ranges() const override {
    return {{memory_.data(), memory_.bytes()}};
  }

 private:
  /// The calls for one unit.
  struct Unit {
    cuda::PrefetchBatch brought;
    cuda::PrefetchBatch dropped;
  };

  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    empty_window();
    PassPlan plan;
    for (const Piece& piece : read) {
      append_panels(piece, tensors()[piece.tensor], unit_bytes_, plan.pieces);
    }
    std::vector<Extent> extents;
    for (const Piece& piece : plan.pieces) {
      const std::uintptr_t begin = address() + packed_.offset(piece);
      extents.push_back({begin, begin + piece.rows * tensors()[piece.tensor].row_bytes()});
    }
    const Extent memory{address(), address() + memory_.bytes()};
    const WindowPlan window = plan_window(extents, memory, unit_bytes_);
    plan.copied = window.brought_bytes;
    unit_of_piece_ = window.unit_of_piece;
    units_.clear();
    dropped_by_.clear();
    for (const WindowUnit& unit : window.units) {
      units_.push_back({batch_of(unit.brought), batch_of(unit.dropped)});
      dropped_by_.push_back(unit.dropped_by);
    }
    fill_window();
    return plan;
  }

  const Unit& unit(std::size_t step) const { return units_[step % units_.size()]; }
  bool begins_unit(std::size_t index) const {
    return index == 0 || unit_of_piece_[index - 1] != unit_of_piece_[index];
  }
  bool ends_unit(std::size_t index) const {
    return index + 1 == unit_of_piece_.size() || begins_unit(index + 1);
  }

  void start_window() {
    step_ = 0;
    threads_->start(dropped_by_);
  }
  /// As every pass leaves it. Complete on return.
  void fill_window() {
    start_window();
    threads_->await_filled();
    for (const cuda::Stream& stream : to_gpu_) cuda::stream_synchronize(stream);
  }

  /// Ends with every page on the CPU.
  void empty_window() {
    if (!threads_->running()) return;
    threads_->pause();
    cuda::device_synchronize();  // reading too
    for (const Unit& unit : units_) drop(unit, to_cpu_.front());
  }

  /// On a stream that has nothing else to do: a prefetch behind another in one stream is put off
  /// until that has ended.
  void bring(std::size_t step) {
    const cuda::Stream& stream = to_gpu_[step % held_];
    cuda::mem_prefetch_batch_async(unit(step).brought, Processor::gpu, stream);
    brought_[step % held_].record(stream);
  }

  /// Complete on return.
  void drop(const Unit& unit, const cuda::Stream& to_cpu) const {
    if (!recipe_.read_mostly) {
      cuda::mem_prefetch_batch_async(unit.dropped, home_, to_cpu);
      cuda::stream_synchronize(to_cpu);
      return;
    }
    for (std::size_t i = 0; i < unit.dropped.bytes.size(); ++i) {
      for (const Advice advice : {Advice::unset_read_mostly, Advice::set_read_mostly}) {
        cuda::mem_advise(unit.dropped.pointers[i], unit.dropped.bytes[i], advice, Processor::gpu);
      }
    }
  }

  void advise_all(Advice advice) const {
    cuda::mem_advise(memory_.data(), memory_.bytes(), advice, Processor::gpu);
  }

  cuda::PrefetchBatch batch_of(std::span<const Extent> extents) const {
    cuda::PrefetchBatch batch;
    for (const Extent& extent : extents) {
      batch.add(memory_.data() + (extent.begin - address()), extent.bytes());
    }
    return batch;
  }

  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(memory_.data()); }

  const Recipe& recipe_;
  cuda::Location home_;
  HostWorkers& workers_;
  Packed packed_;
  cuda::ManagedBuffer memory_;
  std::size_t unit_bytes_;
  std::size_t held_;  // units
  std::vector<std::size_t> unit_of_piece_;
  std::vector<Unit> units_;
  std::vector<std::size_t> dropped_by_;
  std::size_t step_ = 0;              // the next to be read
  std::vector<cuda::Event> brought_;  // by step % held_
  std::vector<cuda::Event> read_;     // likewise
  std::vector<cuda::Stream> to_gpu_;  // likewise
  std::vector<cuda::Stream> to_cpu_;  // likewise
  std::optional<WindowThreads> threads_;
};

Requirement requirement(const WeightSet& weights, const Tuning& tuning) {
  const std::size_t bytes = Packed(weights.tensors).bytes();
  return {.device = window_bytes(units_held(tuning), unit_bytes(weights.tensors, tuning), bytes),
          .managed = bytes};
}

template <const Recipe& recipe>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  return std::make_unique<WindowPlacement>(tensors, recipe, context);
}

constexpr Recipe readmostly{.read_mostly = true};
constexpr Recipe migrate{};

constexpr auto rate_of(const Recipe& recipe) {
  return recipe.read_mostly ? &Rates::window_read_mostly : &Rates::window_migrate;
}

constexpr auto run_start_of(const Recipe& recipe) {
  return recipe.read_mostly ? &Rates::window_read_mostly_run_start
                            : &Rates::window_migrate_run_start;
}

template <const Recipe& recipe>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  const Rates& rates = context.rates;
  const std::size_t unit = unit_bytes(context.tensors, context.tuning);
  const auto brought = panel_times(work, context, unit, [&](double bytes) {
                         return bytes_over(bytes, rates.*rate_of(recipe));
                       }).steady(units_held(context.tuning));
  return roughly(brought + starts_of_runs(work, context, rates.*run_start_of(recipe)));
}

/// What all of them share.
template <const Recipe& recipe>
constexpr Policy window(std::string_view name, std::string_view memory,
                        std::string_view mechanism) {
  return {
      .name = name,
      .memory = memory,
      .mechanism = mechanism,
      .nearest_engine = "llama.cpp GGML_CUDA_ENABLE_UNIFIED_MEMORY=1, where the GPU is full",
      .family = Family::managed,
      .migrates_every_pass = true,
      .needs = managed_needs,
      .driver_handles_pages = true,
      .divides_tensors = true,
      .not_capturable_because = prefetch_escapes_graphs,
      .requirement = requirement,
      .place = place<recipe>,
      .predict = predict<recipe>,
      .calibrates = rate_of(recipe),
      .calibrates_run_start = run_start_of(recipe),
  };
}

constexpr Policy rows[] = {
    window<readmostly>("managed_readmostly_window", "cudaMallocManaged, ReadMostly",
                       "row panels prefetched ahead, their duplicates dropped behind the reader"),
    window<migrate>("managed_migrate_window", "cudaMallocManaged",
                    "row panels prefetched ahead, prefetched home behind the reader"),
};

}  // namespace

namespace policies {

std::span<const Policy> managed_window() { return rows; }

}  // namespace policies

}  // namespace offload
