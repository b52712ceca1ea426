// SPDX-License-Identifier: Apache-2.0
// The products of a pass: which rows of each tensor meet how many tokens, what goes in and what
// must come out.
//
// A product of many tokens is checked whole by one vector: with signs s_t of +-1,
// sum_t s_t y_t = W (sum_t s_t x_t), so the reference computes one matrix-vector product where the
// GPU computed thousands. A wrong value anywhere changes its row's sum.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "kernels/matmul.hpp"
#include "offload/host_workers.hpp"
#include "offload/weights.hpp"
#include "offload/workload.hpp"

namespace offload {

/// Rows [first_row, first_row + rows) of a tensor times the first `tokens` tokens.
struct Product {
  Piece piece;
  std::size_t tokens = 0;
};

/// Routings that were published are uneven, far from uniform and far from one expert; nobody has
/// agreed on a figure. Of 128 experts, 8 a token, 0.5 gives the busiest about seven times the
/// tokens of the median.
inline constexpr double routing_skew = 0.5;

/// The products of one pass over `weights`: each tensor whole times all tokens; of stacked experts
/// those that a routing by `skew` sends tokens to.
std::vector<Product> products_of(const WeightSet& weights, std::size_t tokens,
                                 double skew = routing_skew);

/// Tokens of one input width: values in [-1, 1], as the GPU's and the CPU's kernels want them.
class Tokens {
 public:
  Tokens(std::size_t tokens, std::size_t cols, DType dtype, HostWorkers& workers);
  /// [tokens, cols] of the dtype.
  std::span<const std::byte> values() const { return values_; }
  const float* widened() const { return widened_.data(); }
  DType dtype() const { return dtype_; }
  /// The root of their mean square.
  double rms() const;
  /// sum over the first `tokens` of sign[t] x_t.
  std::vector<float> folded(std::size_t tokens) const;
  /// +1 first, then either.
  static std::vector<float> signs(std::size_t tokens);

 private:
  std::size_t cols_;
  DType dtype_;
  std::vector<std::byte> values_;
  std::vector<float> widened_;
};

/// What the folded rows of each product must be. Tensors of one shape share the reference's work.
class ExpectedRows {
 public:
  ExpectedRows(const WeightSet& weights, std::span<const TensorContent> data)
      : weights_(weights), data_(data.begin(), data.end()) {}

  /// Computes what is still unknown of `product`, whose input is `tokens`.
  void add(const Product& product, const Tokens& tokens, HostWorkers& workers);

  struct Row {
    double value = 0;
    double magnitude = 0;  // sum of |w x|
    double norm = 0;       // sqrt of the sum of w^2
  };
  Row at(const Product& product, std::size_t row) const;

 private:
  /// Base tensor, its first row, rows, tokens.
  using Key = std::tuple<std::size_t, std::size_t, std::size_t, std::size_t>;
  Key key_of(const Product& product) const;

  const WeightSet& weights_;
  std::vector<TensorContent> data_;
  std::map<Key, reference::GemvResult> known_;
};

}  // namespace offload
