// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/slot_ring.hpp"

#include <algorithm>
#include <utility>

namespace offload {

SlotRing::SlotRing(std::size_t slots, std::size_t slot_bytes)
    : slots_(slots),
      slot_bytes_(slot_bytes),
      memory_(slots * slot_bytes),
      copied_(slots),
      read_(slots),
      copied_in_pass_(slots, false) {}

const std::byte* SlotRing::slot(std::size_t index) const {
  return static_cast<std::byte*>(memory_.data()) + index % slots_ * slot_bytes_;
}

void SlotRing::copy(std::size_t unit) {
  std::byte* const to = static_cast<std::byte*>(memory_.data()) + unit % slots_ * slot_bytes_;
  for (const SlotUnit::Part& part : units_[unit].parts) {
    cuda::memcpy_async(to + part.offset, part.from, part.bytes, copies_);
  }
}

void SlotRing::begin(std::vector<SlotUnit> units, StreamHandle stream) {
  cuda::stream_synchronize(stream);
  cuda::stream_synchronize(copies_);
  units_ = std::move(units);
  for (std::size_t i = 0; i < std::min(slots_, units_.size()); ++i) copy(i);
  cuda::stream_synchronize(copies_);
  std::fill(copied_in_pass_.begin(), copied_in_pass_.end(), false);
  any_copied_ = false;
}

void SlotRing::enter(std::size_t index, StreamHandle stream) {
  // What was copied before finish() has joined the stream there.
  if (copied_in_pass_[index % slots_]) copied_[index % slots_].block(stream);
}

void SlotRing::begin_again(StreamHandle stream) {
  for (std::size_t i = 0; i < std::min(slots_, units_.size()); ++i) copy_after(stream, i);
}

void SlotRing::leave(std::size_t index, StreamHandle stream) {
  copy_after(stream, index + slots_ < units_.size() ? index + slots_ : index % slots_);
}

/// Into its slot, once what is on `stream` has ended: the kernels that read what is there.
void SlotRing::copy_after(StreamHandle stream, std::size_t unit) {
  const std::size_t slot = unit % slots_;
  read_[slot].record(stream);
  read_[slot].block(copies_);
  copy(unit);
  copied_[slot].record(copies_);
  copied_in_pass_[slot] = true;
  any_copied_ = true;
}

void SlotRing::finish(StreamHandle stream) {
  if (!any_copied_) return;
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    if (copied_in_pass_[slot]) copied_[slot].block(stream);
  }
  std::fill(copied_in_pass_.begin(), copied_in_pass_.end(), false);
  any_copied_ = false;
}

}  // namespace offload
