// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/content.hpp"

#include <algorithm>
#include <stdexcept>

#include "bench/core/open_weight_file.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/policies/parts/packed.hpp"
#include "kernels/content.hpp"

namespace offload {
namespace {

/// The tensors of one shape, by index. What a file holds is like nothing else.
using Alike = std::vector<std::size_t>;

bool are_alike(const WeightTensor& a, const WeightTensor& b) {
  return a.stored.empty() && b.stored.empty() && a.same_shape(b);
}

std::vector<Alike> by_shape(const WeightSet& weights) {
  std::vector<Alike> groups;
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const Alike& alike) {
      return are_alike(weights.tensors[alike.front()], weights.tensors[i]);
    });
    if (group == groups.end()) {
      groups.push_back({i});
    } else {
      group->push_back(i);
    }
  }
  return groups;
}

/// Rotated contents begin anywhere in the first of two copies, one after the other.
std::size_t shared_bytes(const WeightTensor& tensor, std::size_t alike) {
  return alike == 1 ? tensor.bytes() : 2 * tensor.bytes();
}

/// Whole experts, so that an expert's rows stay together.
std::size_t rotation_step(const WeightTensor& tensor, std::size_t alike) {
  const std::size_t unit = tensor.experts == 0 ? 1 : tensor.rows / tensor.experts;
  return std::max(tensor.rows / unit / alike, std::size_t{1}) * unit;
}

void read_stored(const WeightTensor& tensor, std::span<std::byte> out) {
  for (const StoredRows& part : tensor.stored) {
    const OpenWeightFile file(part.file);
    const std::size_t bytes = part.rows * tensor.row_bytes();
    file.read(part.offset, out.first(bytes));
    if (const auto changed = file.change()) throw std::runtime_error(*changed);
    out = out.subspan(bytes);
  }
}

void fill(std::span<std::byte> out, const WeightTensor& tensor, Content content, std::uint64_t seed,
          HostWorkers& workers) {
  if (!tensor.stored.empty()) return read_stored(tensor, out);
  reference::fill_random(out, tensor.dtype, seed, workers);
  if (content == Content::chain) reference::make_chain(out, seed);
}

}  // namespace

std::size_t master_copy_bytes(const WeightSet& weights) {
  std::size_t bytes = 0;
  for (const Alike& alike : by_shape(weights)) {
    bytes += shared_bytes(weights.tensors[alike.front()], alike.size());
  }
  return bytes;
}

MasterCopy::MasterCopy(const WeightSet& weights, Content content, std::uint64_t seed,
                       Session& session)
    : content_(content), tensors_(weights.tensors.size()) {
  for (const Alike& alike : by_shape(weights)) {
    const std::size_t base = alike.front();
    const WeightTensor& tensor = weights.tensors[base];
    auto& loan = loans_.emplace_back(
        session.host_buffers().borrow(HostMemory::pageable, shared_bytes(tensor, alike.size())));
    const std::span<std::byte> bytes{loan.data(), tensor.bytes()};
    fill(bytes, tensor, content, seed + base, session.workers());
    if (alike.size() > 1) copy_by_workers(loan.data() + bytes.size(), bytes, session.workers());
    const std::size_t step = rotation_step(tensor, alike.size());
    for (std::size_t i = 0; i < alike.size(); ++i) {
      // A chain's links are offsets: it cannot be rotated.
      const std::size_t rows = content == Content::chain ? 0 : i * step % tensor.rows;
      tensors_[alike[i]] = {{loan.data() + rows * tensor.row_bytes(), tensor.bytes()}, base, rows};
    }
  }
}

BoundWorkload& WeightContents::bind(const Workload& workload, const WeightSet& weights) {
  const double allocated_before = session_.host_buffers().allocation_seconds();
  BoundWorkload* bound = nullptr;
  {
    const ScopedTimer timer(wall_.content);
    const Content content = workload.content();
    const auto [master, is_new] = masters_.try_emplace(content, weights, content, seed_, session_);
    if (is_new) bytes_ += master_copy_bytes(weights);
    std::unique_ptr<BoundWorkload>& slot = workloads_[&workload];
    if (!slot) {
      slot = workload.bind(weights, master->second.tensors(), session_.workers(), session_.gpu());
    }
    bound = slot.get();
  }
  // What went into allocating the master copy is allocation, not content.
  const double allocated = session_.host_buffers().allocation_seconds() - allocated_before;
  wall_.content -= allocated;
  wall_.allocation += allocated;
  return *bound;
}

void WeightContents::clear() noexcept {
  workloads_.clear();
  masters_.clear();
  bytes_ = 0;
  session_.host_buffers().trim();
}

}  // namespace offload
