// SPDX-License-Identifier: Apache-2.0
#include "offload/rates.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace offload {
namespace {

/// Of the weights that were measured, the one most alike in size; nullptr where none of the type
/// was.
const ProductShape* most_alike(std::span<const ProductTime> known, const ProductShape& shape,
                               Rereads rereads) {
  const ProductShape* best = nullptr;
  const auto apart = [&](const ProductShape& other) {
    return shape.same_weight(other) ? -1 : std::abs(std::log(other.bytes() / shape.bytes()));
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
/// much longer as they are more, once arithmetic is what takes long. nullopt where no product of
/// the weight was measured, or only of far fewer tokens.
std::optional<ProductTime> of_weight(std::span<const ProductTime> known, const ProductShape& weight,
                                     std::size_t tokens, Rereads rereads) {
  const ProductTime* fewer = nullptr;
  const ProductTime* more = nullptr;
  for (const ProductTime& time : known) {
    if (time.rereads != rereads || !time.shape.same_weight(weight)) continue;
    const std::size_t measured = time.shape.tokens;
    if (measured <= tokens && (fewer == nullptr || measured > fewer->shape.tokens)) fewer = &time;
    if (measured >= tokens && (more == nullptr || measured < more->shape.tokens)) more = &time;
  }
  if (fewer == nullptr) return more == nullptr ? std::nullopt : std::optional(*more);
  ProductTime found = *fewer;
  constexpr std::size_t computing = 256;
  constexpr std::size_t near = 2;
  if (more == nullptr) {
    const bool far = tokens > near * fewer->shape.tokens;
    if (far && fewer->shape.tokens < computing) return std::nullopt;
    const double times = static_cast<double>(tokens) / static_cast<double>(fewer->shape.tokens);
    found.seconds *= times;
    found.reads = static_cast<std::size_t>(std::ceil(static_cast<double>(found.reads) * times));
  } else if (more != fewer) {
    found.seconds = seconds_between(*fewer, *more, tokens);
    found.reads = more->reads;
    found.slowdown = more->slowdown;
  }
  return found;
}

std::optional<ProductTime> product(std::span<const ProductTime> known, const ProductShape& shape,
                                   Rereads rereads) {
  const ProductShape* const weight = most_alike(known, shape, rereads);
  if (weight == nullptr) return std::nullopt;
  auto found = of_weight(known, *weight, shape.tokens, rereads);
  if (!found) return std::nullopt;
  found->seconds *= shape.bytes() / weight->bytes();
  found->shape = shape;
  return found;
}

std::optional<std::size_t> reads_known(const Rates& rates, const ProductShape& shape,
                                       Rereads rereads) {
  for (const WeightReads& reads : rates.product_reads) {
    if (reads.rereads != rereads || !reads.of(shape)) continue;
    const auto found = reads.by_tokens.find(shape.tokens);
    if (found != reads.by_tokens.end()) return found->second;
  }
  return std::nullopt;
}

bool multiplied(DType dtype) {
  return dtype == DType::bf16 || dtype == DType::fp16 || dtype == DType::fp8_e4m3;
}

/// Nothing overlaps better than all of the reading with all of the computing.
std::optional<double> read_or_compute(const ProductShape& shape, double read,
                                      std::optional<double> flops) {
  if (!multiplied(shape.dtype) || read <= 0) return std::nullopt;
  const double reading = shape.bytes() / read;
  if (shape.tokens == 1) return reading;
  if (!flops || *flops <= 0) return std::nullopt;
  const double operations = 2 * static_cast<double>(shape.rows) * static_cast<double>(shape.cols) *
                            static_cast<double>(shape.tokens);
  return std::max(reading, operations / *flops);
}

/// What cuBLASLt's first algorithm, and the one that reads least often, showed on an H200 by what
/// crossed the link.
std::size_t reads_of(std::size_t tokens, Rereads rereads) {
  if (rereads == Rereads::none) return 1;
  const std::size_t block = rereads == Rereads::as_engines_do ? 256 : 1024;
  return (tokens + block - 1) / block;
}

}  // namespace

std::optional<MemoryRoof> memory_roof(const Platform& platform, const Rates& rates) {
  if (!one_memory(platform)) return std::nullopt;
  MemoryRoof roof;
  for (const MemoryRoof& read :
       {MemoryRoof{rates.device_read.value_or(0), "the GPU from memory of cudaMalloc"},
        MemoryRoof{rates.sm_read_pinned.value_or(0), "the GPU from pinned memory"},
        MemoryRoof{rates.host_read, "all CPU threads"}}) {
    if (read.bytes_per_second > roof.bytes_per_second) roof = read;
  }
  return roof.bytes_per_second > 0 ? std::optional(roof) : std::nullopt;
}

std::optional<double> memory_rate(const Platform& platform, const Rates& rates) {
  const auto roof = memory_roof(platform, rates);
  return roof ? std::optional(roof->bytes_per_second) : std::nullopt;
}

std::optional<ProductTime> gpu_product(const Rates& rates, const ProductShape& shape,
                                       Rereads rereads) {
  if (auto measured = product(rates.products, shape, rereads)) {
    if (const auto reads = reads_known(rates, shape, rereads)) measured->reads = *reads;
    return measured;
  }
  const auto twice = rates.flops ? std::optional(2 * *rates.flops) : std::nullopt;
  const auto flops = shape.dtype != DType::fp8_e4m3 ? rates.flops
                     : rates.flops_fp8              ? rates.flops_fp8
                                                    : twice;
  const auto seconds = read_or_compute(shape, rates.device_read.value_or(0), flops);
  if (!seconds || !rates.launch) return std::nullopt;
  return ProductTime{shape, rereads, *seconds + *rates.launch, reads_of(shape.tokens, rereads)};
}

std::optional<ProductTime> cpu_product(const Rates& rates, const ProductShape& shape) {
  if (const auto measured = product(rates.host_products, shape, Rereads::as_engines_do)) {
    return measured;
  }
  const auto seconds = read_or_compute(shape, rates.host_read, rates.host_flops);
  if (!seconds) return std::nullopt;
  return ProductTime{shape, Rereads::as_engines_do, *seconds};
}

Rates with_share_of_host(const Rates& rates, std::size_t gpus) {
  if (gpus <= 1) return rates;
  const double parts = static_cast<double>(gpus);
  Rates share = rates;
  share.host_read /= parts;
  for (auto& [threads, rate] : share.host_read_by_threads) rate = std::min(rate, share.host_read);
  for (std::optional<double>* rate :
       {&share.host_read_beside_copy, &share.host_read_of_gpu_memory, &share.host_flops}) {
    if (*rate) **rate /= parts;
  }
  for (ProductTime& product : share.host_products) product.seconds *= parts;
  return share;
}

}  // namespace offload
