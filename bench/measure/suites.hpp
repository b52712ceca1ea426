// SPDX-License-Identifier: Apache-2.0
// What each suite measures, and which workloads the options make of it.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/options.hpp"

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
  bool files = false;  // whether policies over files, which it writes, are among all policies
};

/// Throws UsageError for a suite that is not.
const Suite& find_suite(std::string_view name);

std::span<const Suite> suites();
std::vector<std::string_view> suite_names();

/// Of all the suite's items, once each.
std::vector<std::string> labels_of(const Suite& suite);

/// The suite's, or those the options name, with the values of --tokens, --chunks and --skew in the
/// place of what they say, as they stand in benchmark names. Throws UsageError for a value that
/// none of them takes.
std::vector<std::string> wanted_labels(const Suite& suite, const Options& options,
                                       const Catalog& catalog);

}  // namespace offload
