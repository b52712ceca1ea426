// SPDX-License-Identifier: Apache-2.0
#include "bench/workloads/parts/products.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bench/workloads/parts/routing.hpp"
#include "kernels/content.hpp"
#include "kernels/reference/floats.hpp"

namespace offload {
namespace {

constexpr std::uint64_t x_seed = 0x78;
constexpr std::uint64_t routing_seed = 0x726f757465;

}  // namespace

std::vector<Product> products_of(const WeightSet& weights, std::size_t tokens, double skew) {
  std::vector<Product> products;
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    const WeightTensor& tensor = weights.tensors[i];
    if (tensor.experts == 0) {
      products.push_back({{i, 0, tensor.rows}, tokens});
      continue;
    }
    const std::size_t per_token = std::max(weights.experts_per_token(), std::size_t{1});
    // The stacks of one layer get the same tokens.
    for (const RoutedExpert& routed :
         route(tensor.experts, per_token, tokens, skew, routing_seed + tensor.layer)) {
      const std::size_t rows = rows_of_expert(tensor);
      products.push_back({{i, routed.expert * rows, rows}, routed.tokens});
    }
  }
  return products;
}

Tokens::Tokens(std::size_t tokens, std::size_t cols, DType dtype, HostWorkers& workers)
    : cols_(cols),
      dtype_(dtype),
      values_(tokens * cols * bytes_of(dtype)),
      widened_(tokens * cols) {
  reference::fill_random(values_, dtype, x_seed + cols, workers);
  workers.run(widened_.size(), 4096, [this](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      widened_[i] = reference::to_float(dtype_, values_.data() + i * bytes_of(dtype_));
    }
  });
}

double Tokens::rms() const {
  constexpr std::size_t enough = 65'536;  // they are all drawn alike
  const std::size_t count = std::min(widened_.size(), enough);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += static_cast<double>(widened_[i]) * static_cast<double>(widened_[i]);
  }
  return std::sqrt(sum / static_cast<double>(count));
}

std::vector<float> Tokens::signs(std::size_t tokens) {
  std::vector<float> signs(tokens, 1);
  std::uint64_t state = x_seed;
  for (std::size_t t = 1; t < tokens; ++t) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    if (state >> 63 != 0) signs[t] = -1;
  }
  return signs;
}

std::vector<float> Tokens::folded(std::size_t tokens) const {
  const std::vector<float> sign = signs(tokens);
  std::vector<double> sum(cols_, 0);
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t c = 0; c < cols_; ++c) {
      sum[c] += static_cast<double>(sign[t]) * static_cast<double>(widened_[t * cols_ + c]);
    }
  }
  return {sum.begin(), sum.end()};
}

ExpectedRows::Key ExpectedRows::key_of(const Product& product) const {
  const TensorContent& content = data_[product.piece.tensor];
  const std::size_t rows = weights_.tensors[product.piece.tensor].rows;
  // A whole tensor is known by its base's rows, wherever they begin.
  const bool whole = product.piece.rows == rows;
  const std::size_t first = whole ? 0 : (product.piece.first_row + content.rotated_rows) % rows;
  return {content.base, first, product.piece.rows, product.tokens};
}

void ExpectedRows::add(const Product& product, const Tokens& tokens, HostWorkers& workers) {
  const Key key = key_of(product);
  if (known_.count(key) != 0) return;
  const auto& [base, first_row, rows, count] = key;
  const WeightTensor& tensor = weights_.tensors[base];
  const auto bytes =
      data_[base].bytes.subspan(first_row * tensor.row_bytes(), rows * tensor.row_bytes());
  known_.emplace(
      key, reference::gemv(bytes, tensor.dtype, rows, tensor.cols, tokens.folded(count), workers));
}

ExpectedRows::Row ExpectedRows::at(const Product& product, std::size_t row) const {
  const reference::GemvResult& known = known_.at(key_of(product));
  const std::size_t all = weights_.tensors[product.piece.tensor].rows;
  const bool whole = product.piece.rows == all;
  const std::size_t index = whole ? (row + data_[product.piece.tensor].rotated_rows) % all
                                  : row - product.piece.first_row;
  return {known.y[index], known.magnitude[index], known.norm[index]};
}

}  // namespace offload
