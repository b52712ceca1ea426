// SPDX-License-Identifier: Apache-2.0
// What plain reads under a policy reach.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "bench/measure/attempt.hpp"
#include "bench/measure/case_rates.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/timed.hpp"
#include "offload/statistics.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr std::size_t read_bytes = 256 * MiB;  // as long as driver and window need to get going
constexpr std::size_t pieces = read_bytes / expert_bytes;
constexpr std::size_t cols = 4096;

/// read_bytes in so many tensors.
WeightSet tensors_of(std::size_t count) {
  WeightSet weights{"calibration", {}};
  for (std::size_t i = 0; i < count; ++i) {
    weights.tensors.push_back(
        {"w" + std::to_string(i), DType::u8, read_bytes / count / cols, cols, i});
  }
  return weights;
}

/// Twice as much, half of which a token is sent to: some rows here and some there.
WeightSet experts() {
  return {.name = "calibration",
          .tensors = {{"w", DType::u8, 2 * read_bytes / cols, cols, 0, 2 * pieces}},
          .routed_experts = pieces};
}

/// What is read to find out; it lives until the last policy has read it.
struct Reads {
  const Workload& plain;
  std::unique_ptr<Workload> one_token;
  WeightSet whole = tensors_of(1);
  WeightSet in_pieces = tensors_of(pieces);
  WeightSet scattered = experts();
};

double seconds_of_pass(const CaseRatesContext& context, const Policy& policy,
                       const Workload& workload, const WeightSet& weights) {
  context.loop.prepare({&workload, &policy, &weights, policy.starts.front()});
  std::vector<double> seconds;
  seconds.reserve(repeats);
  for (int i = 0; i < repeats; ++i) seconds.push_back(context.loop.pass());
  return percentile(seconds, 50);
}

/// A plain read of read_bytes beyond what it takes in GPU memory.
double seconds_to_bring(const CaseRatesContext& context, const Policy& policy,
                        const Workload& plain, const WeightSet& weights, const Rates& known) {
  double seconds = seconds_of_pass(context, policy, plain, weights);
  // Mapped pages are read over the link; all others a second time, from GPU memory. Predictions add
  // that reading wherever the row brings its pages, so this goes by the row on one memory, too.
  const bool brought = policy.paths.warm == Path::device_memory;
  const bool copied = policy.starts.front() == Start::steady;
  if (brought || copied) {
    seconds -= static_cast<double>(read_bytes) / known.device_read.value_or(1e18);
    seconds -= static_cast<double>(weights.tensors.size()) * known.launch.value_or(0);
  }
  return seconds;
}

/// What a pass takes longer than it should by `rates`, shared out among the runs of neighbouring
/// rows that its prediction counts.
std::optional<double> seconds_of_a_run(const CaseRatesContext& context, const Policy& policy,
                                       const Reads& reads, Rates rates) {
  const WeightSet& weights = reads.scattered;
  const auto predicted = [&](double run_start) -> std::optional<double> {
    rates.*policy.calibrates_run_start = run_start;
    const Tuning tuning;
    const auto work = reads.one_token->work(weights, rates);
    const auto found =
        work ? policy.predict(*work, {weights.tensors, rates, tuning, policy.starts.front()})
             : std::nullopt;
    return found ? std::optional(found->seconds) : std::nullopt;
  };
  const auto none = predicted(0);
  const auto each = predicted(1);
  if (!none || !each || *each <= *none) return std::nullopt;
  const double measured = seconds_of_pass(context, policy, *reads.one_token, weights);
  return std::max(0.0, (measured - *none) / (*each - *none));
}

void calibrate_policy(const CaseRatesContext& context, const Policy& policy, const Reads& reads,
                      Calibration& result) {
  const double whole = seconds_to_bring(context, policy, reads.plain, reads.whole, result);
  if (whole <= 0) return;
  result.*policy.calibrates = static_cast<double>(read_bytes) / whole;
  if (policy.calibrates_start != nullptr) {
    const double beyond =
        seconds_to_bring(context, policy, reads.plain, reads.in_pieces, result) - whole;
    result.*policy.calibrates_start = std::max(0.0, beyond / static_cast<double>(pieces));
  }
  if (policy.calibrates_run_start != nullptr) {
    const Rates& rates = result;
    result.*policy.calibrates_run_start = seconds_of_a_run(context, policy, reads, rates);
  }
}

}  // namespace

void calibrate_policies(const CaseRatesContext& context, const Plan& plan, Calibration& result) {
  const Platform& platform = context.session.platform();
  if (!platform.gpu || host_memory_limit(platform.host) < 4 * read_bytes) return;
  if (gpu_memory_limit(platform) < 4 * read_bytes) return;
  const Reads reads{*context.catalog.workload("stream_read"),
                    context.catalog.workload("decode")->with_parameter(1)};
  for (const Policy* policy : context.catalog.policies) {
    if (policy->calibrates == nullptr || !policy->support(platform)) continue;
    if (result.*policy->calibrates) continue;  // kept from another run
    const bool planned = std::ranges::any_of(
        plan.cases, [&](const Case& item) { return item.policy->family == policy->family; });
    if (!planned) continue;
    context.checkpoint(policy->name);
    attempt([&] { calibrate_policy(context, *policy, reads, result); });
    context.loop.clear();
  }
}

}  // namespace offload
