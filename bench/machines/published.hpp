// SPDX-License-Identifier: Apache-2.0
// What others measured of machines like this one: the ranges that its figures are held against.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offload/platform.hpp"

namespace offload {

/// Where figures of a rate lie, in bytes per second or seconds: one figure is a range by itself.
struct PublishedRange {
  double low = 0;
  double high = 0;
  std::string grade;  // "primary"
  std::string source;
  std::string means;  // the fault that a figure like it is a sign of; "" where none is known
};

struct PublishedRate {
  std::vector<PublishedRange> ranges;  // at least one
  std::vector<PublishedRange> signs;   // of machines with a fault
};

/// A platform profile, as far as it says what a machine of its kind should reach.
struct PublishedMachine {
  std::string slug;                      // "gh200-480gb"
  std::string memory_mode;               // "numa"; "" where no source says
  std::optional<int> generation, width;  // of the PCI Express that the figures were taken over
  /// By their names in profiles; of makers' peaks, which nothing reaches, none.
  std::map<std::string, PublishedRate, std::less<>> rates;
};

/// The profile that has this GPU's name, over this kind of link.
std::optional<PublishedMachine> published_of(const Platform& platform);

/// Machines of one kind, and their drivers, differ by that; as
/// scripts/offload_results/reference.json has it.
inline constexpr double published_margin = 0.05;

/// Whether `value` is slower than all that is published of machines with no known fault.
bool is_slower(double value, const PublishedRate& rate, bool is_time);
/// Whether it is in the range, as far as machines of one kind are alike.
bool is_within(double value, const PublishedRange& range);

}  // namespace offload
