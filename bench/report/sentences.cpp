// SPDX-License-Identifier: Apache-2.0
#include "bench/report/sentences.hpp"

#include "bench/core/text.hpp"

namespace offload {
namespace {

constexpr std::size_t max_names = 4;

/// "5.62 tokens/s"
std::string tokens_text(const CaseRecord& record) {
  return three_digits(record.model->tokens_per_second) + " tokens/s";
}

/// "1.2 GiB of GPU memory"
std::string device_memory_text(const CaseRecord& record) {
  const std::size_t bytes = record.model->memory.device;
  return (bytes == 0 ? "no" : format_size_rounded(bytes) + " of") + " GPU memory";
}

/// "55.0 GB/s (99 % of the link)", or "1.19 us a step" for a workload that measures latency.
std::string speed(const CaseRecord& record) {
  if (record.model) return tokens_text(record) + " with " + device_memory_text(record);
  if (record.steps > 0) {
    return format_seconds(record.summary->median / static_cast<double>(record.steps)) + " a step";
  }
  std::string text = format_rate(record.rate());
  if (!record.share_of_link) return text;
  const std::string share = percent(*record.share_of_link) + " of the link";
  if (!is_split(record)) return text + " (" + share + ')';
  return text + " (" + share + " for the part that crosses it, " + percent(cpu_share(record)) +
         " read by the CPU)";
}

/// Of models that tie, each has its own cost in GPU memory.
std::string first_place(const Contest& contest) {
  const CaseRecord& best = contest.best();
  std::vector<std::string> names;
  for (const CaseRecord* record : contest.tied) {
    const bool costs = best.model && contest.tied.size() > 1;
    names.push_back(record->policy + (costs ? " (" + device_memory_text(*record) + ')' : ""));
  }
  if (names.size() == 1) return names.front() + " wins at " + speed(best);
  return enumerate(names, max_names) + " tie at " + (best.model ? tokens_text(best) : speed(best));
}

std::string winners(const Contest& contest) {
  const CaseRecord& best = contest.best();
  if (contest.ranked.size() == 1) {
    return best.policy + (best.model ? " reaches " : " reads at ") + speed(best) +
           ", with no rival";
  }
  if (contest.runner_up == nullptr) return first_place(contest);
  const CaseRecord& next = *contest.runner_up;
  return first_place(contest) + ", " + next.policy + " is " + times(times_slower(next, best)) +
         " slower at " + speed(next);
}

/// "; with all weights resident 230 tokens/s in 16 GiB of GPU memory"; "" where it is not known.
std::string model_if_resident(const CaseRecord* resident) {
  if (resident == nullptr || !resident->model) return "";
  return "; with all weights resident " + tokens_text(*resident) + " in " +
         device_memory_text(*resident);
}

std::string selected_by(const CaseRecord& best) {
  if (best.engine_flags.empty()) return "; no engine flag selects " + best.policy;
  return "; engine flags of " + best.policy + ": " + best.engine_flags;
}

std::string if_resident(const CaseRecord* resident, const CaseRecord& best) {
  constexpr double worth_saying = 1.05;
  if (best.model) return model_if_resident(resident) + selected_by(best);
  if (resident == nullptr) return "";
  const double gain = times_slower(best, *resident);
  if (gain < worth_saying) return "; weights that stay on the GPU would be read no faster";
  return "; weights that stay on the GPU would be read " + times(gain) + " faster";
}

std::string without_contest(const CaseRecord* resident) {
  if (resident == nullptr) return "no policy passed";
  if (resident->model) return "no policy that offloads passed" + model_if_resident(resident);
  return "nothing was read from host memory; weights on the GPU are read at " + speed(*resident) +
         " (" + resident->policy + ")";
}

}  // namespace

std::vector<std::string> winner_sentences(const Ranking& ranking) {
  const std::string subject = ranking.label + " of " + ranking.weights;
  const std::optional<Contest>& cold = ranking.cold;
  const std::optional<Contest>& warm = ranking.warm;
  if (!cold && !warm) return {subject + ": " + without_contest(ranking.resident) + '.'};
  const bool both = cold && warm;
  if (both && winners(*cold) == winners(*warm)) {
    return {subject + ", cold and warm: " + winners(*cold) +
            if_resident(ranking.resident, cold->best()) + '.'};
  }
  std::vector<std::string> sentences;
  if (cold) {
    sentences.push_back(subject + (both ? ", cold: " : ": ") + winners(*cold) +
                        if_resident(ranking.resident, cold->best()) + '.');
  }
  if (warm) {
    sentences.push_back(subject + ", warm: " + winners(*warm) +
                        (both ? "" : if_resident(ranking.resident, warm->best())) + '.');
  }
  return sentences;
}

}  // namespace offload
