// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/traffic_count.hpp"

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace offload {
namespace {

bool to_be_counted(const Case& item, const CaseRecord& record) {
  return record.complete && item.policy->driver_handles_pages();
}

/// Ranges of the cases that share their weights, from the last to the first: the last weights are
/// still there.
std::vector<std::pair<std::size_t, std::size_t>> by_weights(std::span<const Case* const> cases) {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (std::size_t last = cases.size(); last > 0;) {
    std::size_t first = last - 1;
    while (first > 0 && cases[first - 1]->weights == cases[last - 1]->weights) --first;
    ranges.emplace_back(first, last);
    last = first;
  }
  return ranges;
}

/// Cases of one policy that the driver treats alike: from cold by who reads, and by the size of
/// the chunks; nothing happens when warm, whoever reads.
std::string kind_of(const Case& item) {
  std::string kind = std::string(item.policy->name()) + ' ' + std::string(name(item.start));
  if (item.start == Start::warm) return kind;
  const auto choice = item.workload->choice();
  const bool chunks = choice && choice->letter == 'c';
  return kind + ' ' + (chunks ? item.workload->label() : std::string(item.workload->name()));
}

}  // namespace

void count_every_kind(const TrafficCount& count) {
  std::map<std::string, std::string> counted;  // the case that stands for its kind
  for (const auto& [first, last] : by_weights(count.cases)) {
    for (std::size_t i = first; i < last; ++i) {
      const Case& item = *count.cases[i];
      CaseRecord& record = count.records[i];
      if (!to_be_counted(item, record)) continue;
      const auto [known, is_first] = counted.emplace(kind_of(item), record.name);
      if (!is_first) {
        record.evidence.um = Found<UmTraffic>::unavailable("counted for " + known->second);
      }
      if (!is_first && !record.series) continue;
      const bool counts = is_first;  // clang before 16 cannot capture a structured binding
      count.at_boundary(record, [&] {
        if (counts) record.evidence.um = count.loop.um_traffic(item);
        if (!record.series) return;
        record.series->um = count.loop.um_series(item, record.series->seconds.size());
      });
    }
  }
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
