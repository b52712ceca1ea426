// SPDX-License-Identifier: Apache-2.0
// The part of the calibration that takes policies and workloads of the catalog: what plain reads
// under a policy reach whose rate only its mechanism shows, and what the products of a run take by
// themselves.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/session.hpp"
#include "bench/record.hpp"

namespace offload {

struct CaseRatesContext {
  Session& session;
  Loop& loop;
  const Catalog& catalog;
  WallTime& wall;
  /// Called with the name of what is measured next; may throw to leave.
  std::function<void(std::string_view)> checkpoint;
};

/// Of all rows that calibrate a rate (Policy::calibrates), where the plan has one of their family.
/// What fails leaves its rate unknown; what `result` has already stays.
void calibrate_policies(const CaseRatesContext& context, const Plan& plan, Calibration& result);

/// Of the products that the plan's cases compute (Workload::products), on the GPU and, where a case
/// of the plan may compute there, on the CPU. Of experts' many numbers of tokens a few, far enough
/// apart that those between follow.
void calibrate_products(const CaseRatesContext& context, const Plan& plan, Calibration& result);

/// Of `shapes`, those that have to be measured: of each weight all numbers of tokens where they are
/// few, else the least and the most and a few between.
std::vector<ProductShape> shapes_to_measure(const std::vector<ProductShape>& shapes);

}  // namespace offload
