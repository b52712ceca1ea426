// SPDX-License-Identifier: Apache-2.0
#include "bench/report/sentence.hpp"

#include <algorithm>

#include "bench/report/model_sentence.hpp"
#include "bench/report/numbers.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr std::size_t max_names = 4;

/// "55.0 GB/s (99 % of the link)", or "1.19 us a step" for a workload that measures latency.
std::string speed(const CaseRecord& record) {
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

std::string winners(const std::vector<const CaseRecord*>& ranked) {
  const CaseRecord& best = *ranked.front();
  if (best.model) return model_winners(ranked);
  std::vector<std::string> tied;
  const CaseRecord* next = nullptr;
  for (const CaseRecord* record : ranked) {
    if (ties(best, *record)) {
      tied.push_back(record->policy);
    } else if (next == nullptr) {
      next = record;
    }
  }
  if (ranked.size() == 1) return best.policy + " reads at " + speed(best) + ", with no rival";
  std::string text =
      enumerate(tied, max_names) + (tied.size() > 1 ? " tie" : " wins") + " at " + speed(best);
  if (next != nullptr) {
    text += ", " + next->policy + " is " + times(times_slower(*next, best)) + " slower at " +
            speed(*next);
  }
  return text;
}

std::string if_resident(const CaseRecord* bound, const CaseRecord& best) {
  constexpr double worth_saying = 1.05;
  if (best.model) return model_bound(bound) + selected_by(best);
  if (bound == nullptr) return "";
  const double gain = times_slower(best, *bound);
  if (gain < worth_saying) return "; weights that stay on the GPU would be read no faster";
  return "; weights that stay on the GPU would be read " + times(gain) + " faster";
}

}  // namespace

std::string enumerate(const std::vector<std::string>& names, std::size_t most) {
  if (names.size() > most && most > 0) {
    std::vector<std::string> shown(names.begin(),
                                   names.begin() + static_cast<std::ptrdiff_t>(most - 1));
    shown.push_back(std::to_string(names.size() - shown.size()) + " others");
    return enumerate(shown, shown.size());
  }
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::vector<std::string> winner_sentences(const CaseGroup& group) {
  const std::string subject = group.workload + " of " + group.weights;
  const CaseRecord* const bound = resident_bound(group);
  const auto cold = contest(group, Start::cold);
  const auto warm = contest(group, Start::warm);
  if (cold.empty() && warm.empty()) {
    if (bound == nullptr) return {subject + ": no policy passed."};
    if (bound->model) {
      return {subject + ": no policy that offloads passed" + model_bound(bound) + '.'};
    }
    return {subject + ": nothing was read from host memory; weights on the GPU are read at " +
            speed(*bound) + " (" + bound->policy + ")."};
  }
  std::vector<std::string> sentences;
  const bool both = !cold.empty() && !warm.empty();
  if (both && winners(cold) == winners(warm)) {
    return {subject + ", cold and warm: " + winners(cold) + if_resident(bound, *cold.front()) +
            '.'};
  }
  if (!cold.empty()) {
    sentences.push_back(subject + (both ? ", cold: " : ": ") + winners(cold) +
                        if_resident(bound, *cold.front()) + '.');
  }
  if (!warm.empty()) {
    sentences.push_back(subject + ", warm: " + winners(warm) +
                        (both ? "" : if_resident(bound, *warm.front())) + '.');
  }
  return sentences;
}

}  // namespace offload
