// SPDX-License-Identifier: Apache-2.0
// What predictions of policies are put together from.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "offload/policy.hpp"
#include "offload/prediction.hpp"

namespace offload {

/// Of what runs of one machine agree on to a few percent.
std::optional<Prediction> precisely(std::optional<double> seconds);
/// Of faults, of the driver's calls and of the CPU's work, which they do not: from end to end the
/// range is a factor of 1.6.
std::optional<Prediction> roughly(std::optional<double> seconds);
/// For rows whose mechanism no machine has shown yet.
std::optional<Prediction> not_known(const PassWork& work, const PredictContext& context);

/// nullopt where one is.
std::optional<double> operator+(std::optional<double> one, std::optional<double> other);
std::optional<double> bytes_over(double bytes, std::optional<double> rate);
inline std::optional<double> bytes_over(std::size_t bytes, std::optional<double> rate) {
  return bytes_over(static_cast<double>(bytes), rate);
}

/// Of copies that run beside reading. Where GPU and CPU share one memory they share its rate, too:
/// `copied` bytes are read and written there, and all of the pass read, whatever overlaps.
std::optional<double> in_one_memory(std::optional<double> seconds, double copied,
                                    const PassWork& work, const PredictContext& context);

bool is_resident(const WorkItem& item, const PredictContext& context);
/// Whether all of the piece is asked for. What comes by pages is not known where it is not.
bool is_whole(const WorkItem& item, const PredictContext& context);

/// Every item by itself, one after the other: `offloaded` says what one takes that is not resident.
template <typename Offloaded>
std::optional<double> in_order(const PassWork& work, const PredictContext& context,
                               const Offloaded& offloaded) {
  std::optional<double> seconds = 0.0;
  for (const WorkItem& item : work) {
    seconds = seconds + (is_resident(item, context) ? item.on_gpu : offloaded(item));
  }
  return seconds;
}

/// What is asked for of weights that are not resident.
double offloaded_bytes(const PassWork& work, const PredictContext& context);

/// Seconds that runs of neighbouring rows add to a pass which finds the offloaded ones in more than
/// one: `start` each, 0 where it is not known.
double starts_of_runs(const PassWork& work, const PredictContext& context,
                      std::optional<double> start);

/// What is brought at a time, and read when it is there.
struct BroughtUnit {
  double before = 0;  // seconds of reading what is resident since the unit before
  double bring = 0;
  double read = 0;
};

/// Seconds of one of many passes over `units` and `after` them what is resident: one unit is
/// brought at a time, as soon as the unit that had its slot before has been read. Where a pass is
/// `joined`, what it has begun to bring for the next is there when it ends.
double pass_through_slots(std::span<const BroughtUnit> units, double after, std::size_t slots,
                          bool joined);

/// Of the first pass, before which nothing is under way.
double first_pass_through_slots(std::span<const BroughtUnit> units, double after,
                                std::size_t slots);

/// Units of a pass as they are collected; nullopt as soon as a part of one is not known.
class UnitTimes {
 public:
  void resident(std::optional<double> seconds) { add(before_, seconds); }
  void begin_unit() { units_.push_back({std::exchange(before_, 0.0)}); }
  void bring(std::optional<double> seconds) { add(units_.back().bring, seconds); }
  void read(std::optional<double> seconds) { add(units_.back().read, seconds); }

  std::optional<double> steady(std::size_t slots, bool joined = false) const {
    if (!known_) return std::nullopt;
    return pass_through_slots(units_, before_, slots, joined);
  }
  std::optional<double> first(std::size_t slots) const {
    if (!known_) return std::nullopt;
    return first_pass_through_slots(units_, before_, slots);
  }

 private:
  void add(double& sum, std::optional<double> seconds) {
    if (seconds) {
      sum += *seconds;
    } else {
      known_ = false;
    }
  }

  std::vector<BroughtUnit> units_;
  double before_ = 0;
  bool known_ = true;
};

/// Row panels of at most `panel` bytes, each brought by `bring` (seconds of its bytes).
template <typename Bring>
UnitTimes panel_times(const PassWork& work, const PredictContext& context, std::size_t panel,
                      const Bring& bring) {
  UnitTimes units;
  for (const WorkItem& item : work) {
    if (is_resident(item, context)) {
      units.resident(item.on_gpu);
      continue;
    }
    const std::size_t count = (item.bytes + panel - 1) / panel;
    const double bytes = static_cast<double>(item.bytes) / static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) {
      units.begin_unit();
      units.bring(bring(bytes));
      units.read(item.on_gpu ? std::optional(*item.on_gpu / static_cast<double>(count))
                             : std::nullopt);
    }
  }
  return units;
}

}  // namespace offload
