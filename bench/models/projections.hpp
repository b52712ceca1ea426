// SPDX-License-Identifier: Apache-2.0
// The single matrices of a model read from files.
#pragma once
#include <vector>

#include "offload/model.hpp"
#include "offload/weights.hpp"

namespace offload {

/// One WeightSet per distinct linear weight of a layer, named "<model>.<projection>"; of stacked
/// experts, one expert's matrix.
std::vector<WeightSet> projections_of(const Model& checkpoint);

}  // namespace offload
