// SPDX-License-Identifier: Apache-2.0
#include "offload/rates.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace offload {
namespace {

bool same_weight(const ProductShape& one, const ProductShape& other) {
  return one.dtype == other.dtype && one.rows == other.rows && one.cols == other.cols;
}

/// Of the weights that were measured, the one most alike in size; nullptr where none of the type
/// was.
const ProductShape* most_alike(std::span<const ProductTime> known, const ProductShape& shape,
                               Rereads rereads) {
  const ProductShape* best = nullptr;
  const auto apart = [&](const ProductShape& other) {
    return same_weight(shape, other) ? -1 : std::abs(std::log(other.bytes() / shape.bytes()));
  };
  for (const ProductTime& time : known) {
    if (time.rereads != rereads || time.shape.dtype != shape.dtype) continue;
    if (best == nullptr || apart(time.shape) < apart(*best)) best = &time.shape;
  }
  return best;
}

double log_share(double value, double from, double to) {
  return std::log(value / from) / std::log(to / from);
}

/// Between two times of one weight: on a line over logarithms, as both a rate of reading and one of
/// computing are.
double seconds_between(const ProductTime& fewer, const ProductTime& more, std::size_t tokens) {
  const double share =
      log_share(static_cast<double>(tokens), static_cast<double>(fewer.shape.tokens),
                static_cast<double>(more.shape.tokens));
  return fewer.seconds * std::pow(more.seconds / fewer.seconds, share);
}

/// Fewer tokens than were measured take as long, for the weight is read all the same; more take as
/// much longer as they are more.
ProductTime of_weight(std::span<const ProductTime> known, const ProductShape& weight,
                      std::size_t tokens, Rereads rereads) {
  const ProductTime* fewer = nullptr;
  const ProductTime* more = nullptr;
  for (const ProductTime& time : known) {
    if (time.rereads != rereads || !same_weight(time.shape, weight)) continue;
    const std::size_t measured = time.shape.tokens;
    if (measured <= tokens && (fewer == nullptr || measured > fewer->shape.tokens)) fewer = &time;
    if (measured >= tokens && (more == nullptr || measured < more->shape.tokens)) more = &time;
  }
  if (fewer == nullptr) return *more;
  ProductTime found = *fewer;
  if (more == nullptr) {
    const double times = static_cast<double>(tokens) / static_cast<double>(fewer->shape.tokens);
    found.seconds *= times;
    found.reads = static_cast<std::size_t>(std::ceil(static_cast<double>(found.reads) * times));
  } else if (more != fewer) {
    found.seconds = seconds_between(*fewer, *more, tokens);
    found.reads = more->reads;
  }
  return found;
}

std::optional<ProductTime> product(std::span<const ProductTime> known, const ProductShape& shape,
                                   Rereads rereads) {
  const ProductShape* const weight = most_alike(known, shape, rereads);
  if (weight == nullptr) return std::nullopt;
  ProductTime found = of_weight(known, *weight, shape.tokens, rereads);
  found.seconds *= shape.bytes() / weight->bytes();
  found.shape = shape;
  return found;
}

}  // namespace

std::optional<ProductTime> gpu_product(const Rates& rates, const ProductShape& shape,
                                       Rereads rereads) {
  return product(rates.products, shape, rereads);
}

std::optional<ProductTime> cpu_product(const Rates& rates, const ProductShape& shape) {
  return product(rates.host_products, shape, Rereads::as_engines_do);
}

}  // namespace offload
