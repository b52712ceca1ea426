// SPDX-License-Identifier: Apache-2.0
// What each suite measures, and what the options make of it.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/models/layout.hpp"
#include "bench/options.hpp"
#include "offload/weights.hpp"

namespace offload {

/// The model that suites walk where the options name none.
inline constexpr const char* default_model = "llama3.1-8b";

/// Workloads are named as in benchmark names, "gemm/tokens:512" with the tokens. Every one over
/// every one of the weights, under every policy and start.
struct SuiteItem {
  std::vector<std::string_view> workloads;
  std::vector<std::string_view> weights;  // names that find_preset_weights knows, or sizes; empty:
                                          // the model
};

struct Suite {
  std::string_view name;
  std::string_view description;
  std::vector<SuiteItem> items;
  std::size_t samples = 15;                       // per case, unless the options say otherwise
  EvidenceLevel evidence = EvidenceLevel::quick;  // likewise
};

/// Throws UsageError for a suite that is not.
const Suite& find_suite(std::string_view name);

std::span<const Suite> suites();
std::vector<std::string_view> suite_names();

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
std::vector<Selection> select_weights(const Options& options, const Catalog& catalog);

}  // namespace offload
