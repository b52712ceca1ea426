// SPDX-License-Identifier: Apache-2.0
// The answers of a run in sentences.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/together.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

constexpr std::size_t max_names = 4;

/// "5.62 tokens/s"
std::string tokens_text(const CaseRecord& record) {
  return figure_text(record, record.model->tokens_per_second.value_or(0)) + " tokens/s";
}

/// "1.2 GiB of GPU memory"
std::string device_memory_text(const CaseRecord& record) {
  const std::size_t bytes = record.model->memory.device;
  return (bytes == 0 ? "no" : format_size_rounded(bytes) + " of") + " GPU memory";
}

/// "99 % of what the memory gives, 25 % read by the CPU"
std::string share_of_memory_text(const CaseRecord& record) {
  std::string text = percent(*record.share_of_memory) + " of what the memory gives";
  const bool split = record.cpu_bytes > 0 && record.path != Path::host_memory;
  if (split) text += ", " + percent(cpu_share(record)) + " read by the CPU";
  return text;
}

/// "55.0 GB/s (99 % of the link)", or "1.19 us a step" for a workload that measures latency.
std::string speed(const CaseRecord& record) {
  if (record.model) return tokens_text(record) + " with " + device_memory_text(record);
  if (record.steps > 0) {
    return seconds_text(record, record.summary->median / static_cast<double>(record.steps)) +
           " a step";
  }
  std::string text = rate_text(record);
  if (record.share_of_memory) return text + " (" + share_of_memory_text(record) + ')';
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
           ", with nothing to compare it with";
  }
  if (contest.runner_up == nullptr) return first_place(contest);
  const CaseRecord& next = *contest.runner_up;
  return first_place(contest) + ", " + next.policy + " is " + times(times_slower(next, best)) +
         " slower at " + speed(next);
}

/// As far as the digits of the rougher one tell.
bool same_speed(const CaseRecord& one, const CaseRecord& other) {
  const CaseRecord& rougher = is_rough(one) ? one : other;
  return one.policy == other.policy &&
         figure_text(rougher, one.rate()) == figure_text(rougher, other.rate());
}

bool same_winners(const Contest& one, const Contest& other) {
  if ((one.runner_up == nullptr) != (other.runner_up == nullptr)) return false;
  if (one.runner_up != nullptr && !same_speed(*one.runner_up, *other.runner_up)) return false;
  return same_speed(one.best(), other.best()) &&
         std::ranges::equal(one.tied, other.tied, {}, &CaseRecord::policy, &CaseRecord::policy);
}

/// "; with all weights resident (device_resident) 230 tokens/s in 16 GiB of GPU memory"; "" where
/// it is not known.
std::string model_if_resident(const CaseRecord* resident) {
  if (resident == nullptr || !resident->model) return "";
  return "; with all weights resident (" + resident->policy + ") " + tokens_text(*resident) +
         " in " + device_memory_text(*resident);
}

/// "vLLM --x or SGLang --y"
std::string flags_text(const CaseRecord& record) {
  std::string text = record.engine_flags;
  constexpr std::string_view apart = "; ";
  for (std::size_t at = text.find(apart); at != std::string::npos; at = text.find(apart, at)) {
    text.replace(at, apart.size(), " or ");
  }
  return text;
}

/// "no engine has a (2026-11; nearest: vLLM --x, by whole layers)"
std::string not_in_engines(const CaseRecord& best) {
  std::string text = "no engine has " + best.policy + " (" + std::string(engines_as_of);
  if (!best.nearest_engine.empty()) text += "; nearest: " + best.nearest_engine;
  return text + ')';
}

/// The second winner: the best that an engine can switch on today, and how.
std::string switched_on(const Contest& contest) {
  const CaseRecord& best = contest.best();
  if (!best.engine_flags.empty()) {
    return "; an engine switches " + best.policy + " on with " + flags_text(best);
  }
  const bool offloads = !best.is_resident();
  std::string text =
      "; " + (offloads ? not_in_engines(best)
                       : "engines do as " + best.policy + " does where nothing is offloaded");
  if (contest.switchable == nullptr) {
    const bool others = offloads && contest.ranked.size() > 1;
    return text + (others ? ", nor another policy measured here" : "");
  }
  const CaseRecord& other = *contest.switchable;
  text += ", the best that one switches on today is " + other.policy;
  if (contest.ties_with_best(other)) {
    text += ", as fast";
  } else if (&other != contest.runner_up) {  // whose figures stand there already
    text += ", " + times(times_slower(other, best)) + " slower at " + speed(other);
  }
  return text + ", by " + flags_text(other);
}

std::string if_resident(const CaseRecord* resident, const CaseRecord& best) {
  constexpr double worth_saying = 1.05;
  if (best.model) return model_if_resident(resident);
  if (resident == nullptr) return "";
  const double gain = times_slower(best, *resident);
  if (gain < worth_saying) return "; weights that stay on the GPU would be read no faster";
  return "; weights that stay on the GPU would be read " + times(gain) + " faster";
}

/// "a and b keep the weights once, as fast as any; c takes 1.10x their bytes, d 2.00x"; "" where
/// GPU and CPU have a memory each.
std::string kept_once_or_twice(const Contest& contest) {
  std::vector<std::string> once;
  std::vector<std::string> more;
  const CaseRecord* fastest = nullptr;
  for (const CaseRecord* record : contest.by_memory) {
    if (!keeps_once(*record)) {
      more.push_back(record->policy + (more.empty() ? " takes " : " ") +
                     times(times_kept(*record)) + (more.empty() ? " their bytes" : ""));
      continue;
    }
    if (fastest == nullptr || faster(record, fastest)) fastest = record;
    once.push_back(record->policy);
  }
  if (contest.by_memory.empty()) return "";
  if (fastest == nullptr) {
    return "no policy keeps the weights once: " + enumerate(more, max_names);
  }
  std::string text = enumerate(once, max_names) +
                     (once.size() == 1 ? " keeps the weights once" : " keep the weights once");
  if (contest.ties_with_best(*fastest)) {
    text += contest.ranked.size() > 1 ? ", as fast as any" : "";
  } else {
    if (once.size() > 1) text += ", " + fastest->policy + " the fastest of them";
    text += ", " + times(times_slower(*fastest, contest.best())) + " slower than " +
            contest.best().policy;
  }
  return more.empty() ? text : text + "; " + enumerate(more, max_names);
}

std::string without_contest(const Ranking& ranking) {
  const CaseRecord* on_gpu = nullptr;
  bool none_lasts = false;
  for (const CaseRecord* record : ranking.cases) {
    const auto why = exclusion(*record);
    none_lasts |= why == Exclusion::first_pass || why == Exclusion::unsettled;
    if (why == Exclusion::on_gpu && (on_gpu == nullptr || faster(record, on_gpu))) on_gpu = record;
  }
  if (none_lasts) {
    return "no policy passed in a state that an engine can stay in" +
           model_if_resident(ranking.resident);
  }
  if (on_gpu == nullptr) return "no policy passed";
  if (on_gpu->model) return "no policy that offloads passed" + model_if_resident(ranking.resident);
  return "nothing was read from host memory; weights on the GPU are read at " + speed(*on_gpu) +
         " (" + on_gpu->policy + ")";
}

/// "gemv of w: pinned_copy wins at 50.0 GB/s (80 % of the link), ...; an engine switches
/// pinned_copy on by ..." or, of a model, "decode of m: hybrid_split wins at 5.60 tokens/s with 1.2
/// GiB of GPU memory, ...". One sentence; two where policies that keep nothing on the GPU also
/// differ by start; and on one memory another, of second copies.
std::vector<std::string> winner_sentences(const Ranking& ranking) {
  const std::string subject = ranking.label + " of " + ranking.weights + on_gpus(ranking.gpus);
  const std::optional<Contest>& cold = ranking.cold;
  const std::optional<Contest>& warm = ranking.warm;
  if (!cold && !warm) return {subject + ": " + without_contest(ranking) + '.'};
  const auto sentence = [&](const std::string& start, const Contest& contest, bool resident) {
    return subject + start + ": " + winners(contest) + switched_on(contest) +
           (resident ? if_resident(ranking.resident, contest.best()) : "") + '.';
  };
  const Contest& last = warm ? *warm : *cold;
  std::vector<std::string> sentences;
  const bool both = cold && warm;
  if (last.best().model) {
    sentences.push_back(sentence("", last, true));
  } else if (both && same_winners(*cold, *warm)) {
    sentences.push_back(sentence(", cold and warm", *cold, true));
  } else {
    if (cold) sentences.push_back(sentence(both ? ", cold" : "", *cold, true));
    if (warm) sentences.push_back(sentence(", warm", *warm, !both));
  }
  const std::string kept = kept_once_or_twice(last);
  if (!kept.empty()) sentences.push_back(subject + ", by memory: " + kept + '.');
  return sentences;
}

}  // namespace

std::vector<Answer> answers(const RunRecord& run) {
  std::vector<Answer> answers;
  for (Ranking& ranking : rank(run.cases)) {
    std::vector<std::string> sentences = winner_sentences(ranking);
    if (auto kept = together_sentence(ranking)) sentences.push_back(std::move(*kept));
    answers.push_back({std::move(ranking), std::move(sentences)});
  }
  return answers;
}

}  // namespace offload
