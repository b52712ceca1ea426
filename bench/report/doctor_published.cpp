// SPDX-License-Identifier: Apache-2.0
#include "bench/report/doctor_published.hpp"

#include <utility>

#include "bench/core/text.hpp"

namespace offload::doctor {
namespace {

std::string figure_text(double value, bool is_time) {
  return is_time ? format_seconds(value) : format_rate(value);
}

/// "377 GB/s to 382 GB/s, primary"
std::string range_text(const PublishedRange& range, bool is_time) {
  const std::string low = figure_text(range.low, is_time);
  const std::string high = figure_text(range.high, is_time);
  return (low == high ? low : low + " to " + high) + ", " + range.grade;
}

}  // namespace

std::optional<Comparison> compare(const MaybePublished& machine, std::string_view rate,
                                  double value) {
  if (!machine) return std::nullopt;
  const auto found = machine->rates.find(rate);
  if (found == machine->rates.end()) return std::nullopt;
  const bool is_time = rate.ends_with("_s");
  Comparison comparison;
  comparison.published = {machine->slug, found->second.ranges};
  comparison.slow = is_slower(value, found->second, is_time);
  std::vector<std::string> ranges;
  for (const PublishedRange& range : found->second.ranges) {
    ranges.push_back(range_text(range, is_time));
  }
  const std::string mode = machine->memory_mode == "numa" ? " in NUMA mode" : "";
  comparison.text = "published of " + machine->slug + mode + ": " + listed(ranges, "; ");
  for (const PublishedRange& sign : found->second.signs) {
    if (!is_within(value, sign)) continue;
    comparison.signs.push_back("as published where " + sign.means);
  }
  return comparison;
}

Check compared(std::string name, const std::string& what, const Comparison& comparison,
               std::vector<std::string> causes, const std::string& advice) {
  std::string text = what + " (" + comparison.text + ")";
  causes.insert(causes.begin(), comparison.signs.begin(), comparison.signs.end());
  Check check = comparison.slow ? slow(std::move(name), std::move(text), std::move(causes), advice)
                                : ok(std::move(name), std::move(text));
  check.published = comparison.published;
  return check;
}

}  // namespace offload::doctor
