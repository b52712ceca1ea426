// SPDX-License-Identifier: Apache-2.0
// From options to the cases of a run, in the order that shares most work: weights, then policy (one
// placement), then workload, then start.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/options.hpp"
#include "bench/record.hpp"
#include "offload/platform.hpp"
#include "offload/policy.hpp"
#include "offload/weights.hpp"

namespace offload {

struct Case {
  const Workload* workload = nullptr;
  const Policy* policy = nullptr;
  const WeightSet* weights = nullptr;
  Start start = Start::steady;
  /// CUDA's numbers of those that run it at the same time; empty where the run has one GPU at most.
  GpuSet gpus = {};
  /// The traffic that is at work meanwhile (bench/measure/beside/traffic.hpp); "": none.
  std::string beside = {};

  /// <workload>/<policy>/<weights>/<start>, then /gpus:0+1 where there are several to choose from,
  /// then /beside:kv_out.
  std::string name() const;
  bool together() const { return gpus.size() > 1; }
  /// Whether what counters show is this case's alone.
  bool undisturbed() const { return !together() && beside.empty(); }
};

struct Plan {
  std::vector<std::unique_ptr<WeightSet>> weights;   // stable addresses for the cases
  std::vector<std::unique_ptr<Workload>> workloads;  // likewise: for a value of their parameter
  std::vector<ModelLayout> models;                   // whose slices are among the weights
  Tuning tuning;
  std::vector<Case> cases;
  std::vector<SkippedCase> skipped;  // with the policy's, workload's or memory check's reason
  std::vector<std::string> notes;    // of models that a preset stands for
  std::size_t traffic_bytes = 0;     // of GPU memory, that traffic beside cases takes

  /// What of the options has no effect or leaves figures out, each said once.
  std::vector<std::string> warnings() const;
};

/// Throws UsageError when a size, dtype or memory demand the user named explicitly cannot work:
/// a dtype a named workload cannot read, more managed memory than the GPU has free (unless
/// --allow-oversubscription), more pinned or pageable memory than MemAvailable or the cgroup gives.
/// The same conditions in a suite's own choice become skipped cases. `--start cold` or `warm` keeps
/// steady cases too, for which both are the same. Where one case is to be explained, it alone is
/// planned, or a UsageError says why it cannot be.
/// `models` reads what the options name, and keeps it for who asks next.
Plan make_plan(const Options& given, const Catalog& catalog, const Platform& platform,
               ModelLoader& models);
inline Plan make_plan(const Options& given, const Catalog& catalog, const Platform& platform) {
  ModelLoader models;
  return make_plan(given, catalog, platform, models);
}

/// Every case of `plan` once for each of `sets`, one after the other, so that weights are placed
/// once for all; the plan as it is where there are none.
void spread_over(const std::vector<GpuSet>& sets, Plan& plan);

/// Every case of `plan`, and behind it the same beside each kind of traffic that the options name,
/// while the weights stay placed; those are skipped where there is no GPU, or no room on it. Throws
/// UsageError where the traffic alone does not fit.
void put_beside(const Options& options, const Platform& platform, Plan& plan);

/// Most host memory (by the plan's order, buffers shared), of all GPUs together, and most memory of
/// each GPU needed at once: beside the placement, each weight set has a master copy in pageable
/// memory, and borrowed host buffers are kept until the next weight set.
struct PeakMemory {
  std::size_t host = 0;
  std::size_t device = 0;
};
PeakMemory peak_memory(const Plan& plan);

/// Wall time of a run of `plan`, calibration and preparation included, from the platform's nominal
/// rates. Good to a factor of two on machines like those it was made on; nothing depends on it.
double estimated_seconds(const Plan& plan, const Options& options, const Platform& platform);

/// Enough passes that a sample from cold, where each pass is paid for by a reset, takes 1 ms: the
/// clock's resolution (0.5 us) is then below 0.1 %. Otherwise 20 ms, so that the interruptions of a
/// shared host (milliseconds) even out. Where the CPU reads the weights, whose memory the others of
/// the host use too: 60 ms, or as many of six passes as end within 0.5 s. At most 32, for each
/// needs a cache flush of its own.
std::size_t passes_per_sample(double pass_seconds, Start start, bool cpu_reads);

}  // namespace offload
