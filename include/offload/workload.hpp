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
#include "offload/prediction.hpp"
#include "offload/rounding.hpp"
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

/// Notified by workloads whose passes have two parts: first setting up what the kernels need, then
/// reading. At most once a pass, when all that belongs to the first part is enqueued.
class SetupClock {
 public:
  virtual void set_up(StreamHandle stream) = 0;

 protected:
  ~SetupClock() = default;
};

/// Where launches go: GPU views onto the stream, CPU views onto the workers, both asynchronously.
struct LaunchTarget {
  StreamHandle stream = nullptr;
  HostWorkers& workers;
  SetupClock* clock = nullptr;  // of a pass that is timed
};

/// The smallest unit in which GPU memory is read.
inline constexpr std::size_t sector = 32;

/// `bytes` from the start of a sector, in whole sectors.
constexpr std::size_t sector_bytes(std::size_t bytes) { return round_up(bytes, sector); }

/// Bytes of one pass. requested: what the algorithm asks for; touched: the whole memory
/// transactions (sectors) that serve it. Moved bytes are evidence, not declared here.
struct PassBytes {
  std::size_t requested = 0;
  std::size_t touched = 0;
  std::size_t only_read = 0;  // of those requested: by a workload that could not multiply them
};

/// The bytes of one tensor. Tensors of one shape share their content, rotated by whole rows, so
/// that each differs from all others and the reference is computed once.
struct TensorContent {
  std::span<const std::byte> bytes;
  std::size_t base = 0;          // index of the first tensor of this shape
  std::size_t rotated_rows = 0;  // row r holds the base's row (r + rotated_rows) % rows
};

/// A workload bound to a weight set: owns its inputs, outputs and the CPU reference's result.
class BoundWorkload {
 public:
  explicit BoundWorkload(const WeightSet& weights);
  virtual ~BoundWorkload() = default;
  BoundWorkload(const BoundWorkload&) = delete;
  BoundWorkload& operator=(const BoundWorkload&) = delete;

  virtual PassBytes bytes() const = 0;
  /// Dependent steps of a pass, for workloads whose figure is time per step; 0 otherwise.
  virtual std::size_t steps() const { return 0; }

  /// What a pass reads, in order. Default: every tensor whole.
  virtual std::vector<Piece> pieces() const;
  /// Of a workload that varies, choose what pass `index` reads: pieces(), launches and check()
  /// follow. The same index, the same choice. Untimed.
  virtual void select_pass(std::size_t /*index*/) {}

  /// Overwrite every output with a pattern no correct result holds; until check(), launches also
  /// keep what the check needs. Untimed; complete on return.
  virtual void poison(const LaunchTarget& target) = 0;
  virtual void launch(const PieceView& view, const LaunchTarget& target) = 0;
  /// How often launch() has the GPU read each byte of `view`, where caches do not help; nullopt
  /// where the kernel's maker does not say. Once it has been launched.
  virtual std::optional<std::size_t> reads(const PieceView& view) const;
  /// Between two tensors of which GPU and CPU compute parts: enqueue on the stream what dependent
  /// layers hand over, the CPU's results to the GPU and the next input to the CPU. Default:
  /// nothing.
  virtual void hand_over(std::size_t /*from*/, std::size_t /*to*/, const LaunchTarget& /*target*/) {
  }
  /// Compare the outputs of one whole pass, already complete, with the CPU reference:
  /// nullopt when right, else where and by how much it is wrong.
  virtual std::optional<std::string> check(const LaunchTarget& target) = 0;

 private:
  std::vector<Piece> whole_;
};

/// The one thing that can be varied of a workload. Labels name it and its value, as Google
/// Benchmark names arguments: "gemm/tokens:512".
struct Parameter {
  enum class Unit : std::uint8_t {
    count,
    bytes,       // a power of two
    hundredths,  // written as a decimal: 50 is "0.5"
  };

  std::string_view name;
  std::size_t min = 0;
  std::size_t max = 0;
  std::size_t value = 0;
  Unit unit = Unit::count;

  bool allows(std::size_t other) const;
  /// What it allows, for people: "1 to 256 tokens".
  std::string range() const;
  /// A value as labels write it, and back; nullopt for what is not a number of this unit.
  std::string text(std::size_t other) const;
  std::optional<std::size_t> parse(std::string_view text) const;
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;
  virtual Content content() const = 0;
  /// Tokens multiplied at once; 0 for workloads that know none.
  virtual std::size_t tokens() const { return 0; }
  /// What can be varied of it, and the value it has; nullopt where nothing can.
  virtual std::optional<Parameter> parameter() const { return std::nullopt; }
  /// The same workload for another value that its parameter allows.
  virtual std::unique_ptr<Workload> with_parameter(std::size_t value) const;
  /// Whether it walks a whole model rather than one tensor.
  virtual bool walks_model() const { return false; }
  /// Whether the CPU can compute it, or parts of it.
  virtual bool runs_on_cpu() const { return true; }
  /// Whether it has kernels for views that ask for `rereads`, or why not.
  virtual Support offers(Rereads rereads, const WeightSet& weights, const Platform& platform) const;
  /// Whether it has a GPU kernel. Without one, only what lies where the CPU computes is read.
  virtual bool runs_on_gpu() const { return true; }
  /// Whether a launch must see a tensor whole.
  virtual bool needs_whole_tensors() const { return false; }
  /// What the address of a tensor must be a multiple of, for its kernels. Memory that is allocated
  /// always is; a file may hold tensors anywhere.
  virtual std::size_t alignment(const WeightTensor& /*tensor*/) const { return 4; }
  /// Whether passes read different pieces, each as many bytes (BoundWorkload::select_pass). Such a
  /// workload has no warm start: what it reads next may never have been read.
  virtual bool varies() const { return false; }
  /// About `bytes` of `weights` that a pass reads as it reads all of them: the same share, spread
  /// alike. nullopt where no part stands for them.
  virtual std::optional<WeightSet> part(const WeightSet& weights, std::size_t bytes) const;
  /// First part of the benchmark name: "gemv", or "gemm/tokens:512" with a parameter.
  std::string label() const;
  /// Whether it can read every tensor of the set, or why not (dtype, size).
  virtual Support reads(const WeightSet& weights) const = 0;
  /// A pass by the rates of a machine; nullopt for a workload nothing is predicted of.
  virtual std::optional<PassWork> work(const WeightSet& weights, const Rates& rates) const;
  /// The products that a pass computes, each once: their times are among the rates that it is
  /// predicted by. Default: none.
  virtual std::vector<ProductShape> products(const WeightSet& weights) const;
  /// How often its kernels for `rereads` read each byte of the weight in each of `shapes`, where
  /// caches do not help; nullopt where the kernel's maker does not say. For a GPU that is there.
  virtual std::vector<std::optional<std::size_t>> reads_of(std::span<const ProductShape> shapes,
                                                           Rereads rereads) const;
  /// `data` holds the tensors' bytes in the content this workload asks for.
  /// `gpu` says whether to prepare device-side inputs and outputs.
  virtual std::unique_ptr<BoundWorkload> bind(const WeightSet& weights,
                                              std::span<const TensorContent> data,
                                              HostWorkers& workers, bool gpu) const = 0;
};

/// A label's parts, and back. Without a parameter, all of it is the name.
struct WorkloadLabel {
  std::string_view name;
  std::string_view parameter;
  std::string_view value;
};
WorkloadLabel split_label(std::string_view label);
std::string label_of(std::string_view name, std::string_view parameter, std::string_view value);

}  // namespace offload
