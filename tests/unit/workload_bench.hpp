// SPDX-License-Identifier: Apache-2.0
// Workloads on the CPU: bound to weights in plain memory, which tests may spoil.
#pragma once
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "kernels/content.hpp"
#include "kernels/reference/floats.hpp"
#include "offload/host_workers.hpp"
#include "offload/workload.hpp"

namespace offload::testing {

/// The workload of this name, as the catalog has it.
inline std::unique_ptr<Workload> made(std::string_view name) {
  Catalog catalog = make_catalog();
  for (auto& workload : catalog.workloads) {
    if (workload->name() == name) return std::move(workload);
  }
  throw std::invalid_argument("no workload is called " + std::string(name));
}

inline WeightSet one(DType dtype, std::size_t rows, std::size_t cols) {
  return {"one", {{"down_proj", dtype, rows, cols}}};
}

/// A workload bound to weights in plain memory, read piece by piece.
class Bench {
 public:
  /// With `rotated`, all tensors have one shape, and each begins so many rows further into the
  /// content of the first than the one before.
  Bench(const Workload& workload, const WeightSet& weights, std::size_t rotated = 0)
      : weights_(weights) {
    memory_.resize(weights_.tensors.size());
    std::vector<TensorContent> contents;
    for (std::size_t i = 0; i < weights_.tensors.size(); ++i) {
      const WeightTensor& tensor = weights_.tensors[i];
      if (i > 0 && rotated > 0) {
        const std::size_t rows = i * rotated % tensor.rows;
        const auto middle = static_cast<std::ptrdiff_t>(rows * tensor.row_bytes());
        memory_[i] = memory_[0];
        std::rotate(memory_[i].begin(), memory_[i].begin() + middle, memory_[i].end());
        contents.push_back({memory_[i], 0, rows});
        continue;
      }
      memory_[i].resize(tensor.bytes());
      reference::fill_random(memory_[i], tensor.dtype, 7 + i, workers_);
      if (workload.content() == Content::chain) reference::make_chain(memory_[i], 7 + i);
      contents.push_back({memory_[i], i, 0});
    }
    bound_workload_ = workload.bind(weights_, contents, workers_, false);
  }

  BoundWorkload& bound() { return *bound_workload_; }
  std::vector<std::byte>& memory(std::size_t tensor = 0) { return memory_[tensor]; }
  void poison() { bound_workload_->poison(target()); }
  void launch(const Piece& piece, Side side = Side::cpu) { launch_as(piece, piece, side); }
  /// `piece`, but with the bytes of another.
  void launch_as(const Piece& piece, const Piece& other, Side side = Side::cpu) {
    const std::size_t offset = other.first_row * weights_.tensors[other.tensor].row_bytes();
    bound_workload_->launch({piece, memory_[other.tensor].data() + offset, side}, target());
  }
  std::optional<std::string> check() {
    workers_.join();
    return bound_workload_->check(target());
  }
  /// Poison, everything that is to be read, check.
  std::optional<std::string> pass() {
    poison();
    for (const Piece& piece : bound_workload_->pieces()) launch(piece);
    return check();
  }

 private:
  LaunchTarget target() { return {nullptr, workers_}; }

  WeightSet weights_;
  HostWorkers workers_{3};
  std::vector<std::vector<std::byte>> memory_;
  std::unique_ptr<BoundWorkload> bound_workload_;
};

/// Zero in the place of the weight of `row` whose product with `x` is the greatest: the smallest
/// thing a kernel could miss, but not negligible by bad luck of the draw.
inline void lose_one_product(Bench& bench, const WeightTensor& tensor, std::size_t row,
                             const std::vector<float>& x) {
  const auto at = [&](std::size_t col) {
    return bench.memory().data() + (row * tensor.cols + col) * bytes_of(tensor.dtype);
  };
  const auto product = [&](std::size_t col) {
    return std::abs(reference::to_float(tensor.dtype, at(col)) * x[col]);
  };
  std::size_t greatest = 0;
  for (std::size_t col = 0; col < tensor.cols; ++col) {
    if (product(col) > product(greatest)) greatest = col;
  }
  reference::from_float(tensor.dtype, 0, at(greatest));
}

inline constexpr std::nullopt_t right = std::nullopt;

}  // namespace offload::testing
