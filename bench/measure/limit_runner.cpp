// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/limit_runner.hpp"

#include "bench/measure/calibration.hpp"
#include "offload/statistics.hpp"

namespace offload {

WeightSet bf16_weights(std::string label, std::size_t rows, std::size_t cols) {
  return {label, {{label, DType::bf16, rows, cols}}};
}

Case LimitRunner::steady(const Workload* workload, const char* policy,
                         const WeightSet& weights) const {
  return {workload, context_.catalog.policy(policy), &weights, Start::steady};
}

Case LimitRunner::steady(const char* workload, const char* policy, const WeightSet& weights) const {
  return steady(context_.catalog.workload(workload), policy, weights);
}

double LimitRunner::case_median(Loop& loop, const Case& item) const {
  loop.prepare(item);
  std::vector<double> samples;
  for (std::size_t i = 0; i < context_.samples; ++i) samples.push_back(loop.sample());
  return percentile(samples, 50);
}

std::pair<double, double> LimitRunner::in_turn(const std::function<double()>& ours,
                                               const std::function<double()>& theirs) const {
  const std::size_t passes = context_.loop.passes_per_sample();
  std::vector<double> of_ours(2 * context_.samples);
  std::vector<double> of_theirs(of_ours.size());
  for (std::size_t i = 0; i < of_ours.size(); ++i) {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      of_ours[i] += ours() / static_cast<double>(passes);
      of_theirs[i] += theirs() / static_cast<double>(passes);
    }
  }
  return {percentile(of_ours, 50), percentile(of_theirs, 50)};
}

std::pair<double, double> LimitRunner::against(const std::function<void()>& bare, bool flush_host) {
  bare();  // loads the kernel and maps what it touches
  return in_turn([&] { return context_.loop.pass(); },
                 [&] {
                   if (flush_host) context_.session.flush_host_cache();
                   return timed_seconds(context_.session, context_.wall, bare);
                 });
}

const std::byte* LimitRunner::placed_data() {
  Placement& placement = context_.loop.placement();
  constexpr std::size_t first = 0;  // of what the prepared case reads
  const PieceView view = placement.acquire(first, context_.session.stream());
  placement.release(first, context_.session.stream());
  return view.data;
}

bool LimitRunner::start(const std::string& id, const char* policy) {
  const Support support = context_.catalog.policy(policy)->support(context_.session.platform());
  if (!support) {
    skip_({"limit/" + id, "", policy, "", "", support.reason()});
    return false;
  }
  context_.started(id);
  return true;
}

void LimitRunner::add(std::string id, std::string description, double ratio, double goal,
                      bool at_least, double measured, double reference, const char* unit) {
  limits_.push_back(
      {std::move(id), std::move(description), ratio, goal, at_least, measured, reference, unit});
}

}  // namespace offload
