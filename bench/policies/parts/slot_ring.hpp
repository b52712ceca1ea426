// SPDX-License-Identifier: Apache-2.0
// Slots of GPU memory that a copy stream of its own fills ahead of the kernels that read them:
// whole layers under pinned_prefetch_copy, row panels under pinned_ring_copy.
#pragma once
#include <cstddef>
#include <vector>

#include "offload/cuda/runtime.hpp"
#include "offload/stream.hpp"

namespace offload {

/// What one slot takes at a time.
struct SlotUnit {
  struct Part {
    const std::byte* from = nullptr;  // pinned host memory
    std::size_t bytes = 0;
    std::size_t offset = 0;  // in the slot
  };
  std::vector<Part> parts;  // copied one by one, as engines copy parameters
};

/// Units go round: unit i uses slot i % slots, and is copied as soon as the unit that used the slot
/// before has been read, be it of this pass or of the one before. So a pass begins with its first
/// units in place or under way, and pays for those of the next: as in an engine that never stops.
/// With finish() between passes those are in place, as after a CUDA graph of a whole pass, which
/// joins its copies at its end; without it they are under way, as in an engine that runs eagerly.
class SlotRing {
 public:
  /// `slot_bytes` is a multiple of 256. There is one copy stream: a second one gains nothing, for
  /// the copy engine takes its 6 us to begin a copy (H200) in either case.
  SlotRing(std::size_t slots, std::size_t slot_bytes);

  /// The units of all passes to come; what was under way ends first, and the first units are
  /// copied. Complete on return.
  void begin(std::vector<SlotUnit> units, StreamHandle stream);
  /// Kernels enqueued on `stream` after this find unit `index` in its slot. Units are entered in
  /// order, and left before their slot is needed again.
  void enter(std::size_t index, StreamHandle stream);
  /// The first units are copied once more, as soon as what is on `stream` has ended; after
  /// finish().
  void begin_again(StreamHandle stream);
  /// Where unit `index` is from enter() to leave().
  const std::byte* slot(std::size_t index) const;
  /// The kernels that read unit `index` are enqueued: its slot's next unit is copied after them.
  void leave(std::size_t index, StreamHandle stream);
  /// The copies under way join `stream`.
  void finish(StreamHandle stream);

  std::size_t bytes() const { return memory_.bytes(); }

 private:
  void copy(std::size_t unit);
  void copy_after(StreamHandle stream, std::size_t unit);

  std::size_t slots_;
  std::size_t slot_bytes_;
  cuda::DeviceBuffer memory_;
  cuda::Stream copies_;
  std::vector<cuda::Event> copied_;  // one per slot
  std::vector<cuda::Event> read_;    // likewise
  std::vector<SlotUnit> units_;
  std::vector<bool> copied_in_pass_;  // by slot: its copy was enqueued since finish()
  bool any_copied_ = false;
};

}  // namespace offload
