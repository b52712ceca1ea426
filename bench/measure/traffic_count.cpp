// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/traffic_count.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace offload {
namespace {

// How the driver treats weights shows in a part of them; placing and counting more takes longer.
constexpr std::size_t part_bytes = std::size_t{32} << 20;
// What a piece's first row must be a multiple of (see Piece).
constexpr std::size_t row_alignment = 4;

bool to_be_counted(const Case& item, const CaseRecord& record) {
  return record.complete && item.policy->driver_handles_pages();
}

/// Indices of the cases to count: from the last weights to the first, since the last are still
/// there, and of the same weights policy by policy, so that each is placed once.
std::vector<std::size_t> in_order(const TrafficCount& count) {
  struct Place {
    std::size_t weights, policy;
  };
  std::map<const void*, std::size_t> first;  // use of weights and of policies
  std::vector<std::size_t> order;
  std::vector<Place> places;
  for (std::size_t i = 0; i < count.cases.size(); ++i) {
    const Case& item = *count.cases[i];
    places.push_back({first.emplace(item.weights, i).first->second,
                      first.emplace(item.policy, i).first->second});
    if (to_be_counted(item, count.records[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&places](std::size_t a, std::size_t b) {
    if (places[a].weights != places[b].weights) return places[a].weights > places[b].weights;
    return places[a].policy < places[b].policy;
  });
  return order;
}

/// Of the first tensor that is not resident, rows that the driver's counters follow with ease; no
/// tensor when all are resident.
WeightSet countable_part(const WeightSet& weights) {
  const auto offloaded = std::ranges::find_if(
      weights.tensors, [](const WeightTensor& tensor) { return !tensor.resident; });
  if (offloaded == weights.tensors.end()) return {};
  WeightTensor part = *offloaded;
  const std::size_t rows = part_bytes / part.row_bytes() / row_alignment * row_alignment;
  part.rows = std::clamp<std::size_t>(rows, 1, part.rows);
  part.experts = 0;
  return {"part of " + weights.name, {part}};
}

/// `item` on a part of its weights, if the workload reads such a part: one that needs experts or a
/// model's layers does not.
Case part_of(const Case& item, std::map<const WeightSet*, WeightSet>& parts) {
  const auto [known, is_new] = parts.try_emplace(item.weights);
  if (is_new) known->second = countable_part(*item.weights);
  const bool partly =
      !item.weights->slice && !known->second.tensors.empty() && item.workload->reads(known->second);
  return {item.workload, item.policy, partly ? &known->second : item.weights, item.start};
}

/// Cases of one policy that the driver treats alike: from cold by who reads, and by the size of
/// the chunks; nothing happens when warm or steady, whoever reads.
std::string kind_of(const Case& item) {
  std::string kind = std::string(item.policy->name()) + ' ' + std::string(name(item.start));
  if (item.start != Start::cold) return kind;
  const auto choice = item.workload->choice();
  const bool chunks = choice && choice->letter == 'c';
  return kind + ' ' + (chunks ? item.workload->label() : std::string(item.workload->name()));
}

}  // namespace

void count_every_kind(const TrafficCount& count) {
  std::map<std::string, std::string> counted;  // the case that stands for its kind
  std::map<const WeightSet*, WeightSet> parts;
  for (const std::size_t i : in_order(count)) {
    const Case& item = *count.cases[i];
    CaseRecord& record = count.records[i];
    const auto [known, is_first] = counted.emplace(kind_of(item), record.name);
    if (!is_first) {
      record.evidence.um = Found<UmTraffic>::unavailable("counted for " + known->second);
    }
    if (!is_first && !record.series) continue;
    const bool counts = is_first;  // clang before 16 cannot capture a structured binding
    count.at_boundary(record, [&] {
      if (counts) record.evidence.um = count.loop.um_traffic(part_of(item, parts));
      if (!record.series) return;
      record.series->um = count.loop.um_series(item, record.series->seconds.size());
    });
  }
  count.loop.clear();  // it refers to the parts
}

// How a policy brings weights to the GPU depends on neither them nor who reads them.
void count_every_policy(const TrafficCount& count) {
  struct Counted {
    Found<UmTraffic> um;
    std::string failure;
  };
  std::map<const Policy*, Counted> counted;
  for (std::size_t i = 0; i < count.cases.size(); ++i) {
    const Case& item = *count.cases[i];
    CaseRecord& record = count.records[i];
    if (!to_be_counted(item, record)) continue;
    if (item.start != Start::cold) {
      record.evidence.um =
          Found<UmTraffic>::unavailable("counted from cold alone: --evidence all counts all");
      continue;
    }
    const WeightSet part = countable_part(*item.weights);
    if (!counted.contains(item.policy) && !part.tensors.empty()) {
      Counted& of_policy = counted[item.policy];
      const Case read{&count.plain_read, item.policy, &part, Start::cold};
      count.at_boundary(record, [&] { of_policy.um = count.loop.um_traffic(read); });
      of_policy.failure = record.failure;
      count.loop.clear();  // it refers to `part`
    }
    const Counted& of_policy = counted[item.policy];
    record.evidence.um = of_policy.um;
    if (record.failure.empty() && !of_policy.failure.empty()) {
      // What one read of a policy shows to be wrong is wrong of all.
      count.at_boundary(record, [&] { throw std::runtime_error(of_policy.failure); });
    }
  }
}

}  // namespace offload
