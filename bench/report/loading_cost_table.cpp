// SPDX-License-Identifier: Apache-2.0
#include "bench/report/loading_cost_table.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "bench/core/text.hpp"
#include "offload/start.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

using Align = Table::Align;

bool measured(const LoadingCost& cost) { return cost.failure.empty() && !cost.samples.empty(); }

double median(const LoadingCost& cost) { return percentile(cost.samples, 50); }

double seconds_per_gib(const LoadingCost& cost) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  return median(cost) * gib / static_cast<double>(cost.bytes);
}

const LoadingCost* find(std::span<const LoadingCost> costs, const std::string& way, Start start) {
  const auto found = std::ranges::find_if(
      costs, [&](const LoadingCost& cost) { return cost.way == way && cost.start == name(start); });
  return found == costs.end() ? nullptr : &*found;
}

std::string cell(const LoadingCost* cost) {
  if (cost == nullptr) return "-";
  return measured(*cost) ? three_digits(seconds_per_gib(*cost)) : "FAILED";
}

/// In the order in which they were measured, each once.
std::vector<std::string> ways_of(std::span<const LoadingCost> costs) {
  std::vector<std::string> ways;
  for (const LoadingCost& cost : costs) {
    if (std::ranges::find(ways, cost.way) == ways.end()) ways.push_back(cost.way);
  }
  return ways;
}

Table table_of(std::span<const LoadingCost> costs) {
  Table table({{"cold s/GiB", Align::right},
               {"warm s/GiB", Align::right},
               {"held beside it", Align::right},
               {"from the file to its reader"}});
  for (const std::string& way : ways_of(costs)) {
    const LoadingCost* const cold = find(costs, way, Start::cold);
    const LoadingCost* const warm = find(costs, way, Start::warm);
    const std::size_t held = (warm == nullptr ? cold : warm)->held;
    table.add({cell(cold), cell(warm), held == 0 ? "-" : format_size_rounded(held), way});
  }
  return table;
}

/// "from the disk x is fastest at 0.9 s/GiB"; "" where nothing was measured.
std::string fastest(std::span<const LoadingCost> costs, Start start, const std::string& from) {
  const LoadingCost* best = nullptr;
  for (const LoadingCost& cost : costs) {
    if (!measured(cost) || cost.start != name(start)) continue;
    if (best == nullptr || median(cost) < median(*best)) best = &cost;
  }
  if (best == nullptr) return "";
  return from + " \"" + best->way + "\" is fastest, " + three_digits(seconds_per_gib(*best)) +
         " s/GiB" + (best->held > 0 ? " with a second copy" : "");
}

}  // namespace

void write_loading_costs(Page& page, std::span<const LoadingCost> costs) {
  if (costs.empty()) return;
  page.heading("loading a file of " + format_size_rounded(costs.front().bytes));
  page.table(table_of(costs));
  page.paragraph(
      "s/GiB: to allocate, to load and to read once. cold: the file was not in the page cache. "
      "held beside it: what is allocated beside the page cache, which holds the file once.");
  for (const LoadingCost& cost : costs) {
    if (!cost.failure.empty())
      page.item(cost.way + ", " + cost.start + ": FAILED, " + cost.failure);
  }
  for (const std::string& sentence : {fastest(costs, Start::cold, "from the disk"),
                                      fastest(costs, Start::warm, "from the page cache")}) {
    if (!sentence.empty()) page.item(sentence);
  }
  page.end_list();
}

std::string loading_costs_csv(std::span<const LoadingCost> costs) {
  Table table(
      {{"way"}, {"start"}, {"file_bytes"}, {"held_bytes"}, {"samples"}, {"median_s"}, {"failure"}});
  for (const LoadingCost& cost : costs) {
    table.add({cost.way, cost.start, std::to_string(cost.bytes), std::to_string(cost.held),
               std::to_string(cost.samples.size()),
               measured(cost) ? std::to_string(median(cost)) : "", cost.failure});
  }
  return table.csv();
}

std::string loading_plan_text(std::size_t bytes) {
  return "loading: a file of " + format_size_rounded(bytes) +
         " of its own, by one way after the other, from the disk and from the page cache\n";
}

}  // namespace offload
