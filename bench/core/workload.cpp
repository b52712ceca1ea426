// SPDX-License-Identifier: Apache-2.0
#include "offload/workload.hpp"

#include <bit>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "offload/units.hpp"
#include "offload/weight_parts.hpp"

namespace offload {
namespace {

constexpr char tokens = 'm';
constexpr char chunk = 'c';
constexpr char skew = 'z';

std::string hundredths(std::size_t value) {
  std::ostringstream text;
  text << static_cast<double>(value) / 100;
  return text.str();
}

}  // namespace

bool Choice::allows(std::size_t other) const {
  return other >= least && other <= most && (letter != chunk || std::has_single_bit(other));
}

std::string Choice::range() const {
  switch (letter) {
    case chunk:
      return "chunks of " + format_size(least) + " to " + format_size(most) + ", powers of two";
    case skew:
      return "a skew of " + hundredths(least) + " to " + hundredths(most);
    default:
      return std::to_string(least) + " to " + std::to_string(most) + " tokens";
  }
}

BoundWorkload::BoundWorkload(const WeightSet& weights) {
  whole_.reserve(weights.tensors.size());
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    whole_.push_back({i, 0, weights.tensors[i].rows});
  }
}

std::vector<Piece> BoundWorkload::pieces() const { return whole_; }

std::unique_ptr<Workload> Workload::with_choice(std::size_t) const {
  throw std::logic_error(std::string(name()) + " has no choice");
}

std::optional<WeightSet> Workload::part(const WeightSet& weights, std::size_t bytes) const {
  WeightSet part = plain_part(weights, bytes);
  if (part.tensors.empty() || !reads(part)) return std::nullopt;
  return part;
}

std::string Workload::label() const {
  const std::optional<Choice> chosen = choice();
  return chosen ? label_of(name(), chosen->letter, chosen->value) : std::string(name());
}

WorkloadLabel split_label(std::string_view label) {
  const WorkloadLabel plain{label, '\0', std::nullopt};
  const std::size_t mark = label.rfind('.');
  if (mark == std::string_view::npos || mark + 1 == label.size()) return plain;
  const char letter = label[mark + 1];
  if (letter != tokens && letter != chunk && letter != skew) return plain;
  const std::string_view digits = label.substr(mark + 2);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (error != std::errc() || end != digits.end()) return plain;
  return {label.substr(0, mark), letter, value};
}

std::string label_of(std::string_view name, char letter, std::size_t value) {
  return std::string(name) + "." + letter + std::to_string(value);
}

}  // namespace offload
