// SPDX-License-Identifier: Apache-2.0
// The driver's own counters, after the last sample of a run: which cases are counted, and which
// are stood for by another.
#pragma once
#include <functional>
#include <span>

#include "bench/measure/case_result.hpp"
#include "bench/measure/loop.hpp"

namespace offload {

struct TrafficCount {
  using Pass = std::function<void()>;

  Loop& loop;
  const Workload& plain_read;     // stands for all workloads where counting must be quick
  std::span<CaseResult> results;  // as they were measured; evidence.um and series->um are filled in
  /// Runs a pass at the case boundary: what fails stays with the case.
  std::function<void(CaseResult&, const Pass&)> at_boundary;
};

/// Of each policy one case per workload (and size of chunks) from cold, and one warm; the others
/// name it. Series are counted each.
void count_every_kind(const TrafficCount& count);

/// Of each policy one plain read, from cold, of a part of its first weights.
void count_every_policy(const TrafficCount& count);

}  // namespace offload
