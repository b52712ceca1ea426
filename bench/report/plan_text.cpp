// SPDX-License-Identifier: Apache-2.0
#include "bench/report/plan_text.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/measure/stored_weights.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/presets.hpp"
#include "bench/policies/parts/partly_resident.hpp"
#include "bench/report/page.hpp"

namespace offload {
namespace {

std::string side(const std::string& where, const std::vector<std::string>& names,
                 std::uint64_t bytes) {
  return where + ' ' + enumerate(names, 0) + " (" + format_size_rounded(bytes) + ')';
}

/// "layers 0-17 (18): offloaded qkv_proj and o_proj (2.1 GiB); resident down_proj (3.9 GiB)"
std::string kind_text(const LayerKind& kind) {
  std::string text = kind.layers.size() == 1 ? "layer " : "layers ";
  text += layer_ranges(kind.layers);
  if (kind.layers.size() > 1) text += " (" + std::to_string(kind.layers.size()) + ')';
  text += ": ";
  if (!kind.offloaded.empty()) text += side("offloaded", kind.offloaded, kind.offloaded_bytes);
  if (kind.resident.empty()) return text;
  if (!kind.offloaded.empty()) text += "; ";
  return text + side("resident", kind.resident, kind.resident_bytes);
}

std::string sides_text(const ModelSlice& slice) {
  return "of its linear weights " + format_size_rounded(slice.offloaded_bytes) +
         " in host memory and " + format_size_rounded(slice.resident_bytes) +
         " in GPU memory; embedding, head, norms and the like, " +
         format_size_rounded(slice.other_bytes) + ", in GPU memory and not read here";
}

std::string measured_text(const ModelSlice& slice) {
  if (slice.layers_measured == slice.layers)
    return "all " + count(slice.layers, "layer") + " are measured";
  return "measured are " + std::to_string(slice.layers_measured) + " of " +
         count(slice.layers, "layer") +
         ", evenly chosen among those alike; results are scaled by bytes (--slice)";
}

std::string link_text(const ModelLayout& model, const Platform& platform) {
  if (!platform.link || !platform.link->peak_bytes_per_second) {
    return "the time that the link alone would need is unknown: there is no GPU, or its link's "
           "rate "
           "is unknown";
  }
  const double rate = *platform.link->peak_bytes_per_second;
  const double seconds = static_cast<double>(model.slice.offloaded_bytes) / rate;
  std::string text = "the link alone, at its nominal " + format_rate(rate) + ", would need " +
                     format_seconds(seconds) + " a pass";
  if (model.experts) text += " that brings every expert; a few tokens choose fewer";
  return text;
}

using Align = Table::Align;

std::string size_or_dash(std::size_t bytes) {
  return bytes == 0 ? "-" : format_size_rounded(bytes);
}

Table policy_table(const Catalog& catalog) {
  Table table({{"policy"}, {"group"}, {"memory: how the GPU gets it"}});
  for (const auto& policy : catalog.policies) {
    const auto group = std::ranges::find(policy_groups(), policy->family, &PolicyGroup::family);
    table.add({std::string(policy->name), std::string(group->name),
               std::string(policy->memory) + ": " + std::string(policy->mechanism)});
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

Table model_table() {
  Table table({{"model"}, {"has the shapes of"}});
  for (const SameShapes& other : models_of_same_shapes()) {
    table.add({std::string(other.model), std::string(other.preset)});
  }
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
            (one_memory(platform) ? "out of the same memory"
                                  : format_size_rounded(platform.gpu->free_bytes) + " free") +
            ")";
  }
  if (const auto files = weight_files(plan.weights); !files.empty()) {
    std::size_t bytes = 0;
    for (const WeightFile& file : files) bytes += file.bytes;
    text += "; the weights are those in " + count(files.size(), "file") + " of " +
            format_size_rounded(bytes);
  }
  return text;
}

}  // namespace

constexpr std::size_t max_names = 6;  // on a machine without a GPU it would be nearly all

void write_skipped(Page& page, const std::vector<SkippedCase>& skipped) {
  if (skipped.empty()) return;
  std::vector<std::pair<std::string, std::vector<const SkippedCase*>>> reasons;
  for (const auto& item : skipped) {
    auto found = std::ranges::find(reasons, item.reason, [](const auto& r) { return r.first; });
    if (found == reasons.end()) {
      reasons.push_back({item.reason, {}});
      found = std::prev(reasons.end());
    }
    found->second.push_back(&item);
  }
  page.heading("skipped " + count(skipped.size(), "case"));
  for (const auto& [reason, items] : reasons) {
    std::vector<std::string> policies;
    for (const auto* item : items) {
      if (std::ranges::find(policies, item->policy) == policies.end()) {
        policies.push_back(item->policy);
      }
    }
    page.item(std::to_string(items.size()) + " of " + enumerate(policies, max_names) + ": " +
              reason);
  }
  page.end_list();
}

void write_layouts(Page& page, const std::vector<ModelLayout>& models, const Platform& platform) {
  for (const ModelLayout& model : models) {
    page.heading(model.model);
    for (const LayerKind& kind : model.kinds) page.item(kind_text(kind));
    page.item(sides_text(model.slice));
    page.item(measured_text(model.slice));
    if (model.slice.offloaded_bytes > 0) page.item(link_text(model, platform));
    page.end_list();
  }
}

std::string list_text(const Catalog& catalog) {
  Page page(Page::Style::terminal);
  page.heading("--policies NAME,...; the name of a group means all that are in it");
  page.table(policy_table(catalog));
  page.heading("--workloads NAME,...");
  page.table(workload_table(catalog));
  page.heading("--weights NAME,...; append .fp16 or .fp8_e4m3 for another dtype, .q4 for 4 bits");
  page.table(weights_table());
  page.heading("--model NAME,...; those of these weights, and others of their shapes");
  page.table(model_table());
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
