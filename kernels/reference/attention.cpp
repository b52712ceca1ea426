// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/attention.hpp"
#include "kernels/reference/floats.hpp"

namespace offload::reference {
namespace {

double number(const std::uint16_t* element) {
  return to_float(DType::bf16, reinterpret_cast<const std::byte*>(element));
}

}  // namespace

std::vector<double> decode_attention(const std::uint16_t* keys, const std::uint16_t* values,
                                     const std::uint16_t* queries,
                                     const kernels::AttentionShape& shape) {
  constexpr std::size_t features = kernels::AttentionShape::features;
  constexpr std::size_t group = kernels::AttentionShape::group;
  std::vector<double> out(shape.query_elements(), 0.0);
  std::vector<double> scores(shape.tokens);
  for (std::size_t query = 0; query < shape.rows * group; ++query) {
    const std::size_t cached = query / group * shape.tokens * features;
    for (std::size_t token = 0; token < shape.tokens; ++token) {
      double product = 0;
      for (std::size_t i = 0; i < features; ++i) {
        product +=
            number(queries + query * features + i) * number(keys + cached + token * features + i);
      }
      scores[token] = product / std::sqrt(static_cast<double>(features));
    }
    const double most = *std::ranges::max_element(scores);
    double all = 0;
    for (double& score : scores) all += score = std::exp(score - most);
    for (std::size_t token = 0; token < shape.tokens; ++token) {
      for (std::size_t i = 0; i < features; ++i) {
        out[query * features + i] +=
            scores[token] / all * number(values + cached + token * features + i);
      }
    }
  }
  return out;
}

}  // namespace offload::reference
