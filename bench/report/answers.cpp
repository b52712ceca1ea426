// SPDX-License-Identifier: Apache-2.0
#include "bench/report/answers.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

constexpr double same_within = 0.01;

bool comes_out_of_one_memory(const CaseRecord* record) { return record->path == Path::one_memory; }

/// Least memory first: to a percent, which rounding to pages does not reach.
std::vector<const CaseRecord*> ranked_by_memory(std::vector<const CaseRecord*> ranked) {
  if (std::ranges::none_of(ranked, comes_out_of_one_memory)) return {};
  std::ranges::stable_sort(
      ranked, {}, [](const CaseRecord* record) { return std::lround(100 * times_kept(*record)); });
  return ranked;
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
  const auto apart = std::ranges::find_if_not(
      contest.ranked, [&](const CaseRecord* record) { return ties(contest.best(), *record); });
  contest.tied.assign(contest.ranked.begin(), apart);
  if (apart != contest.ranked.end()) contest.runner_up = *apart;
  const auto switchable = std::ranges::find_if(
      contest.ranked, [](const CaseRecord* record) { return !record->engine_flags.empty(); });
  if (switchable != contest.ranked.end()) contest.switchable = *switchable;
  contest.by_memory = ranked_by_memory(contest.ranked);
  return contest;
}

/// Weights that are on the GPU before every pass, whatever was read before: not those that have
/// come there, of which something may have stayed behind.
const CaseRecord* fastest_resident(const std::vector<const CaseRecord*>& cases) {
  const CaseRecord* best = nullptr;
  for (const CaseRecord* record : cases) {
    if (exclusion(*record) != Exclusion::on_gpu || !record->lasts()) continue;
    if (best == nullptr || faster(record, best)) best = record;
  }
  return best;
}

constexpr double most = 0.8;  // of a limit: what is left is overhead, not another limit

LimitedBy limit_of_cpu(const CaseRecord& record, const Calibration& calibration) {
  return record.rate() >= most * calibration.host_read ? LimitedBy::host_memory : LimitedBy::cpu;
}

}  // namespace

bool faster(const CaseRecord* one, const CaseRecord* other) {
  return one->summary->median < other->summary->median;
}

bool passed(const CaseRecord& record) {
  return record.failure.empty() && record.summary && record.summary->median > 0;
}

std::optional<Exclusion> exclusion(const CaseRecord& record) {
  if (!record.failure.empty()) return Exclusion::failed;
  if (!passed(record)) return Exclusion::no_samples;
  if (record.beside) return Exclusion::beside;
  if (record.unsettled) return Exclusion::unsettled;
  if (record.path == Path::device_memory) return Exclusion::on_gpu;
  if (record.path == Path::peer) return Exclusion::on_peer;
  if (record.weights.slice && record.start == name(Start::cold)) return Exclusion::first_pass;
  return std::nullopt;
}

double times_kept(const CaseRecord& record) {
  const auto all = [](const Footprint& taken) {
    return static_cast<double>(taken.device + taken.pinned + taken.managed + taken.pageable +
                               taken.peer);
  };
  if (!record.model || !record.weights.slice) {
    return all(record.footprint) / static_cast<double>(record.weights.bytes());
  }
  const ModelSlice& slice = *record.weights.slice;
  const double other = static_cast<double>(slice.other_bytes);
  return (all(record.model->memory) - other) /
         static_cast<double>(slice.offloaded_bytes + slice.resident_bytes);
}

bool keeps_once(const CaseRecord& record) {
  constexpr double slack = 1.05;
  return times_kept(record) < slack;
}

bool is_split(const CaseRecord& record) {
  return record.cpu_bytes > 0 && record.link_bytes.value_or(0) > 0;
}

double cpu_share(const CaseRecord& record) {
  return static_cast<double>(record.cpu_bytes) / static_cast<double>(record.bytes.requested);
}

bool ties(const CaseRecord& one, const CaseRecord& other) {
  const Summary& fast = faster(&one, &other) ? *one.summary : *other.summary;
  const Summary& slow = faster(&one, &other) ? *other.summary : *one.summary;
  // Another run may put two cases in the other order that differ by less than their runs do.
  const double of_runs = std::hypot(run_to_run(variability(one)), run_to_run(variability(other)));
  const double within = std::max(same_within, of_runs);
  return slow.median < (1 + within) * fast.median || slow.p25 <= fast.p75;
}

double times_slower(const CaseRecord& other, const CaseRecord& record) {
  if (other.model && record.model) return other.model->seconds / record.model->seconds;
  return other.summary->median / record.summary->median;
}

bool Contest::ties_with_best(const CaseRecord& record) const {
  return std::ranges::find(tied, &record) != tied.end();
}

std::optional<Place> place(const std::optional<Contest>& contest, const CaseRecord& record) {
  if (!contest) return std::nullopt;
  const auto& ranked = contest->ranked;
  const auto found = std::ranges::find(ranked, &record);
  if (found == ranked.end()) return std::nullopt;
  return Place{static_cast<std::size_t>(found - ranked.begin()) + 1,
               times_slower(record, contest->best()), contest->ties_with_best(record)};
}

const std::optional<Contest>& Ranking::contest(std::string_view start) const {
  return start == name(Start::warm) ? warm : cold;
}

bool in_one_memory(const Ranking& ranking) {
  return std::ranges::any_of(ranking.cases, comes_out_of_one_memory);
}

std::vector<Ranking> rank(const std::vector<CaseRecord>& cases) {
  std::vector<Ranking> rankings;
  for (const CaseRecord& record : cases) {
    if (record.beside) continue;  // what it shows is the traffic's part
    const auto same = [&](const Ranking& ranking) {
      return ranking.label == record.label && ranking.weights == record.weights.name &&
             ranking.gpus == record.gpus;
    };
    auto ranking = std::ranges::find_if(rankings, same);
    if (ranking == rankings.end()) {
      rankings.push_back(
          {record.workload, record.label, record.weights.name, record.gpus, {}, {}, {}, nullptr});
      ranking = std::prev(rankings.end());
    }
    ranking->cases.push_back(&record);
  }
  for (Ranking& ranking : rankings) {
    ranking.cold = contest_of(ranking.cases, Start::cold);
    ranking.warm = contest_of(ranking.cases, Start::warm);
    ranking.resident = fastest_resident(ranking.cases);
  }
  return rankings;
}

std::string_view name(LimitedBy limit) {
  switch (limit) {
    case LimitedBy::link:
      return "link";
    case LimitedBy::host_memory:
      return "host_memory";
    case LimitedBy::cpu:
      return "cpu";
    case LimitedBy::link_and_cpu:
      return "link_and_cpu";
    case LimitedBy::latency:
      return "latency";
    case LimitedBy::page_faults:
      return "page_faults";
    case LimitedBy::gpu:
      return "gpu";
    case LimitedBy::one_memory:
      return "one_memory";
    case LimitedBy::unknown:
      break;
  }
  return "unknown";
}

LimitedBy limited_by(const CaseRecord& record, const CaseRecord* resident,
                     const Calibration& calibration) {
  if (record.steps > 0) return LimitedBy::latency;
  if (is_split(record)) return LimitedBy::link_and_cpu;
  if (record.share_of_memory.value_or(0) >= most) return LimitedBy::one_memory;
  if (record.path == Path::host_memory) return limit_of_cpu(record, calibration);
  if (record.share_of_link.value_or(0) >= most) return LimitedBy::link;
  if (resident != nullptr && resident->summary->median >= most * record.summary->median) {
    return LimitedBy::gpu;
  }
  const auto& um = record.evidence.um.value;
  if (um && um->gpu_fault_groups > 0) return LimitedBy::page_faults;
  return LimitedBy::unknown;
}

}  // namespace offload
