// SPDX-License-Identifier: Apache-2.0
// What a run produces, as plain data: filled by the loop, written by the report.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/core/huge_page.hpp"
#include "bench/evidence.hpp"
#include "bench/options.hpp"
#include "offload/platform.hpp"
#include "offload/policy.hpp"
#include "offload/rates.hpp"
#include "offload/statistics.hpp"
#include "offload/weight_file.hpp"
#include "offload/workload.hpp"

namespace offload {

/// How this binary was built; bench/build_info.cpp.in is configured by CMake.
struct BuildInfo {
  std::string version;
  std::string git_commit;
  bool git_dirty = false;
  std::string build_type;
  std::string compiler;
  std::string cuda_toolkit;        // "" without CUDA
  std::string cuda_architectures;  // ""
  std::string benchmark_library;   // Google Benchmark's version
};
BuildInfo build_info();

/// What the machine can do, measured at the start of the run.
struct Calibration : Rates {
  // PCI Express as negotiated while the copy engine was at work: an idle link lowers its
  // generation.
  std::optional<int> link_generation, link_width;
  std::optional<std::vector<std::string>> throttled;  // what held the clocks down meanwhile
  double seconds = 0;                                 // what the calibration took
};

/// One comparison with a physical limit or a bare library call, both measured in this run.
struct Limit {
  std::string id;           // stable, e.g. "pinned_copy_vs_memcpy/512MiB"
  std::string description;  // what is divided by what
  double ratio = 0;
  double goal = 0;       // the ratio this project holds itself to
  bool at_least = true;  // ratio must be >= goal, else <= goal
  double measured = 0;   // the two rates (bytes/s) or times (s) behind the ratio
  double reference = 0;
  std::string unit;  // "B/s" or "s"

  bool met() const { return at_least ? ratio >= goal : ratio <= goal; }
};

/// What of the machine a pass through a model's weights cannot outrun.
enum class BoundBy : std::uint8_t { link, host_memory, device_memory, compute, one_memory };
constexpr std::string_view name(BoundBy by) {
  if (by == BoundBy::link) return "link";
  if (by == BoundBy::host_memory) return "host_memory";
  if (by == BoundBy::one_memory) return "one_memory";
  return by == BoundBy::device_memory ? "device_memory" : "compute";
}

/// The least time that a pass through all layers can take, whatever the kernels: that of its
/// slowest part, were all parts to overlap.
struct ModelBound {
  BoundBy by = BoundBy::link;
  double seconds = 0;
  std::optional<double> tokens_per_second;  // where the case has them
  std::string from;                         // what the machine was taken to reach, and whence
};

/// What a pass through a slice of a model says of the whole.
struct ModelFigures {
  double scale = 1;    // bytes of the model / bytes measured, of what is offloaded
  double seconds = 0;  // of a pass through all layers
  /// By these kernels, of weights alone: no attention, no KV cache. Only of a state that an engine
  /// can stay in: the first pass from cold is none, nor are weights that have come to the GPU.
  std::optional<double> tokens_per_second;
  std::optional<ModelBound> bound;
  std::optional<double> link_bytes_per_token = 0.0;
  /// 1 - exposed / transfer time; transfer: link bytes by the calibrated copy engine; exposed: what
  /// the pass takes longer than with all weights resident. Needs that case in the same run.
  std::optional<double> overlap;
  Footprint memory;  // of the whole model: device counts slots, resident and migrated weights
  std::size_t pinned_by_powers_of_two = 0;  // what PyTorch's pinned allocator takes instead
};

/// A warm case whose pages still moved from pass to pass: its figures are of no state that lasts.
struct Unsettled {
  std::optional<double> moved_per_read;               // bytes moved to the GPU in a pass
  std::optional<double> on_gpu_before, on_gpu_after;  // of its pages, around the samples
};

/// What one of several GPUs did that ran a case together.
struct Member {
  int gpu = 0;                     // CUDA's number
  std::vector<double> samples;     // seconds per pass
  std::optional<Summary> summary;  // of the samples, when there are any
  std::size_t bytes = 0;           // requested by its own pass
  std::string failure;             // "" = passed

  double rate() const;  // bytes per second of its median pass; 0 without samples
};

/// What it costs to be measured together.
struct Together {
  std::optional<double> alone;  // bytes per second, the sum of the same case on each GPU alone
  std::optional<double> ratio;  // the rate together over that
};

/// What a case and other traffic on its GPU did to each other. Rates are bytes per second; nullopt
/// where one failed.
struct CaseBeside {
  std::string kind;                     // of traffic: "kv_out"
  double pace = 1;                      // share of the time that it would be busy alone
  std::size_t unit_bytes = 0;           // of one copy, or of one read of its cache
  std::optional<double> traffic_alone;  // with nothing else on the GPU
  std::optional<double> traffic;        // while passes of the samples ran
  std::optional<double> alone;          // of the same case without it, in this run
  std::optional<double> ratio;          // the case's rate beside it over that

  std::optional<double> traffic_ratio() const;
};

struct CaseRecord {
  std::string name;
  std::string workload, policy, start;
  std::string label;  // of the workload: "gemm/tokens:512" with a parameter
  WeightSet weights;
  std::string memory, mechanism, engine_flags, nearest_engine;
  std::string family;  // of the policy: what it is drawn and listed with
  Path path = Path::link;
  PassBytes bytes;
  std::size_t steps = 0;
  std::size_t tokens = 0;  // multiplied at once; 0 where the workload knows none
  /// Of weights that cross the link in a pass, those read there again as often as they are; 0 on
  /// other paths, nullopt where a kernel's maker does not say how often it reads.
  std::optional<std::size_t> link_bytes = 0;
  std::size_t cpu_bytes = 0;  // of weights that the CPU computes with in a pass
  bool captured = false;      // each pass was one CUDA graph
  bool migrates = false;      // pages end up in GPU memory
  Footprint footprint;
  std::optional<HugePageUse> huge_pages;  // of host memory that is to be in them
  std::size_t passes_per_sample = 1;
  std::vector<double> samples;     // seconds per pass
  std::optional<Summary> summary;  // of the samples, when there are any
  std::optional<double>
      share_of_link;  // rate / calibrated copy engine H2D rate; only on Path::link
  std::optional<double> share_of_memory;  // rate / memory_roof(); where GPU and CPU share one
  std::optional<ModelFigures> model;      // of weights that are a model's slice
  std::optional<Prediction> predicted;    // seconds per pass; nullopt where a rate is not known
  std::vector<double> setup_samples;      // seconds per pass before reading began, where known
  Evidence evidence;
  std::optional<Unsettled> unsettled;
  std::optional<PassSeries> series;  // with --passes
  /// CUDA's numbers of those that ran it; empty where the run had one GPU at most.
  std::vector<int> gpus;
  /// Where several GPUs ran it at the same time. Then samples are those of the slowest, bytes and
  /// footprint are sums; `model` is of each GPU, but for tokens per second, which all of them give.
  std::vector<Member> members;
  std::optional<Together> together;
  std::optional<CaseBeside> beside;
  std::string failure;    // "" = passed
  bool complete = false;  // every sample was taken

  /// Requested bytes per second of the median pass; 0 without samples.
  double rate() const;
  /// Whether all its weights are in memory of the GPU, and nowhere else, before every pass.
  bool is_resident() const;
  /// Whether pass after pass can be like this one, with the weights where the policy keeps them.
  bool lasts() const;
};

/// A case that was planned and cannot be measured here.
struct SkippedCase {
  std::string name;
  std::string workload, policy, weights, start;
  std::string reason;
};

/// A row of Google Benchmark's, with what its own JSON has of it: one repetition of a case, or one
/// statistic of all.
struct BenchmarkRow {
  std::string case_name;       // as registered; the next two have what the library appends
  std::string name, run_name;  // "<case>/manual_time_median", "<case>/manual_time"
  std::int64_t family_index = 0;
  std::int64_t per_family_instance_index = 0;
  std::int64_t repetitions = 0;
  std::int64_t repetition_index = 0;  // of a repetition
  std::int64_t threads = 1;
  std::string aggregate_name, aggregate_unit;  // of a statistic: "median", "time"
  std::int64_t iterations = 1;
  double real_time = 0, cpu_time = 0;  // in time_unit; of a percentage, a share
  std::string time_unit;
  std::vector<std::pair<std::string, double>> counters;  // "bytes_per_second" among them
  std::string label;
};

/// Where the run's wall time went, in seconds. measured + allocation is what cannot be avoided.
struct WallTime {
  double total = 0;
  double measured = 0;    // inside timed passes, calibration and limits included
  double allocation = 0;  // allocating and pinning
  double content = 0;     // making and copying weights, references
  double reset = 0;       // bringing weights back to cold, flushing caches
  double evidence = 0;    // passes of its own, placing again for the driver's counters included
};

/// By how many bytes memory in use grew; negative where it shrank, nullopt where it cannot be read.
struct MemoryGrowth {
  std::optional<std::int64_t> host;  // of the machine's used memory; other processes move it too
  std::optional<std::int64_t> resident;  // of the process's resident set
  std::optional<std::int64_t> charged;   // of what the control group is charged
  std::optional<std::int64_t> device;    // that the GPU's free memory fell by
};

/// What one allocator really took for the tensors of a model, each allocated by itself.
struct MemoryCost {
  std::string allocator;  // as policies name their memory
  std::string weights;    // the model
  std::size_t tensors = 0;
  std::size_t asked = 0;    // bytes of the tensors
  std::size_t rounded = 0;  // what its granule makes of them: pages, 2 MiB, powers of two
  MemoryGrowth taken;       // every page of every tensor touched
  MemoryGrowth kept;        // all freed again, against the beginning
  double seconds = 0;       // to allocate and touch every page, by one thread
  std::string failure;      // "" = measured
};

/// What it took to get the bytes of a file to where they can be read, and to read them once.
struct LoadingCost {
  std::string way;
  std::string start;            // of the file: "cold", not in the page cache, or "warm"
  std::size_t bytes = 0;        // of the file
  std::size_t held = 0;         // that it takes beside the page cache
  std::vector<double> samples;  // seconds
  std::string failure;          // "" = measured
};

/// One GPU of a run that has several, and what it can do alone, with its share of the host.
struct GpuRun {
  Platform platform;
  Calibration calibration;
  std::size_t cpus = 0;          // that compute for it
  std::optional<int> host_node;  // that its host memory comes from
};

/// How far apart GPUs begin that are to begin together, as the host sees them begin.
struct StartSkew {
  double median = 0;  // seconds from the first to the last
  double most = 0;
  std::size_t samples = 0;
};

/// What all GPUs of a run reach at the same time: bytes of all over the seconds of the slowest.
struct SharedRates {
  StartSkew start;
  std::optional<double> copy_h2d;
  std::optional<double> sm_read_pinned;
  double host_read = 0;
};

struct RunRecord {
  std::vector<std::string> argv;
  std::vector<std::string> effective_benchmark_flags;
  std::vector<std::pair<std::string, std::string>> environment;  // BENCHMARK_*, CUDA_* in force
  std::string started_at;                                        // ISO 8601, UTC
  std::string host_name;
  Options options;
  std::vector<WeightFile> weight_files;  // of models, whose bytes the weights are
  BuildInfo build;
  Platform platform;
  Calibration calibration;
  std::vector<GpuRun> gpus;  // where there are several; platform and calibration are the first's
  std::optional<SharedRates> together;
  std::vector<Limit> limits;
  std::vector<CaseRecord> cases;
  std::vector<SkippedCase> skipped;
  std::vector<MemoryCost> memory_costs;
  std::vector<LoadingCost> loading_costs;
  WallTime wall;
  std::string host_instruction_set;
  std::size_t host_threads = 0;
  bool complete = false;
  std::string incomplete_reason;  // "interrupted by SIGINT", ...

  /// Google Benchmark's own JSON document as it stands before any row: {"context": ...,
  /// "benchmarks": []}; "" where the run ended before there was one.
  std::string benchmark_context;
  std::vector<BenchmarkRow> benchmark_rows;  // as they were reported
};

}  // namespace offload
