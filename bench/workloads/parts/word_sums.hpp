// SPDX-License-Identifier: Apache-2.0
// Reads that are checked by the sum of their words: one sum per tensor, to which GPU and CPU add
// what they read of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/workloads/parts/device_output.hpp"
#include "offload/workload.hpp"

namespace offload {

class WordSums {
 public:
  WordSums(const WeightSet& weights, bool gpu);

  void poison(StreamHandle stream);
  /// Reads all of the piece, on the side where its view is.
  void read(const PieceView& view, const LaunchTarget& target);
  std::uint64_t* host(std::size_t tensor) { return &host_[tensor]; }
  std::uint64_t* device(std::size_t tensor) const { return device_.device(tensor); }
  /// What is wrong with the sums since poison(); nullopt when they are as expected.
  std::optional<std::string> check(std::span<const std::uint64_t> expected,
                                   StreamHandle stream) const;

 private:
  std::vector<WeightTensor> tensors_;
  std::vector<std::uint64_t> host_;
  DeviceOutput<std::uint64_t> device_;
};

/// The plain read of `pieces`, each of which begins at a multiple of 4 bytes: for workloads that
/// read instead of computing.
std::unique_ptr<BoundWorkload> bind_stream_read(const WeightSet& weights,
                                                std::span<const TensorContent> data,
                                                std::vector<Piece> pieces, HostWorkers& workers,
                                                bool gpu);

}  // namespace offload
