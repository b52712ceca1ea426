// SPDX-License-Identifier: Apache-2.0
#include "bench/workloads/routing.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace offload {
namespace {

/// SplitMix64: the standard library's distributions differ between implementations.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// In (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace

// Drawing without replacement: of keys log(weight) + Gumbel noise the largest win.
std::vector<RoutedExpert> route(std::size_t experts, std::size_t per_token, std::size_t tokens,
                                double skew, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::size_t> ranks(experts);
  std::iota(ranks.begin(), ranks.end(), std::size_t{0});
  for (std::size_t i = experts; i > 1; --i) std::swap(ranks[i - 1], ranks[random.next() % i]);
  std::vector<double> log_weight(experts);
  for (std::size_t e = 0; e < experts; ++e) {
    log_weight[e] = -skew * std::log(static_cast<double>(ranks[e] + 1));
  }

  std::vector<std::size_t> tokens_of(experts, 0);
  std::vector<std::pair<double, std::size_t>> keys(experts);
  const auto chosen = static_cast<std::ptrdiff_t>(std::min(per_token, experts));
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t e = 0; e < experts; ++e) {
      keys[e] = {log_weight[e] - std::log(-std::log(random.uniform())), e};
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

}  // namespace offload
