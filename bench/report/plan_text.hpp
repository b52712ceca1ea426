// SPDX-License-Identifier: Apache-2.0
// What could be measured, and what is about to be.
#pragma once
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/plan.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Policies, workloads, weights and suites that can be named.
std::string list_text(const Catalog& catalog);
/// Cases, bytes, memory per side, skipped cases with reasons, and an estimate of the time. As csv,
/// the cases alone.
std::string plan_text(const Plan& plan, const Options& options, const Platform& platform);

/// For each model a line per kind of layers, the bytes on each side, how much of it is measured,
/// and what the link alone would take for a pass. Nothing when there are none.
void write_layouts(Page& page, const std::vector<ModelLayout>& models, const Platform& platform);

/// Why something was not measured, given once per reason. Nothing when there are none.
void write_skipped(Page& page, const std::vector<SkippedCase>& skipped);

}  // namespace offload
