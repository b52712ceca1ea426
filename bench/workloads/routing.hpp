// SPDX-License-Identifier: Apache-2.0
// Which experts a batch of tokens is sent to.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace offload {

struct RoutedExpert {
  std::size_t expert = 0;
  std::size_t tokens = 0;  // at least one
};

/// `per_token` different experts for each of `tokens` tokens, drawn by a Zipf law: the expert of
/// rank k has weight 1 / (k + 1)^skew, ranks shuffled by the seed; skew 0 is uniform. The experts
/// that got any, in ascending order. Same arguments, same result.
std::vector<RoutedExpert> route(std::size_t experts, std::size_t per_token, std::size_t tokens,
                                double skew, std::uint64_t seed);

}  // namespace offload
