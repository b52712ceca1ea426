// SPDX-License-Identifier: Apache-2.0
// How far the suite's own kernels and policies are from what the hardware and the vendor's library
// reach, every comparison measured side by side in one run.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/session.hpp"
#include "bench/record.hpp"

namespace offload {

struct LimitsContext {
  Session& session;
  Loop& loop;
  const Catalog& catalog;
  const Calibration& calibration;
  WallTime& wall;
  std::size_t samples;
  LoopOptions loop_options;                            // of the run's own passes
  std::function<void(const std::string& id)> started;  // progress
};

/// Appends to `limits` one by one, so that a failure (CudaError, ImplausibleResult) leaves those
/// before it. Comparisons that this machine cannot make are left out, with a line to `skip`.
void measure_limits(LimitsContext& context, std::vector<Limit>& limits,
                    const std::function<void(SkippedCase)>& skip);

}  // namespace offload
