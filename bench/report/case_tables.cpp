// SPDX-License-Identifier: Apache-2.0
#include "bench/report/case_tables.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"

namespace offload {
namespace {

/// A column of figures, right-aligned, and how a passed case fills it.
struct Figure {
  std::string title;
  std::string (*text)(const CaseRecord&);
};

std::string size_or_dash(std::size_t bytes) {
  return bytes == 0 ? "-" : format_size_rounded(bytes);
}

bool has_share(const CaseRecord* record) { return record->share_of_link.has_value(); }

bool has_overlap(const CaseRecord* record) { return record->model && record->model->overlap; }

std::string median_text(const CaseRecord& record) { return format_seconds(record.summary->median); }

std::string rate_number(const CaseRecord& record) { return three_digits(record.rate() / 1e9); }

std::string step_number(const CaseRecord& record) {
  return three_digits(1e9 * record.summary->median / static_cast<double>(record.steps));
}

std::string share_number(const CaseRecord& record) {
  return record.share_of_link ? percent_number(*record.share_of_link) : "-";
}

std::string spread_number(const CaseRecord& record) {
  return percent_number(record.summary->coefficient_of_variation);
}

std::string tokens_number(const CaseRecord& record) {
  return record.model ? three_digits(record.model->tokens_per_second) : "-";
}

/// None of the transfer is hidden where a pass takes longer than copying and computing in turn.
std::string overlap_number(const CaseRecord& record) {
  if (!has_overlap(&record)) return "-";
  constexpr double shown = 0.0005;  // what one decimal of a percentage distinguishes from nothing
  const double overlap = *record.model->overlap;
  return overlap >= shown ? percent_number(overlap) : "none";
}

std::string device_memory(const CaseRecord& record) {
  return record.model ? size_or_dash(record.model->memory.device) : "-";
}

std::string host_memory(const CaseRecord& record) {
  if (!record.model) return "-";
  const Footprint& memory = record.model->memory;
  return size_or_dash(memory.pinned + memory.pageable + memory.managed);
}

std::vector<Figure> figures_of(const Ranking& ranking) {
  const bool latency = ranking.cases.front()->steps > 0;
  std::vector<Figure> figures{{"median", median_text}};
  figures.push_back(latency ? Figure{"ns/step", step_number} : Figure{"GB/s", rate_number});
  if (std::ranges::any_of(ranking.cases, has_share)) {
    figures.push_back({"% of link", share_number});
  }
  figures.push_back({"spread %", spread_number});
  return figures;
}

std::vector<Figure> model_figures_of(const Ranking& ranking) {
  std::vector<Figure> figures{{"tokens/s", tokens_number}};
  if (std::ranges::any_of(ranking.cases, has_share)) figures.push_back({"link %", share_number});
  if (std::ranges::any_of(ranking.cases, has_overlap)) {
    figures.push_back({"overlap %", overlap_number});
  }
  figures.push_back({"HBM", device_memory});
  figures.push_back({"host", host_memory});
  return figures;
}

/// A warm case among what is fast when warm, all others from cold.
std::string verdict(const CaseRecord& record, const Ranking& ranking) {
  if (const auto excluded = exclusion(record)) {
    if (*excluded == Exclusion::failed) return "FAILED";
    return *excluded == Exclusion::no_samples ? "no samples" : "is on the GPU";
  }
  const auto& contest = ranking.contest(record.start);
  const auto found = place(contest, record);
  if (!found) return "-";
  if (contest->ranked.size() == 1) return "no rival";
  if (found->rank == 1) return record.start == name(Start::warm) ? "best when warm" : "best";
  if (found->ties_with_best) return "same as best";
  return times(found->times_slower) + " slower";
}

Table table_of(const Ranking& ranking, const std::vector<Figure>& figures) {
  std::vector<Table::Column> columns{{"policy"}, {"start"}};
  for (const Figure& figure : figures) columns.push_back({figure.title, Table::Align::right});
  columns.push_back({"verdict"});
  Table table(std::move(columns));
  for (const CaseRecord* record : in_table_order(ranking)) {
    std::vector<std::string> cells{record->policy, record->start};
    for (const Figure& figure : figures) {
      cells.push_back(passed(*record) ? figure.text(*record) : "-");
    }
    cells.push_back(verdict(*record, ranking));
    table.add(std::move(cells));
  }
  return table;
}

/// "gemv of llama3.1-8b.o_proj (4096x4096 bf16, 32 MiB)"
std::string title(const Ranking& ranking) {
  const WeightSet& weights = ranking.cases.front()->weights;
  std::string text = ranking.label + " of " + ranking.weights + " (";
  if (weights.tensors.size() == 1) {
    const WeightTensor& tensor = weights.tensors.front();
    text += std::to_string(tensor.rows) + 'x' + std::to_string(tensor.cols) + ' ' +
            std::string(name(tensor.dtype));
  } else {
    text += count(weights.tensors.size(), "tensor");
  }
  return text + ", " + format_size_rounded(weights.bytes()) + ")";
}

/// "decode/tokens:1 of llama3.1-70b: 30 GiB offloaded, 98 GiB resident; measured on 4 of 80 layers
/// and scaled by bytes"
std::string model_title(const Ranking& ranking) {
  const ModelSlice& slice = *ranking.cases.front()->weights.slice;
  std::string text = ranking.label + " of " + ranking.weights + ": " +
                     format_size_rounded(slice.offloaded_bytes) + " offloaded";
  if (slice.resident_bytes > 0) {
    text += ", " + format_size_rounded(slice.resident_bytes) + " resident";
  }
  if (slice.layers_measured == slice.layers) return text;
  return text + "; measured on " + std::to_string(slice.layers_measured) + " of " +
         count(slice.layers, "layer") + " and scaled by bytes";
}

/// Whether one of its passed cases has figures of a whole model.
bool is_model_pass(const Ranking& ranking) {
  return std::ranges::any_of(ranking.cases,
                             [](const CaseRecord* record) { return record->model.has_value(); });
}

}  // namespace

std::vector<const CaseRecord*> in_table_order(const Ranking& ranking) {
  std::vector<const CaseRecord*> rows = ranking.cases;
  const auto part = [](const CaseRecord* record) {
    if (!passed(*record)) return 2;
    return record->start == name(Start::warm) ? 1 : 0;
  };
  std::ranges::stable_sort(rows, [&](const CaseRecord* one, const CaseRecord* other) {
    if (part(one) != part(other)) return part(one) < part(other);
    return part(one) < 2 && one->summary->median < other->summary->median;
  });
  return rows;
}

void write_cases(Page& page, const Ranking& ranking) {
  const bool model = is_model_pass(ranking);
  page.heading(model ? model_title(ranking) : title(ranking));
  page.table(table_of(ranking, model ? model_figures_of(ranking) : figures_of(ranking)));
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
  if (overlap) text += " overlap %: of the transfer time, how much is hidden by computing.";
  return text + " HBM and host: memory for all weights of the model.";
}

}  // namespace offload
