// SPDX-License-Identifier: Apache-2.0
#include "offload/workload.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace offload {

Reading::Reading(const WeightSet& weights) {
  whole_.reserve(weights.tensors.size());
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    whole_.push_back({i, 0, weights.tensors[i].rows});
  }
}

std::vector<Piece> Reading::pieces() const { return whole_; }

std::unique_ptr<Workload> Workload::with_tokens(std::size_t) const {
  throw std::logic_error(std::string(name()) + " knows no tokens");
}

std::string Workload::label() const {
  return has_choice_of_tokens() ? label_of(name(), tokens()) : std::string(name());
}

WorkloadLabel split_label(std::string_view label) {
  const std::size_t mark = label.rfind(".m");
  if (mark == std::string_view::npos) return {label, std::nullopt};
  const std::string_view digits = label.substr(mark + 2);
  std::size_t tokens = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), tokens);
  if (error != std::errc() || end != digits.end()) return {label, std::nullopt};
  return {label.substr(0, mark), tokens};
}

std::string label_of(std::string_view name, std::size_t tokens) {
  return std::string(name) + ".m" + std::to_string(tokens);
}

}  // namespace offload
