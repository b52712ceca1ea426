// SPDX-License-Identifier: Apache-2.0
#include "bench/workloads/parts/pass_work.hpp"

#include <algorithm>

namespace offload {
namespace {

std::optional<double> read_seconds(std::size_t bytes, std::optional<double> rate,
                                   std::optional<double> start) {
  if (!rate || *rate <= 0 || !start) return std::nullopt;
  return *start + static_cast<double>(bytes) / *rate;
}

std::optional<double> chase_seconds(std::size_t steps, std::optional<double> latency) {
  if (!latency) return std::nullopt;
  return static_cast<double>(steps) * *latency;
}

}  // namespace

WorkItem read_item(const Piece& piece, std::size_t bytes, const Rates& rates) {
  WorkItem item{piece, bytes};
  item.on_gpu = item.on_gpu_sustained = read_seconds(bytes, rates.device_read, rates.launch);
  item.over_link.fill(read_seconds(bytes, rates.sm_read_pinned, rates.launch));
  item.on_cpu = read_seconds(bytes, rates.host_read, rates.host_start.value_or(0));
  return item;
}

WorkItem chase_item(const Piece& piece, std::size_t bytes, std::size_t steps, const Rates& rates) {
  WorkItem item{piece, bytes};
  item.on_gpu = item.on_gpu_sustained = chase_seconds(steps, rates.device_latency);
  item.over_link.fill(chase_seconds(steps, rates.link_latency));
  return item;
}

WorkItem product_item(const Product& product, const WeightTensor& tensor, const Rates& rates) {
  const std::size_t bytes = product.piece.rows * tensor.row_bytes();
  const ProductShape shape{tensor.dtype, product.piece.rows, tensor.cols, product.tokens};
  WorkItem item{product.piece, bytes};
  for (const Rereads rereads :
       {Rereads::as_engines_do, Rereads::fewest_by_library, Rereads::none}) {
    // One token reads a weight once, by a kernel of its own.
    const auto time =
        gpu_product(rates, shape, shape.tokens == 1 ? Rereads::as_engines_do : rereads);
    if (!time) continue;
    if (rereads == Rereads::as_engines_do) {
      item.on_gpu = time->seconds;
      item.on_gpu_sustained = time->seconds * time->slowdown;
    }
    const auto read = read_seconds(bytes * time->reads, rates.sm_read_pinned, rates.launch);
    if (read) item.over_link[static_cast<std::size_t>(rereads)] = std::max(*read, time->seconds);
  }
  if (const auto time = cpu_product(rates, shape)) item.on_cpu = time->seconds;
  return item;
}

}  // namespace offload
