// SPDX-License-Identifier: Apache-2.0
// Weights whose bytes are those of a model's files, as cases are planned with them.
#pragma once
#include <memory>
#include <vector>

#include "offload/policy.hpp"
#include "offload/support.hpp"
#include "offload/weights.hpp"
#include "offload/workload.hpp"

namespace offload {

/// Whether any tensor's bytes are those of a file.
bool is_stored(const WeightSet& weights);

/// The files that hold weights of `sets`, each once.
std::vector<WeightFile> weight_files(const std::vector<std::unique_ptr<WeightSet>>& sets);

/// Whether `workload` can read weights as the files hold them, under `policy`: always, where they
/// are generated.
Support reads_as_stored(const Workload& workload, const Policy& policy, const WeightSet& weights);

}  // namespace offload
