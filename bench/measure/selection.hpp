// SPDX-License-Identifier: Apache-2.0
// Which weights a run measures and by which workloads, from suite and options.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/options.hpp"
#include "offload/weights.hpp"

namespace offload {

/// One weight set to measure, and by which workloads.
struct Selection {
  WeightSet weights;
  std::vector<std::string> workloads;                // as in benchmark names
  bool named = false;                                // by the user, not by the suite
  std::optional<ModelLayout> layout = std::nullopt;  // of weights that are a model's slice
};

/// The suite's choice with the options' in its place where given: weights named explicitly replace
/// the suite's for all selected workloads. Each weight set appears once. Throws UsageError for
/// unknown names, for two different weights of one name, and for a workload left without weights.
std::vector<Selection> select_weights(const Options& options, const Catalog& catalog,
                                      ModelLoader& models);
inline std::vector<Selection> select_weights(const Options& options, const Catalog& catalog) {
  ModelLoader models;
  return select_weights(options, catalog, models);
}

/// Which presets stand for models that the options name and that are not there, once each.
std::vector<std::string> shape_notes(const Options& options, ModelLoader& models);

/// Whatever the options leave open of policy, workload, weights and start, as options.explain, the
/// name of one case, has it. Throws UsageError for text that cannot be the name of a case.
void select_one_case(Options& options, const Catalog& catalog);

}  // namespace offload
