// SPDX-License-Identifier: Apache-2.0
#include "bench/workloads/parts/routing.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace offload {
Router::Router(std::size_t experts, double skew, Random& random) : log_weight_(experts) {
  std::vector<std::size_t> ranks(experts);
  std::iota(ranks.begin(), ranks.end(), std::size_t{0});
  for (std::size_t i = experts; i > 1; --i) std::swap(ranks[i - 1], ranks[random.next() % i]);
  for (std::size_t e = 0; e < experts; ++e) {
    log_weight_[e] = -skew * std::log(static_cast<double>(ranks[e] + 1));
  }
}

// Drawing without replacement: of keys log(weight) + Gumbel noise the largest win.
std::vector<RoutedExpert> Router::route(std::size_t per_token, std::size_t tokens,
                                        Random& random) const {
  const std::size_t experts = log_weight_.size();
  std::vector<std::size_t> tokens_of(experts, 0);
  std::vector<std::pair<double, std::size_t>> keys(experts);
  const auto chosen = static_cast<std::ptrdiff_t>(std::min(per_token, experts));
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t e = 0; e < experts; ++e) {
      keys[e] = {log_weight_[e] - std::log(-std::log(random.uniform())), e};
    }
    std::partial_sort(keys.begin(), keys.begin() + chosen, keys.end(), std::greater<>());
    for (auto key = keys.begin(); key != keys.begin() + chosen; ++key) ++tokens_of[key->second];
  }

  std::vector<RoutedExpert> routed;
  for (std::size_t e = 0; e < experts; ++e) {
    if (tokens_of[e] > 0) routed.push_back({e, tokens_of[e]});
  }
  return routed;
}

std::vector<RoutedExpert> route(std::size_t experts, std::size_t per_token, std::size_t tokens,
                                double skew, std::uint64_t seed) {
  Random random(seed);
  return Router(experts, skew, random).route(per_token, tokens, random);
}

}  // namespace offload
