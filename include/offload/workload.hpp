// SPDX-License-Identifier: Apache-2.0
// A workload says who reads the weights: a kernel with its byte count, its launch and its check.
// It knows no policy.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "offload/policy.hpp"
#include "offload/stream.hpp"
#include "offload/support.hpp"
#include "offload/weights.hpp"

namespace offload {

class HostWorkers;

/// What the bytes of the weights must be for a workload.
enum class Content : std::uint8_t {
  random_weights,  // finite values of the dtype, neither zero nor repeating
  chain,           // a pointer chain through every node of the tensor, random elsewhere
};

/// Where launches go: GPU views onto the stream, CPU views onto the workers, both asynchronously.
struct Lanes {
  StreamHandle stream = nullptr;
  HostWorkers& workers;
};

/// Bytes of one pass. requested: what the algorithm asks for; touched: the whole memory
/// transactions (32-byte sectors) that serve it. Moved bytes are evidence, not declared here.
struct PassBytes {
  std::size_t requested = 0;
  std::size_t touched = 0;
};

/// A workload bound to a weight set: owns its inputs, outputs and the CPU reference's result.
class Reading {
 public:
  virtual ~Reading() = default;

  virtual PassBytes bytes() const = 0;
  /// Dependent steps of a pass, for workloads whose figure is time per step; 0 otherwise.
  virtual std::size_t steps() const { return 0; }

  /// Overwrite every output with a pattern no correct result holds. Untimed; complete on return.
  virtual void poison(const Lanes& lanes) = 0;
  virtual void launch(const PieceView& view, const Lanes& lanes) = 0;
  /// Compare the outputs of one whole pass, already complete, with the CPU reference:
  /// nullopt when right, else where and by how much it is wrong.
  virtual std::optional<std::string> check(const Lanes& lanes) = 0;
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;
  virtual Content content() const = 0;
  /// Whether it can read every tensor of the set, or why not (dtype, size).
  virtual Support reads(const WeightSet& weights) const = 0;
  /// `data` holds the tensors' bytes (one span each) in the content this workload asks for.
  /// `gpu` says whether to prepare device-side inputs and outputs.
  virtual std::unique_ptr<Reading> bind(const WeightSet& weights,
                                        std::span<const std::span<const std::byte>> data,
                                        HostWorkers& workers, bool gpu) const = 0;
};

}  // namespace offload
