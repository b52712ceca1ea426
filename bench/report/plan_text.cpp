// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/presets.hpp"
#include "bench/policies/partly_resident.hpp"
#include "bench/report/layout_text.hpp"
#include "bench/report/page.hpp"
#include "bench/report/skipped.hpp"
#include "bench/report/summary.hpp"

namespace offload {
namespace {

using Align = Table::Align;

std::string size_or_dash(std::size_t bytes) {
  return bytes == 0 ? "-" : format_size_rounded(bytes);
}

Table policy_table(const Catalog& catalog) {
  Table table({{"policy"}, {"memory: how the GPU gets it"}});
  for (const auto& policy : catalog.policies) {
    table.add({std::string(policy->name()),
               std::string(policy->memory()) + ": " + std::string(policy->mechanism())});
  }
  return table;
}

Table workload_table(const Catalog& catalog) {
  Table table({{"workload"}, {"what it does"}});
  for (const auto& workload : catalog.workloads) {
    table.add({std::string(workload->name()), std::string(workload->description())});
  }
  return table;
}

Table weights_table() {
  Table table({{"weights"},
               {"rows", Align::right},
               {"cols", Align::right},
               {"dtype"},
               {"size", Align::right}});
  const auto add = [&table](const WeightSet& weights) {
    for (const auto& tensor : weights.tensors) {
      table.add({weights.name, std::to_string(tensor.rows), std::to_string(tensor.cols),
                 std::string(name(tensor.dtype)), format_size_rounded(tensor.bytes())});
    }
  };
  for (const auto& weights : preset_weights()) add(weights);
  for (const auto& weights : preset_experts()) add(weights);
  return table;
}

Table suite_table() {
  Table table({{"suite"}, {"what it measures"}});
  for (const auto& suite : suites()) {
    table.add({std::string(suite.name), std::string(suite.description)});
  }
  return table;
}

/// `exact` sizes are for scripts, rounded ones for people.
Table case_table(const Plan& plan, bool exact) {
  Table table({{"case"},
               {exact ? "bytes" : "weights", Align::right},
               {exact ? "host_bytes" : "host", Align::right},
               {exact ? "managed_bytes" : "managed", Align::right},
               {exact ? "device_bytes" : "GPU", Align::right}});
  const auto size = [&](std::size_t bytes) {
    return exact ? std::to_string(bytes) : size_or_dash(bytes);
  };
  for (const auto& item : plan.cases) {
    const Requirement needs = memory_needed(*item.policy, *item.weights, plan.tuning);
    table.add({item.name(), size(item.weights->bytes()), size(needs.pinned + needs.pageable),
               size(needs.managed), size(needs.device)});
  }
  return table;
}

/// An estimate is good to a factor of two; digits would say more than is known.
std::string about(double seconds) {
  constexpr double minute = 60;
  if (seconds < 1) return "less than a second";
  if (seconds < 2 * minute) return "about " + std::to_string(std::lround(seconds)) + " s";
  return "about " + std::to_string(std::lround(seconds / minute)) + " min";
}

std::string totals(const Plan& plan, const Options& options, const Platform& platform) {
  const PeakMemory peak = peak_memory(plan);
  std::string text = count(plan.cases.size(), "case") + " of " + count(options.samples, "sample") +
                     ", " + about(estimated_seconds(plan, options, platform)) +
                     "; at once at most " + format_size_rounded(peak.host) + " of host memory (" +
                     format_size_rounded(platform.host.available_bytes) + " available)";
  if (platform.gpu) {
    text += " and " + format_size_rounded(peak.device) + " of GPU memory (" +
            format_size_rounded(platform.gpu->free_bytes) + " free)";
  }
  return text;
}

}  // namespace

std::string list_text(const Catalog& catalog) {
  Page page(Page::Style::terminal);
  page.heading("--policies NAME,...");
  page.table(policy_table(catalog));
  page.heading("--workloads NAME,...");
  page.table(workload_table(catalog));
  page.heading("--weights NAME,...; append .fp16 or .fp8_e4m3 for another dtype, .q4 for 4 bits");
  page.table(weights_table());
  page.heading("--suite NAME");
  page.table(suite_table());
  return page.text();
}

std::string plan_text(const Plan& plan, const Options& options, const Platform& platform) {
  if (options.format == Format::csv) return case_table(plan, true).csv();
  Page page(options.format == Format::md ? Page::Style::markdown : Page::Style::terminal);
  write_layouts(page, plan.models, platform);
  if (!plan.cases.empty()) page.table(case_table(plan, false));
  write_skipped(page, plan.skipped);
  page.paragraph(totals(plan, options, platform));
  return page.text();
}

}  // namespace offload
