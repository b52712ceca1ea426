// SPDX-License-Identifier: Apache-2.0
#include "bench/report/answers.hpp"

#include <utility>

#include "bench/report/sentences.hpp"

namespace offload {
namespace {

constexpr double most = 0.8;  // of a limit: what is left is overhead, not another limit

LimitedBy limit_of_cpu(const CaseRecord& record, const Calibration& calibration) {
  return record.rate() >= most * calibration.host_read ? LimitedBy::host_memory : LimitedBy::cpu;
}

}  // namespace

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
    case LimitedBy::unknown:
      break;
  }
  return "unknown";
}

std::vector<Answer> answers(const RunRecord& run) {
  std::vector<Answer> answers;
  for (Ranking& ranking : rank(run.cases)) {
    std::vector<std::string> sentences = winner_sentences(ranking);
    answers.push_back({std::move(ranking), std::move(sentences)});
  }
  return answers;
}

LimitedBy limited_by(const CaseRecord& record, const CaseRecord* resident,
                     const Calibration& calibration) {
  if (record.steps > 0) return LimitedBy::latency;
  if (is_split(record)) return LimitedBy::link_and_cpu;
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
