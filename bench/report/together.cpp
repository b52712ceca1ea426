// SPDX-License-Identifier: Apache-2.0
#include "bench/report/together.hpp"

#include <algorithm>

#include "bench/core/text.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/report/case_tables.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

using Align = Table::Align;

/// A policy from a start, on whatever GPUs.
std::string row_name(const CaseRecord& record) { return record.policy + ' ' + record.start; }

/// "54.3", in GB/s, or in tokens/s of a model.
std::string figure_of(const CaseRecord& record) {
  if (!passed(record)) return record.failure.empty() ? "-" : "FAILED";
  const bool model = record.model && record.model->tokens_per_second;
  return figure_text(record, model ? *record.model->tokens_per_second : record.rate() / 1e9);
}

std::string kept_text(const CaseRecord& record) {
  const bool known = record.together && record.together->ratio;
  return known ? percent_number(*record.together->ratio) : "-";
}

const CaseRecord* find_row(const Ranking& ranking, const CaseRecord& row) {
  const auto found = std::ranges::find_if(
      ranking.cases, [&](const CaseRecord* record) { return row_name(*record) == row_name(row); });
  return found == ranking.cases.end() ? nullptr : *found;
}

std::string rates_text(const Calibration& c) {
  std::string text;
  const auto add = [&](const std::string& what, std::optional<double> rate) {
    if (rate) text += (text.empty() ? "" : ", ") + what + ' ' + format_rate(*rate);
  };
  add("copy engine", c.copy_h2d);
  add("SM reads", c.sm_read_pinned);
  if (c.host_read > 0) add("its CPUs read", c.host_read);
  return text;
}

/// "110 GB/s (100 % of each alone)"
std::string shared_text(double together, double alone) {
  return format_rate(together) +
         (alone > 0 ? " (" + percent(together / alone) + " of the sum)" : "");
}

template <typename Rate>
double sum_of(const RunRecord& run, const Rate& rate) {
  double sum = 0;
  for (const GpuRun& gpu : run.gpus) sum += rate(gpu.calibration);
  return sum;
}

}  // namespace

std::optional<std::string> together_sentence(const Ranking& ranking) {
  constexpr double all = 0.97;
  constexpr std::size_t max_names = 4;
  std::vector<std::string> undisturbed;
  std::vector<std::string> disturbed;
  std::string verb = " keeps ";
  for (const CaseRecord* record : in_table_order(ranking)) {
    if (!passed(*record) || !record->together || !record->together->ratio) continue;
    const double ratio = *record->together->ratio;
    if (ratio >= all) {
      if (std::ranges::find(undisturbed, record->policy) == undisturbed.end()) {
        undisturbed.push_back(record->policy);
      }
    } else {
      disturbed.push_back(record->policy +
                          (record->start == "steady" ? "" : " (" + record->start + ")") + verb +
                          percent(ratio));
      verb = " ";
    }
  }
  if (undisturbed.empty() && disturbed.empty()) return std::nullopt;
  std::string text =
      ranking.label + " of " + ranking.weights + ", together" + on_gpus(ranking.gpus) + ": ";
  if (!undisturbed.empty()) {
    text += enumerate(undisturbed, max_names) + (undisturbed.size() == 1 ? " keeps " : " keep ") +
            percent(all) + " or more of what the GPUs reach alone";
    if (!disturbed.empty()) text += "; ";
  }
  text += enumerate(disturbed, max_names);
  if (undisturbed.empty()) text += " of what the GPUs reach alone";
  return text + '.';
}

void write_gpus(Page& page, const RunRecord& run) {
  if (run.gpus.empty()) return;
  for (const GpuRun& gpu : run.gpus) {
    std::string text = gpu.platform.gpu ? "GPU " + std::to_string(gpu.platform.gpu->index) : "-";
    text += " alone: " + rates_text(gpu.calibration) + "; " + count(gpu.cpus, "host thread");
    if (gpu.host_node) text += ", memory of node " + std::to_string(*gpu.host_node);
    page.item(text);
  }
  if (run.together) {
    const SharedRates& rates = *run.together;
    std::string text = "together: ";
    if (rates.copy_h2d) {
      text +=
          "copy engines " +
          shared_text(*rates.copy_h2d,
                      sum_of(run, [](const Calibration& c) { return c.copy_h2d.value_or(0); })) +
          ", ";
    }
    if (rates.sm_read_pinned) {
      text += "SMs read " +
              shared_text(
                  *rates.sm_read_pinned,
                  sum_of(run, [](const Calibration& c) { return c.sm_read_pinned.value_or(0); })) +
              ", ";
    }
    text += "CPUs read " +
            shared_text(rates.host_read,
                        sum_of(run, [](const Calibration& c) { return c.host_read; })) +
            "; they begin within " + format_seconds(rates.start.median) + " (" +
            format_seconds(rates.start.most) + " at most) of each other";
    page.item(text);
  }
  page.end_list();
}

void write_sets(Page& page, const std::vector<const Ranking*>& rankings) {
  std::vector<Table::Column> columns{{"policy"}, {"start"}};
  for (const Ranking* ranking : rankings) {
    const bool alone = ranking->gpus.size() == 1;
    columns.push_back({(alone ? "GPU " : "GPUs ") + gpus_text(ranking->gpus), Align::right});
    if (!alone) columns.push_back({"% of alone", Align::right});
  }
  Table table(std::move(columns));
  // In the order of the largest set, whose figure is the one to compare.
  for (const CaseRecord* row : in_table_order(*rankings.back())) {
    std::vector<std::string> cells{row->policy, row->start};
    for (const Ranking* ranking : rankings) {
      const CaseRecord* const record = find_row(*ranking, *row);
      cells.push_back(record == nullptr ? "-" : figure_of(*record));
      if (ranking->gpus.size() > 1) cells.push_back(record == nullptr ? "-" : kept_text(*record));
    }
    table.add(std::move(cells));
  }
  page.heading(case_title(*rankings.back()) + ": " +
               (is_model_pass(*rankings.back()) ? "tokens/s" : "GB/s") +
               " on each GPU alone, and on several together (bytes of all over the slowest)");
  page.table(table);
}

}  // namespace offload
