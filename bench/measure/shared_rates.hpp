// SPDX-License-Identifier: Apache-2.0
// What the GPUs of a run reach when all are at work: whether they share what they take weights
// from.
#pragma once
#include "bench/measure/lanes.hpp"
#include "bench/record.hpp"

namespace offload {

/// Over all lanes, whose sessions are ready. Takes seconds.
SharedRates measure_shared_rates(Lanes& lanes);

/// What one GPU of those that run together can do: `alone`, but that all of them share what the CPU
/// reads as `shared` has it, of `count` GPUs.
Calibration beside_others(Calibration alone, const SharedRates& shared, std::size_t count);

}  // namespace offload
