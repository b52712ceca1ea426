// SPDX-License-Identifier: Apache-2.0
#include "bench/report/model_table.hpp"

#include <algorithm>

#include "bench/core/text.hpp"

namespace offload {
namespace {

using Align = Table::Align;

std::string size_or_dash(std::size_t bytes) {
  return bytes == 0 ? "-" : format_size_rounded(bytes);
}

/// None of the transfer is hidden where a pass takes longer than copying and computing in turn.
std::string overlap_text(const ModelFigures& figures) {
  if (!figures.overlap) return "-";
  constexpr double shown = 0.0005;  // what one decimal of a percentage can tell from nothing
  return *figures.overlap >= shown ? percent_number(*figures.overlap) : "none";
}

bool has_share(const CaseRecord* record) { return record->share_of_link.has_value(); }

bool has_overlap(const CaseRecord* record) { return record->model && record->model->overlap; }

}  // namespace

bool is_model_pass(const Ranking& ranking) {
  return std::ranges::any_of(ranking.cases,
                             [](const CaseRecord* record) { return record->model.has_value(); });
}

std::string model_title(const Ranking& ranking) {
  const ModelSlice& slice = *ranking.cases.front()->weights.slice;
  std::string title = ranking.label + " of " + ranking.weights + ": " +
                      format_size_rounded(slice.offloaded_bytes) + " offloaded";
  if (slice.resident_bytes > 0) {
    title += ", " + format_size_rounded(slice.resident_bytes) + " resident";
  }
  if (slice.layers_measured == slice.layers) return title;
  return title + "; measured on " + std::to_string(slice.layers_measured) + " of " +
         count(slice.layers, "layer") + " and scaled by bytes";
}

Table model_table(const std::vector<const CaseRecord*>& rows,
                  const std::vector<std::string>& verdicts) {
  const bool link = std::ranges::any_of(rows, has_share);
  const bool overlap = std::ranges::any_of(rows, has_overlap);
  std::vector<Table::Column> columns{{"policy"}, {"start"}, {"tokens/s", Align::right}};
  if (link) columns.push_back({"link %", Align::right});
  if (overlap) columns.push_back({"overlap %", Align::right});
  columns.push_back({"HBM", Align::right});
  columns.push_back({"host", Align::right});
  columns.push_back({"verdict"});
  const std::size_t width = columns.size();
  Table table(std::move(columns));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CaseRecord& record = *rows[i];
    std::vector<std::string> cells{record.policy, record.start};
    if (record.model && passed(record)) {
      const ModelFigures& figures = *record.model;
      const Footprint& memory = figures.memory;
      cells.push_back(three_digits(figures.tokens_per_second));
      if (link) cells.push_back(record.share_of_link ? percent_number(*record.share_of_link) : "-");
      if (overlap) cells.push_back(overlap_text(figures));
      cells.push_back(size_or_dash(memory.device));
      cells.push_back(size_or_dash(memory.pinned + memory.pageable + memory.managed));
    }
    cells.resize(width - 1, "-");
    cells.push_back(verdicts[i]);
    table.add(std::move(cells));
  }
  return table;
}

std::string model_note(const std::vector<Ranking>& rankings) {
  bool any = false;
  bool link = false;
  bool overlap = false;
  for (const Ranking& ranking : rankings) {
    if (!is_model_pass(ranking)) continue;
    any = true;
    link |= std::ranges::any_of(ranking.cases, has_share);
    overlap |= std::ranges::any_of(ranking.cases, has_overlap);
  }
  if (!any) return "";
  std::string text =
      "tokens/s is the ceiling that weights alone allow: attention, KV cache, norms, embedding and "
      "head are left out.";
  if (link) text += " link %: of the copy engine's rate.";
  if (overlap) text += " overlap %: of the transfer time, what hides behind computing.";
  return text + " HBM and host: memory for all weights of the model.";
}

}  // namespace offload
