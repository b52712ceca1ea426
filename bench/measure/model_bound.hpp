// SPDX-License-Identifier: Apache-2.0
// What the machine allows a pass through a model at most, from rates that were calibrated and what
// the GPU's data sheet says of its tensor cores: told beside what the kernels here reach.
#pragma once
#include <optional>

#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

/// What a pass is held against.
struct Machine {
  const Calibration& calibration;
  const Platform& platform;
};

/// FLOP/s of dense products of 16-bit numbers at the highest clock; nullopt for a GPU whose tensor
/// cores, or clock, are not known.
std::optional<double> peak_flops(const Gpu& gpu);

/// Of the whole model. `resident_twin` is the same pass over weights in GPU memory, if it was
/// measured: it stands for computing where the GPU's peak is not known. nullopt where no part is
/// known.
std::optional<ModelBound> model_bound(const CaseRecord& record, double scale,
                                      const CaseRecord* resident_twin, const Machine& machine);

}  // namespace offload
