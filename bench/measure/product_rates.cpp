// SPDX-License-Identifier: Apache-2.0
// What the products of a run take by themselves.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "bench/measure/attempt.hpp"
#include "bench/measure/case_rates.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/timed.hpp"
#include "offload/statistics.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr int product_repeats = 3;

const Policy* first_of(const Catalog& catalog, Family family) {
  const auto found = std::ranges::find(catalog.policies, family, &Policy::family);
  return found == catalog.policies.end() ? nullptr : *found;
}

/// The workload that multiplies any number of tokens by one weight.
std::unique_ptr<Workload> multiplying(const Catalog& catalog, std::size_t tokens) {
  for (const auto& workload : catalog.workloads) {
    const auto parameter = workload->parameter();
    if (workload->walks_model() || workload->tokens() == 0 || !parameter) continue;
    if (parameter->allows(tokens)) return workload->with_parameter(tokens);
  }
  return nullptr;
}

/// Several, so that products follow each other as in a model; one of what is large, for it needs as
/// much memory as its case does. So many that no cache of `reader` holds them.
WeightSet copies_of(const ProductShape& shape, Family reader, const Host& host) {
  const auto bytes = static_cast<std::size_t>(shape.bytes());
  std::size_t all = 256 * MiB;
  std::size_t most = 48;  // the launches ahead of the first do not count then
  if (reader == Family::cpu) {
    const std::size_t cache = host.last_level_cache_bytes.value_or(0);
    all = std::clamp(5 * cache / 2, all, std::max(all, host_memory_limit(host) / 8));
    most = all / bytes;
  }
  const std::size_t copies =
      std::clamp<std::size_t>(all / bytes, 1, std::max<std::size_t>(1, most));
  WeightSet weights{"calibration", {}};
  for (std::size_t i = 0; i < copies; ++i) {
    weights.tensors.push_back({"w" + std::to_string(i), shape.dtype, shape.rows, shape.cols, i});
  }
  return weights;
}

double median_pass(Loop& loop, int passes) {
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(passes));
  for (int i = 0; i < passes; ++i) seconds.push_back(loop.pass());
  return percentile(seconds, 50);
}

/// How many times as long `pass` takes than `seconds` once it has been at it for a while: where the
/// power limit lowers the clocks of what computes without a pause.
double slowdown_of(const CaseRatesContext& context, const std::function<void()>& pass,
                   double seconds) {
  constexpr double settled = 0.15;  // seconds
  for (double spent = 0; spent < settled;) {
    spent += timed_seconds(context.session, context.wall, pass);
  }
  const double sustained = median_seconds(context.session, context.wall, product_repeats, pass);
  return std::max(1.0, sustained / seconds);
}

/// The kernels for each kind of view, on weights in GPU memory.
void time_on_gpu(const CaseRatesContext& context, const ProductShape& shape,
                 const WeightSet& weights, Rereads rereads, Calibration& result) {
  Session& session = context.session;
  Placement& placement = context.loop.placement();
  BoundWorkload& bound = context.loop.workload();
  std::optional<std::size_t> reads;
  const auto pass = [&] {
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      PieceView view = placement.acquire(i, session.stream());
      view.rereads = rereads;
      bound.launch(view, session.target());
      reads = bound.reads(view);
      placement.release(i, session.stream());
    }
  };
  const double seconds = median_seconds(session, context.wall, product_repeats, pass);
  constexpr std::size_t computing = 256;  // tokens from which arithmetic takes longer than reading
  const double slowdown = shape.tokens < computing ? 1 : slowdown_of(context, pass, seconds);
  result.products.push_back({shape, rereads, seconds / static_cast<double>(weights.tensors.size()),
                             reads.value_or(1), slowdown});
}

/// How long the library's other algorithm takes on GPU memory does not matter, as long as the link
/// takes longer: as long as its first.
void add_fewest_reads(const ProductShape& shape, const Workload& workload, Calibration& result) {
  ProductTime time = result.products.back();
  const auto reads = workload.reads_of(std::span(&shape, 1), Rereads::fewest_by_library).front();
  if (!reads) return;
  time.rereads = Rereads::fewest_by_library;
  time.reads = *reads;
  result.products.push_back(time);
}

void time_product(const CaseRatesContext& context, const ProductShape& shape,
                  const Workload& workload, const WeightSet& weights, const Policy& policy,
                  const std::set<Rereads>& asked, Calibration& result) {
  context.loop.prepare({&workload, &policy, &weights, policy.starts.front()});
  if (policy.needs_gpu) {
    const auto wanted = [&](Rereads rereads) {
      return shape.tokens > 1 && asked.count(rereads) != 0 &&
             workload.offers(rereads, weights, context.session.platform());
    };
    if (wanted(Rereads::none)) time_on_gpu(context, shape, weights, Rereads::none, result);
    time_on_gpu(context, shape, weights, Rereads::as_engines_do, result);
    if (wanted(Rereads::fewest_by_library)) add_fewest_reads(shape, workload, result);
    return;
  }
  const double seconds =
      median_pass(context.loop, product_repeats) / static_cast<double>(weights.tensors.size());
  result.host_products.push_back({shape, Rereads::as_engines_do, seconds});
}

struct Wanted {
  std::set<Rereads> rereads;
  std::vector<ProductShape> on_gpu;
  std::vector<ProductShape> on_cpu;
};

/// All `shapes` are of one weight, which lies where `policy` has it until the last is timed.
void time_weight(const CaseRatesContext& context, std::span<const ProductShape> shapes,
                 const Policy& policy, const std::set<Rereads>& asked, Calibration& result) {
  const WeightSet weights =
      copies_of(shapes.front(), policy.family, context.session.platform().host);
  std::vector<std::unique_ptr<Workload>> workloads;
  for (const ProductShape& shape : shapes) {
    context.checkpoint("products");
    auto& workload = workloads.emplace_back(multiplying(context.catalog, shape.tokens));
    if (!workload || !workload->reads(weights)) continue;
    attempt([&] { time_product(context, shape, *workload, weights, policy, asked, result); });
  }
  context.loop.clear();  // before workloads and weights go
}

/// Of those that were not timed, for `rereads`.
void find_reads(const CaseRatesContext& context, const std::vector<ProductShape>& shapes,
                Rereads rereads, Calibration& result) {
  std::vector<ProductShape> untimed;
  for (const ProductShape& shape : shapes) {
    const bool timed = std::ranges::any_of(result.products, [&](const ProductTime& time) {
      return time.shape == shape && time.rereads == rereads;
    });
    if (!timed) untimed.push_back(shape);
  }
  const auto workload = multiplying(context.catalog, 2);
  if (untimed.empty() || !workload) return;
  const auto reads = workload->reads_of(untimed, rereads);
  for (std::size_t i = 0; i < untimed.size(); ++i) {
    const ProductShape& shape = untimed[i];
    if (!reads[i]) continue;
    const auto known = std::ranges::find_if(result.product_reads, [&](const WeightReads& one) {
      return one.rereads == rereads && one.of(shape);
    });
    WeightReads& of_weight = known != result.product_reads.end()
                                 ? *known
                                 : result.product_reads.emplace_back(WeightReads{
                                       shape.dtype, shape.rows, shape.cols, rereads, {}});
    of_weight.by_tokens[shape.tokens] = *reads[i];
  }
}

Wanted products_of(const Plan& plan) {
  Wanted wanted;
  // Of all policies and starts the same, and to route many tokens takes a while.
  std::map<std::pair<const Workload*, const WeightSet*>, std::vector<ProductShape>> known;
  for (const Case& item : plan.cases) {
    wanted.rereads.insert(item.policy->rereads);
    const auto [found, fresh] = known.try_emplace({item.workload, item.weights});
    if (fresh) found->second = item.workload->products(*item.weights);
    const std::vector<ProductShape>& shapes = found->second;
    const bool cpu = !item.policy->needs_gpu || item.policy->family == Family::hybrid;
    for (const ProductShape& shape : shapes) {
      const auto add = [&shape](std::vector<ProductShape>& to) {
        if (std::ranges::find(to, shape) == to.end()) to.push_back(shape);
      };
      add(wanted.on_gpu);
      if (cpu && item.workload->runs_on_cpu()) add(wanted.on_cpu);
    }
  }
  return wanted;
}

}  // namespace

std::vector<ProductShape> shapes_to_measure(const std::vector<ProductShape>& shapes) {
  constexpr std::size_t few = 12;
  constexpr std::size_t apart = 2;  // times
  std::map<std::tuple<DType, std::size_t, std::size_t>, std::vector<std::size_t>> tokens;
  for (const ProductShape& shape : shapes) {
    tokens[{shape.dtype, shape.rows, shape.cols}].push_back(shape.tokens);
  }
  std::vector<ProductShape> wanted;
  for (auto& [weight, numbers] : tokens) {
    std::ranges::sort(numbers);
    const auto& [dtype, rows, cols] = weight;
    std::size_t last = 0;
    for (const std::size_t number : numbers) {
      const bool end = number == numbers.back();
      if (numbers.size() > few && last > 0 && number < apart * last && !end) continue;
      wanted.push_back({dtype, rows, cols, number});
      last = number;
    }
  }
  return wanted;
}

void calibrate_products(const CaseRatesContext& context, const Plan& plan, Calibration& result) {
  const Wanted wanted = products_of(plan);
  const auto measure = [&](const std::vector<ProductShape>& shapes,
                           const std::vector<ProductTime>& kept, Family family) {
    const Policy* const policy = first_of(context.catalog, family);
    if (policy == nullptr || !policy->support(context.session.platform())) return false;
    std::vector<ProductShape> unknown;
    for (const ProductShape& shape : shapes_to_measure(shapes)) {
      const bool known = std::ranges::find(kept, shape, &ProductTime::shape) != kept.end();
      if (!known) unknown.push_back(shape);
    }
    for (auto first = unknown.begin(); first != unknown.end();) {
      const auto last = std::find_if(first, unknown.end(), [&](const ProductShape& shape) {
        return !shape.same_weight(*first);
      });
      time_weight(context, {first, last}, *policy, wanted.rereads, result);
      first = last;
    }
    return true;
  };
  if (measure(wanted.on_gpu, result.products, Family::resident)) {
    for (const Rereads rereads : wanted.rereads) {
      attempt([&] { find_reads(context, wanted.on_gpu, rereads, result); });
    }
  }
  measure(wanted.on_cpu, result.host_products, Family::cpu);
}

}  // namespace offload
