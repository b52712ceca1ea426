// SPDX-License-Identifier: Apache-2.0
#include "bench/report/predictions.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/report/answers.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

using Align = Table::Align;

struct PolicyErrors {
  std::string policy;
  std::vector<double> errors;
  std::size_t outside = 0;
};

/// In the order of the run.
std::vector<PolicyErrors> errors_of(const std::vector<CaseRecord>& cases) {
  std::vector<PolicyErrors> all;
  for (const CaseRecord& record : cases) {
    const auto error = prediction_error(record);
    if (!error) continue;
    auto found = std::ranges::find(all, record.policy, &PolicyErrors::policy);
    if (found == all.end()) found = all.insert(found, {record.policy, {}});
    found->errors.push_back(*error);
    if (!is_as_predicted(record)) ++found->outside;
  }
  return all;
}

}  // namespace

std::optional<double> prediction_error(const CaseRecord& record) {
  if (!passed(record) || !record.predicted || record.predicted->seconds <= 0) return std::nullopt;
  const double ratio = record.summary->median / record.predicted->seconds;
  return std::max(ratio, 1 / ratio) - 1;
}

bool is_as_predicted(const CaseRecord& record) {
  const double seconds = record.summary->median;
  return seconds >= record.predicted->least && seconds <= record.predicted->most;
}

void write_predictions(Page& page, const std::vector<CaseRecord>& cases) {
  const std::vector<PolicyErrors> all = errors_of(cases);
  if (all.empty()) return;
  Table table({{"policy"},
               {"cases", Align::right},
               {"median error", Align::right},
               {"worst", Align::right},
               {"outside the range", Align::right}});
  for (const PolicyErrors& one : all) {
    table.add({one.policy, std::to_string(one.errors.size()),
               percent_number(percentile(one.errors, 50)) + " %",
               percent_number(*std::ranges::max_element(one.errors)) + " %",
               std::to_string(one.outside)});
  }
  page.heading("Predicted from the calibration, against what was measured");
  page.table(table);
}

}  // namespace offload
