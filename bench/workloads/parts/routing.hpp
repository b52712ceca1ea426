// SPDX-License-Identifier: Apache-2.0
// Which experts a batch of tokens is sent to.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/random.hpp"
#include "offload/weights.hpp"

namespace offload {

inline std::size_t rows_of_expert(const WeightTensor& tensor) {
  return tensor.rows / tensor.experts;
}

struct RoutedExpert {
  std::size_t expert = 0;
  std::size_t tokens = 0;  // at least one
};

/// Which experts are popular, by a Zipf law: the expert of rank k has weight 1 / (k + 1)^skew; skew
/// 0 is uniform.
class Router {
 public:
  /// Ranks are shuffled by `random`.
  Router(std::size_t experts, double skew, Random& random);
  /// `per_token` different experts for each of `tokens` tokens, drawn by `random`: those that got
  /// any, in ascending order.
  std::vector<RoutedExpert> route(std::size_t per_token, std::size_t tokens, Random& random) const;

 private:
  std::vector<double> log_weight_;
};

/// `per_token` different experts for each of `tokens` tokens, ranks and draws by one seed. Same
/// arguments, same result.
std::vector<RoutedExpert> route(std::size_t experts, std::size_t per_token, std::size_t tokens,
                                double skew, std::uint64_t seed);

}  // namespace offload
