// SPDX-License-Identifier: Apache-2.0
// From the slice of a model that was measured to the whole of it.
#pragma once
#include <vector>

#include "bench/record.hpp"

namespace offload {

/// `cases` with `model` of those that passed over a model's slice. What is offloaded scales with
/// its bytes; what is resident takes, beyond the slice's share, the time that device_resident took
/// for as many bytes in the same run, or what the calibrated rate of GPU memory takes for the part
/// of them that a pass reads; a prefill without the former gets no figures.
std::vector<CaseRecord> with_model_figures(std::vector<CaseRecord> cases,
                                           const Calibration& calibration);

}  // namespace offload
