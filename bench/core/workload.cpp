// SPDX-License-Identifier: Apache-2.0
#include "offload/workload.hpp"

#include <bit>
#include <limits>
#include <stdexcept>

#include "bench/core/numbers.hpp"
#include "offload/units.hpp"
#include "offload/weights.hpp"

namespace offload {
namespace {

/// "1", "1.5" or "1.25".
std::optional<std::size_t> parse_hundredths(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = parse_number<std::size_t>(text.substr(0, point));
  if (!whole || *whole > std::numeric_limits<std::size_t>::max() / 100 - 1) return std::nullopt;
  if (point == std::string_view::npos) return *whole * 100;
  const std::string_view digits = text.substr(point + 1);
  const auto part = parse_number<std::size_t>(digits);
  if (!part || digits.size() > 2) return std::nullopt;
  return *whole * 100 + *part * (digits.size() == 1 ? 10 : 1);
}

/// As short as it can be: "1", "1.5", "1.25".
std::string hundredths_text(std::size_t value) {
  std::string text = std::to_string(value / 100);
  const std::size_t part = value % 100;
  if (part == 0) return text;
  text += {'.', static_cast<char>('0' + part / 10)};
  if (part % 10 != 0) text += static_cast<char>('0' + part % 10);
  return text;
}

}  // namespace

std::optional<std::size_t> BoundWorkload::reads(const PieceView& /*view*/) const { return 1; }

bool Parameter::allows(std::size_t other) const {
  return other >= min && other <= max && (unit != Unit::bytes || std::has_single_bit(other));
}

std::string Parameter::range() const {
  const std::string called(name);
  switch (unit) {
    case Unit::bytes:
      return called + "s of " + format_size(min) + " to " + format_size(max) + ", powers of two";
    case Unit::hundredths:
      return "a " + called + " of " + text(min) + " to " + text(max);
    case Unit::count:
      break;
  }
  return text(min) + " to " + text(max) + " " + called;
}

std::string Parameter::text(std::size_t other) const {
  return unit == Unit::hundredths ? hundredths_text(other) : std::to_string(other);
}

std::optional<std::size_t> Parameter::parse(std::string_view text) const {
  return unit == Unit::hundredths ? parse_hundredths(text) : parse_number<std::size_t>(text);
}

BoundWorkload::BoundWorkload(const WeightSet& weights) {
  whole_.reserve(weights.tensors.size());
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    whole_.push_back({i, 0, weights.tensors[i].rows});
  }
}

std::vector<Piece> BoundWorkload::pieces() const { return whole_; }

Support Workload::offers(Rereads rereads, const WeightSet& /*weights*/,
                         const Platform& /*platform*/) const {
  if (rereads != Rereads::fewest_by_library) return Support::yes();
  return Support::no(std::string(name()) + " is computed by no library");
}

std::unique_ptr<Workload> Workload::with_parameter(std::size_t) const {
  throw std::logic_error(std::string(name()) + " has no parameter");
}

std::optional<PassWork> Workload::work(const WeightSet& /*weights*/, const Rates& /*rates*/) const {
  return std::nullopt;
}

std::vector<ProductShape> Workload::products(const WeightSet& /*weights*/) const { return {}; }

std::vector<std::optional<std::size_t>> Workload::reads_of(std::span<const ProductShape> shapes,
                                                           Rereads /*rereads*/) const {
  return std::vector<std::optional<std::size_t>>(shapes.size());
}

std::optional<WeightSet> Workload::part(const WeightSet& weights, std::size_t bytes) const {
  WeightSet part = plain_part(weights, bytes);
  if (part.tensors.empty() || !reads(part)) return std::nullopt;
  return part;
}

std::string Workload::label() const {
  const std::optional<Parameter> varied = parameter();
  if (!varied) return std::string(name());
  return label_of(name(), varied->name, varied->text(varied->value));
}

WorkloadLabel split_label(std::string_view label) {
  const std::size_t slash = label.rfind('/');
  if (slash == std::string_view::npos) return {label, {}, {}};
  const std::string_view setting = label.substr(slash + 1);
  const std::size_t colon = setting.find(':');
  const bool whole = slash > 0 && colon > 0 && colon < setting.size() - 1;
  if (colon == std::string_view::npos || !whole) return {label, {}, {}};
  return {label.substr(0, slash), setting.substr(0, colon), setting.substr(colon + 1)};
}

std::string label_of(std::string_view name, std::string_view parameter, std::string_view value) {
  std::string label(name);
  label += '/';
  label += parameter;
  label += ':';
  label += value;
  return label;
}

}  // namespace offload
