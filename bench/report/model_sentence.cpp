// SPDX-License-Identifier: Apache-2.0
#include "bench/report/model_sentence.hpp"

#include "bench/report/model_table.hpp"
#include "bench/report/numbers.hpp"
#include "bench/report/sentence.hpp"

namespace offload {
namespace {

constexpr std::size_t max_names = 4;

std::string figures(const CaseRecord& record) {
  return tokens_text(record) + " with " + device_memory_text(record);
}

}  // namespace

std::string model_winners(const std::vector<const CaseRecord*>& ranked) {
  const CaseRecord& best = *ranked.front();
  if (ranked.size() == 1) return best.policy + " reaches " + figures(best) + ", with no rival";
  std::vector<std::string> tied;
  std::vector<std::string> costs;
  const CaseRecord* next = nullptr;
  for (const CaseRecord* record : ranked) {
    if (ties(best, *record)) {
      tied.push_back(record->policy);
      costs.push_back(record->policy + " (" + device_memory_text(*record) + ')');
    } else if (next == nullptr) {
      next = record;
    }
  }
  std::string text = tied.size() == 1
                         ? best.policy + " wins at " + figures(best)
                         : enumerate(costs, max_names) + " tie at " + tokens_text(best);
  if (next == nullptr) return text;
  return text + ", " + next->policy + " is " + times(times_slower(*next, best)) + " slower at " +
         figures(*next);
}

std::string model_bound(const CaseRecord* bound) {
  if (bound == nullptr || !bound->model) return "";
  return "; with all weights resident " + tokens_text(*bound) + " in " + device_memory_text(*bound);
}

std::string selected_by(const CaseRecord& best) {
  if (best.engine_flags.empty()) return "; no engine flag selects " + best.policy;
  return "; engine flags of " + best.policy + ": " + best.engine_flags;
}

}  // namespace offload
