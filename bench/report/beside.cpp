// SPDX-License-Identifier: Apache-2.0
#include "bench/report/beside.hpp"

#include <algorithm>
#include <string>

#include "bench/core/text.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/report/answers.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

std::string gb_per_s(std::optional<double> rate) { return rate ? three_digits(*rate / 1e9) : "-"; }

std::string kept(std::optional<double> ratio) { return ratio ? percent_number(*ratio) : "-"; }

std::string of_case(const CaseRecord& record) {
  std::string text =
      record.label + ' ' + record.policy + ' ' + record.weights.name + ' ' + record.start;
  return text + on_gpus(record.gpus);
}

void write_kind(Page& page, const std::vector<const CaseRecord*>& cases) {
  using Align = Table::Align;
  Table table({{"case"},
               {"alone", Align::right},
               {"beside", Align::right},
               {"% kept", Align::right},
               {"traffic alone", Align::right},
               {"beside", Align::right},
               {"% kept", Align::right}});
  for (const CaseRecord* record : cases) {
    const CaseBeside& beside = *record->beside;
    const bool rated = passed(*record);
    table.add({of_case(*record), gb_per_s(beside.alone),
               rated                     ? gb_per_s(record->rate())
               : record->failure.empty() ? "-"
                                         : "FAILED",
               kept(beside.ratio), gb_per_s(beside.traffic_alone), gb_per_s(beside.traffic),
               kept(beside.traffic_ratio())});
  }
  const CaseBeside& first = *cases.front()->beside;
  std::string heading = "Beside " + first.kind + ", in units of " + format_size(first.unit_bytes);
  if (first.pace < 1) heading += ", paced to be busy " + percent(first.pace) + " of the time alone";
  page.heading(heading + ": GB/s of cases and of the traffic, each alone and both at once");
  page.table(table);
}

}  // namespace

void write_beside(Page& page, const std::vector<CaseRecord>& cases) {
  std::vector<std::string> kinds;
  for (const CaseRecord& record : cases) {
    if (!record.beside) continue;
    if (std::ranges::find(kinds, record.beside->kind) == kinds.end()) {
      kinds.push_back(record.beside->kind);
    }
  }
  for (const std::string& kind : kinds) {
    std::vector<const CaseRecord*> of_kind;
    for (const CaseRecord& record : cases) {
      if (record.beside && record.beside->kind == kind) of_kind.push_back(&record);
    }
    write_kind(page, of_kind);
  }
}

}  // namespace offload
