// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/case_rates.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "bench/measure/plan_memory.hpp"
#include "bench/measure/timed.hpp"
#include "offload/error.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;
constexpr std::size_t read_bytes = 256 * MiB;  // as long as driver and window need to get going
constexpr std::size_t product_bytes = 256 * MiB;
constexpr std::size_t most_copies = 48;  // the launches ahead of the first do not count then
constexpr int repeats = 3;

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
/// much memory as its case does.
WeightSet copies_of(const ProductShape& shape) {
  const auto bytes = static_cast<std::size_t>(shape.bytes());
  const std::size_t copies = std::clamp<std::size_t>(product_bytes / bytes, 1, most_copies);
  WeightSet weights{"calibration", {}};
  for (std::size_t i = 0; i < copies; ++i) {
    weights.tensors.push_back({"w" + std::to_string(i), shape.dtype, shape.rows, shape.cols, i});
  }
  return weights;
}

double median_pass(Loop& loop) {
  std::vector<double> seconds;
  seconds.reserve(repeats);
  for (int i = 0; i < repeats; ++i) seconds.push_back(loop.pass());
  return percentile(seconds, 50);
}

/// What fails costs a prediction and no more, unless the GPU is lost.
template <typename Measure>
void attempt(const CaseRatesContext& context, const Measure& measure) {
  try {
    measure();
  } catch (const CudaError& error) {
    if (error.context_dead()) throw;
  } catch (const ImplausibleResult&) {
    // A case of the run will say so.
  }
  context.loop.clear();
}

void calibrate_policy(const CaseRatesContext& context, const Policy& policy, Calibration& result) {
  const WeightSet weights{"calibration", {{"w", DType::u8, read_bytes / 4096, 4096}}};
  const Workload* const read = context.catalog.workload("stream_read");
  context.loop.prepare({read, &policy, &weights, policy.starts.front()});
  double seconds = median_pass(context.loop);
  // Mapped pages are read over the link; all others a second time, from GPU memory.
  const bool brought = policy.path(Start::warm, context.session.platform()) == Path::device_memory;
  const bool copied = policy.starts.front() == Start::steady;
  if (brought || copied) {
    seconds -= static_cast<double>(read_bytes) / result.device_read.value_or(1e18);
  }
  if (seconds > 0) result.*policy.calibrates = static_cast<double>(read_bytes) / seconds;
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
  const double seconds = median_seconds(session, context.wall, repeats, pass);
  result.products.push_back(
      {shape, rereads, seconds / static_cast<double>(weights.tensors.size()), reads.value_or(1)});
}

/// Which algorithm reads least often is found on a weight where it lies: by a policy that asks for
/// it. How long it takes on GPU memory does not matter, as long as the link takes longer.
void find_fewest_reads(const CaseRatesContext& context, const ProductShape& shape,
                       const Workload& workload, const WeightSet& weights, Calibration& result) {
  const auto policy =
      std::ranges::find(context.catalog.policies, Rereads::fewest_by_library, &Policy::rereads);
  const auto first = gpu_product(result, shape);
  if (policy == context.catalog.policies.end() || !first) return;
  context.loop.clear();
  const PreparedCase prepared =
      context.loop.prepare({&workload, *policy, &weights, (*policy)->starts.front()});
  if (!prepared.link_bytes) return;
  result.products.push_back({shape, Rereads::fewest_by_library, first->seconds,
                             std::max<std::size_t>(1, *prepared.link_bytes / weights.bytes())});
}

void time_product(const CaseRatesContext& context, const ProductShape& shape, const Policy& policy,
                  const std::set<Rereads>& asked, Calibration& result) {
  const auto workload = multiplying(context.catalog, shape.tokens);
  const WeightSet weights = copies_of(shape);
  if (!workload || !workload->reads(weights)) return;
  context.loop.prepare({workload.get(), &policy, &weights, policy.starts.front()});
  if (policy.needs_gpu) {
    const auto wanted = [&](Rereads rereads) {
      return shape.tokens > 1 && asked.count(rereads) != 0 &&
             workload->offers(rereads, weights, context.session.platform());
    };
    time_on_gpu(context, shape, weights, Rereads::as_engines_do, result);
    if (wanted(Rereads::none)) time_on_gpu(context, shape, weights, Rereads::none, result);
    if (wanted(Rereads::fewest_by_library)) {
      find_fewest_reads(context, shape, *workload, weights, result);
    }
    return;
  }
  const double seconds = median_pass(context.loop) / static_cast<double>(weights.tensors.size());
  result.host_products.push_back({shape, Rereads::as_engines_do, seconds});
}

struct Wanted {
  std::set<Rereads> rereads;
  std::vector<ProductShape> on_gpu;
  std::vector<ProductShape> on_cpu;
};

Wanted products_of(const Plan& plan) {
  Wanted wanted;
  // Of all policies and starts the same, and to route many tokens takes a while.
  std::map<std::pair<const Workload*, const WeightSet*>, std::vector<ProductShape>> known;
  for (const Case& item : plan.cases) {
    wanted.rereads.insert(item.policy->rereads);
    const auto [found, fresh] = known.try_emplace({item.workload, item.weights});
    if (fresh) found->second = item.workload->products(*item.weights);
    const std::vector<ProductShape>& shapes = found->second;
    const bool cpu = item.policy->family == Family::cpu || item.policy->family == Family::hybrid;
    for (const ProductShape& shape : shapes) {
      const auto add = [&shape](std::vector<ProductShape>& to) {
        if (std::ranges::find(to, shape) == to.end()) to.push_back(shape);
      };
      add(wanted.on_gpu);
      if (cpu && item.workload->runs_on_cpu()) add(wanted.on_cpu);
    }
  }
  return {std::move(wanted.rereads), shapes_to_measure(wanted.on_gpu),
          shapes_to_measure(wanted.on_cpu)};
}

}  // namespace

std::vector<ProductShape> shapes_to_measure(const std::vector<ProductShape>& shapes) {
  constexpr std::size_t few = 6;
  constexpr std::size_t apart = 4;  // times
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

void calibrate_policies(const CaseRatesContext& context, const Plan& plan, Calibration& result) {
  const Platform& platform = context.session.platform();
  if (!platform.gpu || host_memory_limit(platform.host) < 4 * read_bytes) return;
  if (gpu_memory_limit(*platform.gpu) < 4 * read_bytes) return;
  for (const Policy* policy : context.catalog.policies) {
    if (policy->calibrates == nullptr || !policy->support(platform)) continue;
    if (result.*policy->calibrates) continue;  // kept from another run
    const bool planned = std::ranges::any_of(
        plan.cases, [&](const Case& item) { return item.policy->family == policy->family; });
    if (!planned) continue;
    context.checkpoint(policy->name);
    attempt(context, [&] { calibrate_policy(context, *policy, result); });
  }
}

void calibrate_products(const CaseRatesContext& context, const Plan& plan, Calibration& result) {
  const Wanted wanted = products_of(plan);
  const auto measure = [&](const std::vector<ProductShape>& shapes,
                           const std::vector<ProductTime>& kept, Family family) {
    const Policy* const policy = first_of(context.catalog, family);
    if (policy == nullptr || !policy->support(context.session.platform())) return;
    for (const ProductShape& shape : shapes) {
      const bool known = std::ranges::find(kept, shape, &ProductTime::shape) != kept.end();
      if (known) continue;
      context.checkpoint("products");
      attempt(context, [&] { time_product(context, shape, *policy, wanted.rereads, result); });
    }
  };
  measure(wanted.on_gpu, result.products, Family::resident);
  measure(wanted.on_cpu, result.host_products, Family::cpu);
}

}  // namespace offload
