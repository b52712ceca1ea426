// SPDX-License-Identifier: Apache-2.0
#include "bench/report/case_tables.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/report/variability.hpp"

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
bool has_share_of_memory(const CaseRecord* record) { return record->share_of_memory.has_value(); }

std::string median_text(const CaseRecord& record) {
  return seconds_text(record, record.summary->median);
}

/// A figure that follows from the seconds of a pass, of the median; with a range where it is rough.
template <typename Figure>
std::string of_pass(const CaseRecord& record, const Figure& figure) {
  const Summary& pass = *record.summary;
  if (!is_rough(record)) return three_digits(figure(pass.median));
  const auto [least, most] = std::minmax({figure(pass.min), figure(pass.max)});
  return rough(figure(pass.median), least, most);
}

std::string rate_number(const CaseRecord& record) {
  const auto bytes = static_cast<double>(record.bytes.requested);
  return of_pass(record, [&](double seconds) { return 1e-9 * bytes / seconds; });
}

std::string step_number(const CaseRecord& record) {
  const auto steps = static_cast<double>(record.steps);
  return of_pass(record, [&](double seconds) { return 1e9 * seconds / steps; });
}

template <std::optional<double> CaseRecord::*share>
std::string share_number(const CaseRecord& record) {
  if (!(record.*share)) return "-";
  return is_rough(record) ? two_digits(100 * *(record.*share)) : percent_number(*(record.*share));
}

std::string kept_number(const CaseRecord& record) { return times(times_kept(record)); }

std::string spread_number(const CaseRecord& record) {
  return percent_number(record.summary->coefficient_of_variation);
}

std::string tokens_number(const CaseRecord& record) {
  if (!record.model || !record.model->tokens_per_second) return "-";
  const ModelFigures& model = *record.model;
  const auto tokens = static_cast<double>(record.tokens);
  // What of the model is resident and not in the slice takes as long whatever the sample.
  const double fixed = model.seconds - record.summary->median * model.scale;
  return of_pass(record, [&](double seconds) { return tokens / (seconds * model.scale + fixed); });
}

std::string_view short_name(BoundBy by) {
  switch (by) {
    case BoundBy::host_memory:
    case BoundBy::one_memory:
      return "DRAM";
    case BoundBy::device_memory:
      return "HBM";
    default:
      return name(by);
  }
}

/// "8.41 link": tokens/s that the machine allows, and what of it that is.
std::string bound_text(const CaseRecord& record) {
  if (!record.model || !record.model->bound) return "-";
  const ModelBound& bound = *record.model->bound;
  if (!bound.tokens_per_second) return "-";
  return three_digits(*bound.tokens_per_second) + ' ' + std::string(short_name(bound.by));
}

std::string device_memory(const CaseRecord& record) {
  return record.model ? size_or_dash(record.model->memory.device) : "-";
}

std::string all_memory(const CaseRecord& record) {
  if (!record.model) return "-";
  const Footprint& memory = record.model->memory;
  return size_or_dash(memory.device + memory.pinned + memory.pageable + memory.managed +
                      memory.peer);
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
    figures.push_back({"% of link", share_number<&CaseRecord::share_of_link>});
  }
  if (std::ranges::any_of(ranking.cases, has_share_of_memory)) {
    figures.push_back({"% of memory", share_number<&CaseRecord::share_of_memory>});
  }
  if (in_one_memory(ranking)) figures.push_back({"kept", kept_number});
  figures.push_back({"spread %", spread_number});
  return figures;
}

std::vector<Figure> model_figures(const Ranking& ranking) {
  const std::vector<Figure> first{{"tokens/s", tokens_number}, {"bound", bound_text}};
  std::vector<Figure> memory{{"HBM", device_memory}, {"host", host_memory}};
  if (in_one_memory(ranking)) memory = {{"memory", all_memory}, {"kept", kept_number}};
  memory.insert(memory.begin(), first.begin(), first.end());
  return memory;
}

std::string excluded_text(Exclusion why, const CaseRecord& record) {
  switch (why) {
    case Exclusion::failed:
      return "FAILED";
    case Exclusion::no_samples:
      return "no samples";
    case Exclusion::on_gpu:
      return "is on the GPU";
    case Exclusion::on_peer:
      return "is on another GPU";
    case Exclusion::unsettled:
      return "still migrates";
    case Exclusion::beside:
      return "beside other traffic";
    case Exclusion::first_pass:
      break;
  }
  const std::string time = record.model ? ' ' + seconds_text(record, record.model->seconds) : "";
  return "first pass" + time;
}

/// A warm case among what is fast when warm, all others from cold.
std::string standing_text(const CaseRecord& record, const Ranking& ranking) {
  if (const auto excluded = exclusion(record)) return excluded_text(*excluded, record);
  const auto& contest = ranking.contest(record.start);
  const auto found = place(contest, record);
  if (!found) return "-";
  if (contest->ranked.size() == 1) return "no rival";
  if (found->rank == 1) return record.start == name(Start::warm) ? "best when warm" : "best";
  if (found->ties_with_best) return "same as best";
  return times(found->times_slower) + " slower";
}

std::string verdict(const CaseRecord& record, const Ranking& ranking) {
  const std::string drifting = drift_text(record);
  return standing_text(record, ranking) + (drifting.empty() ? "" : "; " + drifting);
}

Tone tone_of(std::string_view verdict) {
  if (verdict.starts_with("best") || verdict.starts_with("same as best")) return Tone::good;
  return verdict.starts_with("FAILED") ? Tone::bad : Tone::plain;
}

Table table_of(const Ranking& ranking, const std::vector<Figure>& figures) {
  std::vector<Table::Column> columns{{"policy"}, {"start"}};
  for (const Figure& figure : figures) columns.push_back({figure.title, Table::Align::right});
  columns.push_back({"verdict", Table::Align::left, tone_of});
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

}  // namespace

bool is_model_pass(const Ranking& ranking) {
  return std::ranges::any_of(ranking.cases,
                             [](const CaseRecord* record) { return record->model.has_value(); });
}

std::string case_title(const Ranking& ranking) {
  return is_model_pass(ranking) ? model_title(ranking) : title(ranking);
}

std::vector<const CaseRecord*> in_table_order(const Ranking& ranking) {
  std::vector<const CaseRecord*> rows = ranking.cases;
  const auto part = [](const CaseRecord* record) {
    if (!passed(*record)) return 2;
    if (record->weights.slice) return record->lasts() ? 0 : 1;
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
  page.heading(case_title(ranking));
  page.table(table_of(ranking, model ? model_figures(ranking) : figures_of(ranking)));
}

std::string model_note(const std::vector<Ranking>& rankings) {
  if (std::ranges::none_of(rankings, is_model_pass)) return "";
  if (std::ranges::any_of(rankings, in_one_memory)) {
    return "tokens/s is what these kernels reach on weights alone: attention, KV cache, norms, "
           "embedding and head are left out. bound: what the one memory (DRAM) or the GPU's "
           "arithmetic (compute) allows. memory: for all weights of the model.";
  }
  return "tokens/s is what these kernels reach on weights alone: attention, KV cache, norms, "
         "embedding and head are left out. bound: what the link, the host's memory (DRAM), the "
         "GPU's (HBM) or its arithmetic (compute) allows. A first pass brings or maps the weights: "
         "no engine can stay in it, so it has no tokens/s; nor have weights that then are on the "
         "GPU, which is no offloading. HBM and host: memory for all weights of the model.";
}

}  // namespace offload
