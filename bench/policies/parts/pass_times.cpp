// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/pass_times.hpp"

#include <algorithm>

namespace offload {
namespace {

constexpr double precise = 1.07;
constexpr double rough_factor = 1.26;  // squared, 1.6

std::optional<Prediction> within(std::optional<double> seconds, double factor) {
  if (!seconds) return std::nullopt;
  return Prediction{*seconds, *seconds / factor, *seconds * factor};
}

/// The copy engine and the reader, each at its own time.
class Slots {
 public:
  Slots(std::span<const BroughtUnit> units, std::size_t slots) : units_(units), slots_(slots) {}

  double pass(double after, bool joined) {
    const double begun = now_;
    for (const BroughtUnit& unit : units_) {
      now_ += unit.before;
      now_ = std::max(now_, brought(read_.size())) + unit.read;
      read_.push_back(now_);
    }
    now_ += after;
    if (joined) {
      const std::size_t ahead = std::min(slots_, units_.size());
      for (std::size_t i = 0; i < ahead; ++i) {
        now_ = std::max(now_, brought(read_.size() + i));
      }
    }
    return now_ - begun;
  }

 private:
  /// The unit of all passes that `index` follows in its slot: a pass begins with the first again.
  std::optional<std::size_t> before_in_slot(std::size_t index) const {
    const std::size_t count = units_.size();
    const std::size_t unit = index % count;
    if (unit >= slots_) return index - slots_;
    if (index < count) return std::nullopt;
    const std::size_t last = unit + (count - 1 - unit) / slots_ * slots_;
    return index - unit - count + last;
  }

  /// When unit `index` of all passes is in its slot: asked for in order.
  double brought(std::size_t index) {
    while (brought_.size() <= index) {
      const std::size_t next = brought_.size();
      const std::optional<std::size_t> before = before_in_slot(next);
      const double free = before ? read_[*before] : 0;
      const double last = brought_.empty() ? 0 : brought_.back();
      brought_.push_back(std::max(free, last) + units_[next % units_.size()].bring);
    }
    return brought_[index];
  }

  std::span<const BroughtUnit> units_;
  std::size_t slots_;
  double now_ = 0;
  std::vector<double> read_;     // by unit of all passes: when it had been read
  std::vector<double> brought_;  // likewise: when it had come
};

}  // namespace

std::optional<Prediction> precisely(std::optional<double> seconds) {
  return within(seconds, precise);
}

std::optional<Prediction> roughly(std::optional<double> seconds) {
  return within(seconds, rough_factor);
}

std::optional<Prediction> not_known(const PassWork& /*work*/, const PredictContext& /*context*/) {
  return std::nullopt;
}

std::optional<double> operator+(std::optional<double> one, std::optional<double> other) {
  if (!one || !other) return std::nullopt;
  return *one + *other;
}

std::optional<double> bytes_over(double bytes, std::optional<double> rate) {
  if (!rate || *rate <= 0) return std::nullopt;
  return bytes / *rate;
}

std::optional<double> in_one_memory(std::optional<double> seconds, double copied,
                                    const PassWork& work, const PredictContext& context) {
  if (!seconds || !context.memory_rate) return seconds;
  double bytes = 2 * copied;
  for (const WorkItem& item : work) bytes += static_cast<double>(item.bytes);
  return std::max(*seconds, bytes / *context.memory_rate);
}

bool is_resident(const WorkItem& item, const PredictContext& context) {
  return context.tensors[item.piece.tensor].resident;
}

bool is_whole(const WorkItem& item, const PredictContext& context) {
  return item.bytes == item.piece.rows * context.tensors[item.piece.tensor].row_bytes();
}

double offloaded_bytes(const PassWork& work, const PredictContext& context) {
  double bytes = 0;
  for (const WorkItem& item : work) {
    if (!is_resident(item, context)) bytes += static_cast<double>(item.bytes);
  }
  return bytes;
}

double starts_of_runs(const PassWork& work, const PredictContext& context,
                      std::optional<double> start) {
  std::size_t beyond_one = 0;
  const Piece* last = nullptr;
  for (const WorkItem& item : work) {
    if (is_resident(item, context)) continue;
    const Piece& piece = item.piece;
    if (last != nullptr) {
      const std::size_t end = last->first_row + last->rows;
      const bool follows = piece.tensor == last->tensor
                               ? piece.first_row == end
                               : piece.first_row == 0 && end == context.tensors[last->tensor].rows;
      if (!follows) ++beyond_one;
    }
    last = &piece;
  }
  return static_cast<double>(beyond_one) * start.value_or(0);
}

double pass_through_slots(std::span<const BroughtUnit> units, double after, std::size_t slots,
                          bool joined) {
  if (units.empty()) return after;
  Slots all(units, std::max<std::size_t>(slots, 1));
  // How it begins has worn off after as many passes as fill the slots.
  const std::size_t before = 2 + slots / units.size();
  for (std::size_t i = 0; i < before; ++i) all.pass(after, joined);
  // With a slot more or less than divides the units, passes take turns.
  const std::size_t period = std::max<std::size_t>(slots, 1);
  double seconds = 0;
  for (std::size_t i = 0; i < period; ++i) seconds += all.pass(after, joined);
  return seconds / static_cast<double>(period);
}

double first_pass_through_slots(std::span<const BroughtUnit> units, double after,
                                std::size_t slots) {
  if (units.empty()) return after;
  return Slots(units, std::max<std::size_t>(slots, 1)).pass(after, false);
}

}  // namespace offload
