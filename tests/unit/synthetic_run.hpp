// SPDX-License-Identifier: Apache-2.0
// A run with round numbers, so that every figure of the report can be worked out by hand: weights
// of 100 MB, a link of 62.5 GB/s.
#pragma once
#include <string>
#include <vector>

#include "bench/record.hpp"

namespace offload::testing {

/// 10000 x 5000 bf16: 100,000,000 bytes.
WeightSet toy_weights();

/// A passed case over toy_weights(); samples in seconds per pass.
CaseRecord toy_case(const std::string& workload, const std::string& policy,
                    const std::string& start, Path path, std::vector<double> samples);

/// What Google Benchmark 1.7.1 reports of the run's cases, a not-a-number counter in every row; of
/// a failed case too.
void add_stock_rows(RunRecord& run);

/// Reads over the link by the GPU itself: packets of 128 bytes, half a joule a pass.
void add_zero_copy_evidence(CaseRecord& record);
/// 100 MB in 50 groups of faults by a thread of the driver; then five passes without any.
void add_demand_evidence(CaseRecord& record);
/// Nothing moved, 1500 regions mapped, no counters but the driver's.
void add_mapping_evidence(CaseRecord& record);
/// A machine without a GPU, whose kernel threads are hidden.
void add_host_evidence(CaseRecord& record);

/// A machine with a GPU; every optional part filled in.
RunRecord gpu_run();
/// A machine without: nothing optional is there.
RunRecord cpu_run();
/// A case on a machine whose GPU and CPU share one memory, which gives 200 GB/s.
CaseRecord one_memory_case(const std::string& policy, Path path, double seconds,
                           const Footprint& footprint);
/// Such a machine: the GPU reads memory of cudaMalloc at 200 GB/s, pinned memory at 190, all CPU
/// threads read at 160, and copies run at 80.
RunRecord one_memory_run();
/// Two such GPUs on one host: pinned_copy takes as long together as alone, host_compute twice as
/// long, managed_demand failed on GPU 1.
RunRecord two_gpu_run();
/// Passes over a model, on the machine with a GPU.
RunRecord model_run();

}  // namespace offload::testing
