// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/traffic_count.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "offload/error.hpp"

namespace offload {
namespace {

// How the driver treats weights shows in a part of them; placing and counting more takes longer.
constexpr std::size_t part_bytes = std::size_t{16} << 20;
// The counters do not keep up with much more (see CountedPasses::traffic_at_once).
constexpr std::size_t max_at_once = 6 * part_bytes;

bool to_be_counted(const CaseResult& result) {
  return result.complete() && result.item->policy->driver_handles_pages && result.item->undisturbed();
}

/// Indices of the cases to count: weights large enough to be counted a part of first, and of the
/// same weights policy by policy, so that each is placed once.
std::vector<std::size_t> in_order(const TrafficCount& count) {
  using Place = std::array<std::size_t, 4>;  // by size, weights, policy, content
  constexpr std::size_t large = 2 * part_bytes;
  std::map<const void*, std::size_t> first;  // use of weights and of policies
  std::vector<std::size_t> order;
  std::vector<Place> places;
  for (std::size_t i = 0; i < count.results.size(); ++i) {
    const Case& item = *count.results[i].item;
    places.push_back({large - std::min(large, item.weights->bytes()),
                      first.emplace(item.weights, i).first->second,
                      first.emplace(item.policy, i).first->second,
                      static_cast<std::size_t>(item.workload->content())});
    if (to_be_counted(count.results[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, {}, [&places](std::size_t i) { return places[i]; });
  return order;
}

/// Parts that stand for weights, one for all workloads, so that it is placed once.
class Parts {
 public:
  /// nullptr where no part stands for `weights`.
  const WeightSet* of(const WeightSet& weights, const Workload& workload) {
    std::optional<WeightSet> part = workload.part(weights, part_bytes);
    if (!part) return nullptr;
    return &parts_.try_emplace(&weights, std::move(*part)).first->second;
  }

 private:
  std::map<const WeightSet*, WeightSet> parts_;
};

/// On a part of its weights where one stands for them. None does for a model.
Case counted_case(const Case& item, Parts& parts) {
  const WeightSet* part = item.weights->slice ? nullptr : parts.of(*item.weights, *item.workload);
  return {item.workload, item.policy, part != nullptr ? part : item.weights, item.start};
}

/// Cases of one policy that the driver treats alike: from cold by who reads, and by the size of
/// the chunks; nothing happens when warm or steady, whoever reads.
std::string kind_of(const Case& item) {
  std::string kind = std::string(item.policy->name) + ' ' + std::string(name(item.start));
  if (item.start != Start::cold) return kind;
  const auto parameter = item.workload->parameter();
  const bool chunks = parameter && parameter->unit == Parameter::Unit::bytes;
  return kind + ' ' + (chunks ? item.workload->label() : std::string(item.workload->name()));
}

struct Counted {
  CaseResult* result;
  Case item;
};

/// The cases from `first` on that can be counted at once.
std::size_t end_of_group(std::span<const Counted> chosen, std::size_t first) {
  const Case& leader = chosen[first].item;
  std::size_t last = first;
  std::size_t bytes = 0;
  for (; last < chosen.size(); ++last) {
    const Case& item = chosen[last].item;
    bytes += item.weights->bytes();
    const bool alike = item.policy == leader.policy && item.weights == leader.weights &&
                       item.workload->content() == leader.workload->content();
    if (!alike || (last > first && bytes > max_at_once)) break;
  }
  return last;
}

void count_group(const TrafficCount& count, std::span<const Counted> group) {
  std::vector<std::optional<UmTraffic>> found(group.size());
  if (group.size() > 1) {
    std::vector<Case> items;
    for (const Counted& one : group) items.push_back(one.item);
    try {
      found = count.loop.counted().traffic_at_once(items);
    } catch (const CudaError& error) {
      if (error.context_dead()) throw;
      count.loop.clear();  // one by one they show whose failure it is
    }
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    CaseResult& result = *group[i].result;
    count.at_boundary(result, [&] {
      result.evidence.um = found[i] ? Observed<UmTraffic>::measured(*found[i])
                                    : count.loop.counted().traffic(group[i].item);
    });
  }
}

}  // namespace

void count_every_kind(const TrafficCount& count) {
  Parts parts;
  std::map<std::string, std::string> counted;  // the case that stands for its kind
  std::vector<Counted> chosen;
  for (const std::size_t i : in_order(count)) {
    CaseResult& result = count.results[i];
    const Case& item = *result.item;
    const auto [known, is_first] = counted.emplace(kind_of(item), item.name());
    if (is_first) {
      chosen.push_back({&result, counted_case(item, parts)});
    } else {
      result.evidence.um = Observed<UmTraffic>::unavailable("counted for " + known->second);
    }
  }
  for (std::size_t first = 0; first < chosen.size();) {
    const std::size_t last = end_of_group(chosen, first);
    count_group(count, std::span(chosen).subspan(first, last - first));
    first = last;
  }
  count.loop.clear();  // it refers to the parts
  for (std::size_t i = 0; i < count.results.size(); ++i) {
    CaseResult& result = count.results[i];
    const Case& item = *result.item;
    if (!result.series || !to_be_counted(result)) continue;
    count.at_boundary(result, [&] {
      result.series->um = count.loop.counted().series(item, result.series->seconds.size());
    });
  }
}

// How a policy brings weights to the GPU depends on neither them nor who reads them.
void count_every_policy(const TrafficCount& count) {
  struct Counted {
    Observed<UmTraffic> um;
    std::string failure;
  };
  Parts parts;
  std::map<const Policy*, Counted> counted;
  for (std::size_t i = 0; i < count.results.size(); ++i) {
    CaseResult& result = count.results[i];
    const Case& item = *result.item;
    if (!to_be_counted(result)) continue;
    if (item.start != Start::cold) {
      result.evidence.um =
          Observed<UmTraffic>::unavailable("counted from cold alone: --evidence all counts all");
      continue;
    }
    const WeightSet* part = parts.of(*item.weights, count.plain_read);
    if (part != nullptr && !counted.contains(item.policy)) {
      Counted& of_policy = counted[item.policy];
      const Case read{&count.plain_read, item.policy, part, Start::cold};
      count.at_boundary(result, [&] { of_policy.um = count.loop.counted().traffic(read); });
      of_policy.failure = result.failure;
    }
    const Counted& of_policy = counted[item.policy];
    result.evidence.um = of_policy.um;
    if (result.failure.empty() && !of_policy.failure.empty()) {
      // What one read of a policy shows to be wrong is wrong of all.
      count.at_boundary(result, [&] { throw std::runtime_error(of_policy.failure); });
    }
  }
  count.loop.clear();  // it refers to the parts
}

}  // namespace offload
