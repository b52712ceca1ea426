// SPDX-License-Identifier: Apache-2.0
// A policy says where weights live and how the GPU gets them; it knows no kernel.
// A placement is the result of applying one to tensors, and gives everything back when destroyed.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "offload/platform.hpp"
#include "offload/prediction.hpp"
#include "offload/rates.hpp"
#include "offload/start.hpp"
#include "offload/stream.hpp"
#include "offload/support.hpp"
#include "offload/weights.hpp"

namespace offload {

class HostBuffers;
class HostWorkers;

/// Who can read the bytes of a view, and so who computes on them.
enum class Side : std::uint8_t { gpu, cpu };

/// A piece made readable: `data` is its first byte, valid from acquire to release.
struct PieceView {
  Piece piece;
  const std::byte* data = nullptr;
  Side side = Side::gpu;
  /// Whether `data` is a copy in a slot that other bytes had before: addresses into it were made
  /// for others, and end with release().
  bool in_slot = false;
  Rereads rereads = Rereads::as_engines_do;
};

/// What the weight bytes cross in a pass; it bounds the rate a correct result can have.
enum class Path : std::uint8_t {
  device_memory,
  link,
  host_memory,  // read by the CPU
  one_memory,   // read by the GPU out of the memory that it shares with the CPU
  peer,         // out of the memory of another GPU, over NVLink or PCIe
};
constexpr std::string_view name(Path path) {
  if (path == Path::device_memory) return "device_memory";
  if (path == Path::link) return "link";
  if (path == Path::peer) return "peer";
  return path == Path::host_memory ? "host_memory" : "one_memory";
}

/// Memory a placement really took, in bytes, by kind.
struct Footprint {
  std::size_t device = 0;
  std::size_t pinned = 0;
  std::size_t managed = 0;
  std::size_t pageable = 0;
  std::size_t peer = 0;  // device memory of another GPU
};

/// One pass of a placement.
struct PassPlan {
  std::vector<Piece> pieces;  // in the order of acquiring; together what was asked for
  /// Bytes copied to the GPU, where that is decided by the policy and not by what kernels read.
  std::optional<std::size_t> copied = std::nullopt;
  std::size_t on_cpu = 0;  // bytes of the pieces left to the CPU
};

class Placement {
 public:
  virtual ~Placement() = default;
  Placement() = default;
  Placement(const Placement&) = delete;
  Placement& operator=(const Placement&) = delete;

  /// Copy `content` (exactly the tensor's bytes) into tensor `index`. Untimed. Returns when done.
  virtual void fill(std::size_t index, std::span<const std::byte> content) = 0;
  /// Copy tensor `index` back out, for checks that reading left the data intact. Untimed.
  virtual void read_back(std::size_t index, std::span<std::byte> out) = 0;
  /// How a pass that reads `read` proceeds: the current plan until the next one is made. Ends what
  /// was under way for other pieces. `cpu_can` says whether the CPU may compute on some.
  const PassPlan& plan(std::span<const Piece> read, bool cpu_can);
  /// Whether the plan is a candidate among others: then it is tried in an untimed pass, and
  /// retune() gives the next one, or the best of all. Default: nothing to tune.
  virtual bool tuning() const { return false; }
  const PassPlan& retune(double pass_seconds);
  /// plan() for a further pass of the same case, which reads other pieces: what was tuned stays.
  const PassPlan& replan(std::span<const Piece> read, bool cpu_can);
  /// Bring the weights to `start`; untimed, and complete on return. A no-op unless start is cold.
  virtual void reset(Start start, StreamHandle stream) = 0;

  /// Make piece `index` of the current plan readable by kernels enqueued on `stream` after this
  /// call. A pass acquires and releases its pieces one after the other, in order.
  virtual PieceView acquire(std::size_t index, StreamHandle stream) = 0;
  /// The kernels reading piece `index` have been enqueued on `stream`.
  virtual void release(std::size_t index, StreamHandle stream) = 0;
  /// The pass is enqueued: whatever it still has under way elsewhere joins `stream`. Default: none.
  virtual void finish(StreamHandle stream);
  /// Whether a pass of the current plan may follow another without finish() between them, and then
  /// finds under way what the other began for it: as engines do that run eagerly. Default: no.
  virtual bool runs_on() const { return false; }
  /// Before the first of passes that run on: what is in place for it, and would be a head start
  /// that no later pass has, is brought again from now on, in the order of `stream`. Default:
  /// nothing is.
  virtual void drop_head_start(StreamHandle stream);

  /// What befell the weights from outside, so that results are not to be trusted: a file that
  /// somebody changed. nullopt while nothing did. Default: nothing can.
  virtual std::optional<std::string> fault() const { return std::nullopt; }

  virtual Footprint footprint() const = 0;
  /// Where the offloaded weights lie in memory that the CPU can address. Default: nowhere.
  virtual std::vector<std::span<const std::byte>> host_ranges() const { return {}; }

 protected:
  explicit Placement(std::span<const WeightTensor> tensors);
  std::span<const WeightTensor> tensors() const { return tensors_; }
  /// Piece `index` of the current plan.
  const Piece& planned(std::size_t index) const { return plan_.pieces[index]; }

 private:
  /// What plan() gives; a policy may split pieces and look ahead in them. Default: the pieces as
  /// they are.
  virtual PassPlan plan_pass(std::span<const Piece> read, bool cpu_can);
  /// What replan() gives. Default: plan_pass().
  virtual PassPlan replan_pass(std::span<const Piece> read, bool cpu_can);
  /// What retune() gives, while tuning().
  virtual PassPlan retune_pass(double pass_seconds);

  std::vector<WeightTensor> tensors_;
  PassPlan plan_;
};

/// What a policy can be given; what is not given it chooses by the calibration.
struct Tuning {
  std::size_t prefetch_step = 1;           // layers that a prefetch runs ahead
  std::optional<std::size_t> panel_bytes;  // of one slot of a ring, one unit of a window
  std::size_t slots = 3;                   // of a ring
  std::optional<double> host_share;        // of each tensor's rows, computed by the CPU
  std::string file_directory;              // of files of weights; "": as TMPDIR says, or /tmp
};

/// What place() may use: the machine, host buffers that outlive placements, and threads to fill
/// memory with. The buffers and the workers must outlive the placement.
struct PlaceContext {
  const Platform& platform;
  HostBuffers& host_buffers;
  HostWorkers& workers;
  Tuning tuning = {};
  Rates rates = {};
};

/// Memory a policy needs for weights, known before anything is allocated.
using Requirement = Footprint;

/// What policies are grouped by, and the order of the groups in lists.
enum class Family : std::uint8_t {
  resident,
  zero_copy,
  copy,
  managed,
  system,
  cpu,
  hybrid,
  file,
  peer,
};

inline constexpr std::array<std::string_view, 9> family_names{
    "resident", "zero-copy", "copy", "managed", "system", "cpu", "hybrid", "file", "peer"};

constexpr std::string_view name(Family family) {
  return family_names[static_cast<std::size_t>(family)];
}

inline constexpr std::array steady_only{Start::steady};
inline constexpr std::array cold_and_warm{Start::cold, Start::warm};
inline constexpr std::array warm_only{Start::warm};  // where the GPU has what was put in place

/// What the weight bytes cross in a pass, by where it starts.
struct Paths {
  Path cold_or_steady = Path::link;
  Path warm = Path::link;
};

/// A feature of the GPU and its driver that a policy cannot do without.
struct Need {
  bool MemoryModel::*feature;
  std::string_view words;  // completes "needs ..." for the user
};

/// Yes if there is a GPU with all of these.
Support gpu_offers(const Platform& platform, std::span<const Need> needs);

using PlaceFunction = std::unique_ptr<Placement> (*)(std::span<const WeightTensor> tensors,
                                                     const PlaceContext& context);

/// When it was last looked up which engine has what (docs/engines.md).
inline constexpr std::string_view engines_as_of = "2026-11";

/// Those whose flags rows name.
inline constexpr std::array<std::string_view, 3> engines{"vLLM", "SGLang", "llama.cpp"};

/// A policy is a row: what it is, what it asks for, and two functions. Rows are constants, found by
/// the build in the files of bench/policies/.
struct Policy {
  std::string_view name;       // lower case; the prefix of no other policy's
  std::string_view memory;     // the allocator, e.g. "cudaHostAlloc mapped"
  std::string_view mechanism;  // how the GPU gets it, one short clause
  /// The engine flags that select this behaviour, or "" when no engine has it; alternatives are set
  /// apart by "; ". X (GiB offloaded), G, N and S (groups, layers ahead) after an engine's own
  /// option become the figures of a model that is measured (bench/measure/engine_flags.hpp).
  std::string_view engine_flags = {};
  /// Without flags: the engine that comes nearest, and what differs; see engines_as_of.
  std::string_view nearest_engine = {};
  Family family;
  /// Whether the weights lie in memory from malloc: its pages can be had huge (HostPages).
  bool from_malloc = false;
  /// Whether every pass, not only a cold one, moves the pages it reads to the GPU: none stays there
  /// but what a window holds.
  bool migrates_every_pass = false;
  Rereads rereads = Rereads::as_engines_do;  // what its views ask for
  /// Whether kernels see weights where the files of a model hold them, wherever that is.
  bool reads_files_in_place = false;
  bool needs_peer = false;  // a GPU whose memory this one reaches

  /// {steady}, {cold, warm} or {warm}.
  std::span<const Start> starts = steady_only;
  std::span<const Need> needs = {};  // of the GPU, where it needs one
  Paths paths = {};                  // where GPU and CPU have a memory each
  /// The same where the GPU uses the host's page tables (ATS), if that makes a difference.
  std::optional<Paths> paths_on_host_page_tables = std::nullopt;

  bool needs_gpu = true;
  /// Whether the driver handles the pages of the weights while the GPU reads: faults, maps or
  /// migrates them, as it does with managed and system memory.
  bool driver_handles_pages = false;
  /// Whether kernels see tensors in parts.
  bool divides_tensors = false;
  /// Why a pass cannot be captured in a CUDA graph; "" when it can.
  std::string_view not_capturable_because = {};

  /// Whether this machine can place `weights` and bring them to `start`, where that takes more than
  /// memory and what the row needs; nullptr: nothing more.
  Support (*can_start)(const WeightSet& weights, const Tuning& tuning, Start start) = nullptr;
  /// For weights none of which is resident.
  Requirement (*requirement)(const WeightSet& weights, const Tuning& tuning);
  PlaceFunction place;
  /// What a pass of it should take.
  PredictFunction predict;
  /// The rate that a plain read has from cold, or steady, beyond what it takes in GPU memory:
  /// calibrated for predictions of its own and of rows alike. nullptr: the calibration has all that
  /// it takes.
  std::optional<double> Rates::*calibrates = nullptr;
  /// What each tensor takes beyond its bytes' time by that rate; nullptr: not told apart.
  std::optional<double> Rates::*calibrates_start = nullptr;
  /// Likewise each run of neighbouring rows, where a pass reads some rows here and some there.
  std::optional<double> Rates::*calibrates_run_start = nullptr;

  /// Whether `platform` has what it needs.
  Support support(const Platform& platform) const;
  /// What can_start says.
  Support reaches(Start start, const WeightSet& weights, const Tuning& tuning) const;
  Path path(Start start, const Platform& platform) const;
  /// Whether the weights are in memory of the GPU before every pass.
  bool keeps_on_gpu() const { return paths.cold_or_steady == Path::device_memory; }
  Support capturable() const;
};

/// Whether pages that the policy leaves in host memory may nevertheless move to the GPU while it
/// reads them: where access counters are at work, only where they are found tells.
bool pages_may_move(const Policy& policy, const Platform& platform);

/// A policy whose cold pass crosses the link and whose warm pass does not has moved its pages.
inline bool migrates(const Policy& policy, const Platform& platform) {
  return policy.path(Start::cold, platform) == Path::link &&
         policy.path(Start::warm, platform) == Path::device_memory;
}

}  // namespace offload
