// SPDX-License-Identifier: Apache-2.0
// What a pass should take by the rates of a machine: a workload says how long each part of it takes
// by itself, a policy which of these parts and what of its own overlaps.
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "offload/rates.hpp"
#include "offload/start.hpp"
#include "offload/weights.hpp"

namespace offload {

struct Tuning;

/// One piece of a pass. Seconds that it takes its reader alone; nullopt where a rate is missing, or
/// where nobody can.
struct WorkItem {
  Piece piece;
  std::size_t bytes = 0;                        // that are asked for: of all, or here and there
  std::optional<double> on_gpu = std::nullopt;  // from GPU memory
  std::optional<double> on_gpu_sustained = std::nullopt;  // in passes that have nothing else
  std::array<std::optional<double>, 3> over_link = {};    // by kernels in place, by Rereads
  std::optional<double> on_cpu = std::nullopt;
};

/// In the order of reading.
using PassWork = std::vector<WorkItem>;

/// Seconds of a pass. Where two runs of one machine differ by more than 5 %, the range they lie in
/// is wide.
struct Prediction {
  double seconds = 0;
  double least = 0;
  double most = 0;
};

struct PredictContext {
  std::span<const WeightTensor> tensors;  // which the pieces are of, resident ones among them
  const Rates& rates;
  const Tuning& tuning;
  Start start = Start::steady;
  bool joined = false;  // whether a pass ends with all that it began, as a CUDA graph does
  /// Bytes per second that the one memory of GPU and CPU gives; nullopt where each has its own.
  std::optional<double> memory_rate = std::nullopt;
};

/// nullopt where a rate that it takes is not known.
using PredictFunction = std::optional<Prediction> (*)(const PassWork& work,
                                                      const PredictContext& context);

}  // namespace offload
