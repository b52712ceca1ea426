// SPDX-License-Identifier: Apache-2.0
#include "bench/report/ranking.hpp"

#include <algorithm>
#include <iterator>

namespace offload {
namespace {

constexpr double same_below = 1.01;

bool faster(const CaseRecord* one, const CaseRecord* other) {
  return one->summary->median < other->summary->median;
}

std::optional<Contest> contest_of(const std::vector<const CaseRecord*>& cases, Start start) {
  Contest contest;
  bool has_warm = false;
  for (const CaseRecord* record : cases) {
    if (exclusion(*record)) continue;
    if (record->start != name(start) && record->start != name(Start::steady)) continue;
    has_warm |= record->start == name(Start::warm);
    contest.ranked.push_back(record);
  }
  if (contest.ranked.empty() || (start == Start::warm && !has_warm)) return std::nullopt;
  std::ranges::stable_sort(contest.ranked, faster);
  for (const CaseRecord* record : contest.ranked) {
    if (ties(contest.best(), *record)) {
      contest.tied.push_back(record);
    } else if (contest.runner_up == nullptr) {
      contest.runner_up = record;
    }
    if (contest.switchable == nullptr && !record->engine_flags.empty()) {
      contest.switchable = record;
    }
  }
  return contest;
}

const CaseRecord* fastest_on_gpu(const std::vector<const CaseRecord*>& cases) {
  const CaseRecord* best = nullptr;
  for (const CaseRecord* record : cases) {
    if (exclusion(*record) != Exclusion::on_gpu) continue;
    if (best == nullptr || faster(record, best)) best = record;
  }
  return best;
}

}  // namespace

bool passed(const CaseRecord& record) {
  return record.failure.empty() && record.summary && record.summary->median > 0;
}

std::optional<Exclusion> exclusion(const CaseRecord& record) {
  if (!record.failure.empty()) return Exclusion::failed;
  if (!passed(record)) return Exclusion::no_samples;
  if (record.path == Path::device_memory) return Exclusion::on_gpu;
  return std::nullopt;
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

double times_slower(const CaseRecord& other, const CaseRecord& record) {
  if (other.model && record.model) return other.model->seconds / record.model->seconds;
  return other.summary->median / record.summary->median;
}

std::optional<Place> place(const std::optional<Contest>& contest, const CaseRecord& record) {
  if (!contest) return std::nullopt;
  const auto& ranked = contest->ranked;
  const auto found = std::ranges::find(ranked, &record);
  if (found == ranked.end()) return std::nullopt;
  return Place{static_cast<std::size_t>(found - ranked.begin()) + 1,
               times_slower(record, contest->best()), ties(contest->best(), record)};
}

const std::optional<Contest>& Ranking::contest(std::string_view start) const {
  return start == name(Start::warm) ? warm : cold;
}

std::vector<Ranking> rank(const std::vector<CaseRecord>& cases) {
  std::vector<Ranking> rankings;
  for (const CaseRecord& record : cases) {
    const auto same = [&](const Ranking& ranking) {
      return ranking.label == record.label && ranking.weights == record.weights.name;
    };
    auto ranking = std::ranges::find_if(rankings, same);
    if (ranking == rankings.end()) {
      rankings.push_back({record.workload, record.label, record.weights.name, {}, {}, {}, nullptr});
      ranking = std::prev(rankings.end());
    }
    ranking->cases.push_back(&record);
  }
  for (Ranking& ranking : rankings) {
    ranking.cold = contest_of(ranking.cases, Start::cold);
    ranking.warm = contest_of(ranking.cases, Start::warm);
    ranking.resident = fastest_on_gpu(ranking.cases);
  }
  return rankings;
}

}  // namespace offload
