// SPDX-License-Identifier: Apache-2.0
#include "bench/report/standing.hpp"

#include <algorithm>

namespace offload {
namespace {

constexpr double same_below = 1.01;

bool faster(const CaseRecord* one, const CaseRecord* other) {
  return one->summary->median < other->summary->median;
}

}  // namespace

std::vector<CaseGroup> group_cases(const std::vector<CaseRecord>& cases) {
  std::vector<CaseGroup> groups;
  for (const auto& record : cases) {
    const auto same = [&](const CaseGroup& group) {
      return group.workload == record.label && group.weights == record.weights.name;
    };
    auto group = std::ranges::find_if(groups, same);
    if (group == groups.end()) {
      groups.push_back({record.label, record.weights.name, {}});
      group = std::prev(groups.end());
    }
    group->cases.push_back(&record);
  }
  return groups;
}

bool passed(const CaseRecord& record) {
  return record.failure.empty() && record.summary && record.summary->median > 0;
}

bool competes(const CaseRecord& record) {
  return passed(record) && record.path != Path::device_memory;
}

bool is_split(const CaseRecord& record) { return record.cpu_bytes > 0 && record.link_bytes > 0; }

double cpu_share(const CaseRecord& record) {
  return static_cast<double>(record.cpu_bytes) / static_cast<double>(record.bytes.requested);
}

bool ties(const CaseRecord& one, const CaseRecord& other) {
  const Summary& fast = faster(&one, &other) ? *one.summary : *other.summary;
  const Summary& slow = faster(&one, &other) ? *other.summary : *one.summary;
  return slow.median < same_below * fast.median || slow.p25 <= fast.p75;
}

std::vector<const CaseRecord*> contest(const CaseGroup& group, Start start) {
  std::vector<const CaseRecord*> ranked;
  bool has_warm = false;
  for (const CaseRecord* record : group.cases) {
    if (!competes(*record)) continue;
    if (record->start != name(start) && record->start != name(Start::steady)) continue;
    has_warm |= record->start == name(Start::warm);
    ranked.push_back(record);
  }
  if (start == Start::warm && !has_warm) return {};
  std::ranges::stable_sort(ranked, faster);
  return ranked;
}

double times_slower(const CaseRecord& other, const CaseRecord& record) {
  if (other.model && record.model) return other.model->seconds / record.model->seconds;
  return other.summary->median / record.summary->median;
}

const CaseRecord* resident_bound(const CaseGroup& group) {
  const CaseRecord* best = nullptr;
  for (const CaseRecord* record : group.cases) {
    if (!passed(*record) || record->path != Path::device_memory) continue;
    if (best == nullptr || faster(record, best)) best = record;
  }
  return best;
}

}  // namespace offload
