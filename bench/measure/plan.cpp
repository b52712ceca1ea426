// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/plan.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "bench/core/huge_page.hpp"
#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/measure/beside/traffic.hpp"
#include "bench/measure/content.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/selection.hpp"
#include "bench/measure/stored_weights.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/slice.hpp"
#include "bench/policies/parts/partly_resident.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

std::string case_name(std::string_view workload, std::string_view policy, std::string_view weights,
                      Start start) {
  std::string text(workload);
  text.append("/").append(policy).append("/").append(weights).append("/").append(name(start));
  return text;
}

bool any_resident(const WeightSet& weights) {
  return std::any_of(weights.tensors.begin(), weights.tensors.end(),
                     [](const WeightTensor& tensor) { return tensor.resident; });
}

class Planner {
 public:
  Planner(const Options& options, const Catalog& catalog, const Platform& platform)
      : options_(options),
        catalog_(catalog),
        platform_(platform),
        policies_(catalog.policies_among(options.policies)) {
    if (!options.policies.empty()) return;
    // What writes files, or takes memory of another GPU, is asked for by name.
    const bool files = find_suite(options.suite).files;
    std::erase_if(policies_, [files](const Policy* policy) {
      return policy->family == Family::peer || (policy->family == Family::file && !files);
    });
  }

  void add(const Selection& selection) {
    if (selection.layout) plan_.models.push_back(*selection.layout);
    const std::vector<const Workload*> workloads = grouped_by_content(selection);
    require_readable(selection, workloads);
    const bool must_fit = selection.named && !is_only_shown(selection);
    if (must_fit) require_room(selection);

    auto weights = std::make_unique<WeightSet>(selection.weights);
    std::set<Content> contents;
    for (const Workload* workload : workloads) {
      if (workload->reads(*weights)) contents.insert(workload->content());
    }

    const std::size_t cases_before = plan_.cases.size();
    std::optional<std::string> first_refusal;
    for (const Policy* policy : policies_) {
      Support support = policy->support(platform_);
      if (support && !platform_.gpu && any_resident(*weights)) {
        support = Support::no("a part of the weights stays in GPU memory, and there is no GPU: " +
                              platform_.gpu_absent_reason);
      }
      if (support) support = has_pages_asked_for(*policy, *weights);
      if (support && !contents.empty()) {
        const auto refusal = refuse_memory(*policy, *weights, options_.tuning, contents.size(),
                                           options_.allow_oversubscription, platform_);
        if (refusal) {
          const std::string text =
              std::string(policy->name) + " of " + weights->name + " " + refusal->reason;
          if (must_fit && refusal->oversubscribes) throw UsageError(text);
          if (!first_refusal) first_refusal = text;
          support = Support::no(refusal->reason);
        }
      }
      for (const Workload* workload : workloads) {
        const Support reads = workload->reads(*weights);
        for (const Start start : policy->starts) {
          if (!wanted(start)) continue;
          const Support suits =
              support && reads ? suit(*policy, *workload, *weights, start) : Support::yes();
          if (support && reads && suits) {
            plan_.cases.push_back({workload, policy, weights.get(), start});
          } else {
            skip(*workload, *policy, *weights, start,
                 (!support ? support
                  : !reads ? reads
                           : suits)
                     .reason());
          }
        }
      }
    }
    const bool planned = plan_.cases.size() > cases_before;
    if (!planned && must_fit && first_refusal) throw UsageError(*first_refusal);
    if (planned) plan_.weights.push_back(std::move(weights));
  }

  Plan take() {
    plan_.tuning = options_.tuning;
    return std::move(plan_);
  }

 private:
  /// The workload of a label, made for the value where it says one.
  const Workload* workload_of(const std::string& label) {
    const auto known = by_label_.find(label);
    if (known != by_label_.end()) return known->second;
    const WorkloadLabel parts = split_label(label);
    const Workload* workload = catalog_.workload(parts.name);
    if (workload == nullptr) {
      throw UsageError(unknown_name("workload", label, catalog_.workload_names()));
    }
    if (!parts.parameter.empty()) {
      plan_.workloads.push_back(workload->with_parameter(value_of(label, parts, *workload)));
      workload = plan_.workloads.back().get();
    }
    by_label_.emplace(label, workload);
    return workload;
  }

  static std::size_t value_of(const std::string& label, const WorkloadLabel& parts,
                              const Workload& workload) {
    const std::optional<Parameter> parameter = workload.parameter();
    if (!parameter || parameter->name != parts.parameter) {
      throw UsageError(label + ": " + std::string(parts.name) + " has no parameter '" +
                       std::string(parts.parameter) + "'");
    }
    const auto value = parameter->parse(parts.value);
    if (!value || !parameter->allows(*value)) {
      throw UsageError(label + ": " + std::string(parts.name) + " takes " + parameter->range());
    }
    return *value;
  }

  /// Whether memory from malloc can have the pages that are asked for.
  Support has_pages_asked_for(const Policy& policy, const WeightSet& weights) const {
    if (!policy.from_malloc || options_.host_pages == HostPages::as_set) return Support::yes();
    if (Support given = huge_pages_on_advice(platform_.host); !given) return given;
    std::size_t offloaded = 0;
    for (const WeightTensor& tensor : weights.tensors) {
      if (!tensor.resident) offloaded += tensor.bytes();
    }
    if (offloaded >= huge_page_bytes()) return Support::yes();
    return Support::no("fills no huge page of " + format_size_rounded(huge_page_bytes()) +
                       ", which --host-pages asks for");
  }

  Support suit(const Policy& policy, const Workload& workload, const WeightSet& weights,
               Start start) const {
    const bool all_resident =
        std::all_of(weights.tensors.begin(), weights.tensors.end(),
                    [](const WeightTensor& tensor) { return tensor.resident; });
    if (all_resident && !policy.keeps_on_gpu()) {
      return Support::no("nothing is offloaded: " + weights.name + " is resident as a whole");
    }
    if (Support stored = reads_as_stored(workload, policy, weights); !stored) return stored;
    if (policy.divides_tensors && workload.needs_whole_tensors()) {
      return Support::no(std::string(workload.name()) + " needs tensors whole, and " +
                         std::string(policy.name) + " shows them in parts");
    }
    const bool by_cpu = policy.path(start, platform_) == Path::host_memory;
    if (by_cpu && !workload.runs_on_cpu()) {
      return Support::no("too many tokens for the CPU: " + workload.label());
    }
    if (!by_cpu && !workload.runs_on_gpu()) {
      return Support::no(workload.label() + " has no GPU kernel");
    }
    if (Support offers = workload.offers(policy.rereads, weights, platform_); !offers)
      return offers;
    if (start == Start::warm && workload.varies()) {
      return Support::no(std::string(workload.name()) +
                         " reads other weights in every pass, which may never have been read: "
                         "--passes shows what stays");
    }
    return policy.reaches(start, weights, options_.tuning);
  }

  /// Those that share a content side by side, so that it is filled in once.
  std::vector<const Workload*> grouped_by_content(const Selection& selection) {
    std::vector<const Workload*> workloads;
    for (const std::string& label : selection.workloads) workloads.push_back(workload_of(label));
    // In the catalog's order otherwise.
    const auto place = [this](const Workload* workload) {
      const auto found =
          std::find_if(catalog_.workloads.begin(), catalog_.workloads.end(),
                       [&](const auto& entry) { return entry->name() == workload->name(); });
      return std::tuple(workload->content(), found - catalog_.workloads.begin());
    };
    std::stable_sort(
        workloads.begin(), workloads.end(),
        [&place](const Workload* a, const Workload* b) { return place(a) < place(b); });
    return workloads;
  }

  /// Weights and workload both named by the user must go together.
  void require_readable(const Selection& selection,
                        const std::vector<const Workload*>& workloads) const {
    if (!selection.named || options_.workloads.empty()) return;
    for (const Workload* workload : workloads) {
      const Support reads = workload->reads(selection.weights);
      if (reads) continue;
      throw UsageError(std::string(workload->name()) + " cannot read " + selection.weights.name +
                       ": " + reads.reason());
    }
  }

  /// Where a model's weights lie can be said of any machine; cases that do not fit are skipped.
  bool is_only_shown(const Selection& selection) const {
    return options_.action == Action::plan && selection.layout;
  }

  /// Whatever the policy, a master copy of the weights must fit into host memory.
  void require_room(const Selection& selection) const {
    const std::size_t bytes = master_copy_bytes(selection.weights);
    const std::size_t limit = host_memory_limit(platform_.host);
    if (bytes <= limit) return;
    throw UsageError(selection.weights.name + " needs " + format_size_rounded(bytes) +
                     " of host memory under any policy and only " + format_size_rounded(limit) +
                     " can be taken");
  }

  bool wanted(Start start) const {
    const std::vector<Start>& starts = options_.starts;
    return starts.empty() || std::find(starts.begin(), starts.end(), start) != starts.end() ||
           start == Start::steady;
  }

  void skip(const Workload& workload, const Policy& policy, const WeightSet& weights, Start start,
            const std::string& reason) {
    plan_.skipped.push_back({case_name(workload.label(), policy.name, weights.name, start),
                             std::string(workload.name()), std::string(policy.name), weights.name,
                             std::string(name(start)), reason});
  }

  const Options& options_;
  const Catalog& catalog_;
  const Platform& platform_;
  std::vector<const Policy*> policies_;
  std::map<std::string, const Workload*> by_label_;
  Plan plan_;
};

/// Whether prefills are planned that with_model_figures() cannot tell the whole model's time of.
bool lacks_resident_twin(const WeightSet& weights, const std::vector<Case>& cases) {
  if (!weights.slice || scale_of(weights).resident_bytes_missing == 0) return false;
  bool any = false;
  for (const Case& item : cases) {
    if (item.weights != &weights || item.workload->name() != "prefill") continue;
    if (item.policy->family == Family::resident) return false;
    any = true;
  }
  return any;
}

/// Leave the case `name` alone in the plan, among the skipped ones if it is one of them. Throws
/// UsageError when it is not a case.
void keep_one_case(Plan& plan, const std::string& name) {
  const auto found = std::find_if(plan.cases.begin(), plan.cases.end(),
                                  [&](const Case& item) { return item.name() == name; });
  if (found != plan.cases.end()) {
    plan.cases = {*found};
    plan.skipped.clear();
    return;
  }
  const auto skipped = std::find_if(plan.skipped.begin(), plan.skipped.end(),
                                    [&](const SkippedCase& item) { return item.name == name; });
  if (skipped != plan.skipped.end()) {
    plan.cases.clear();
    plan.skipped = {SkippedCase(*skipped)};
    return;
  }
  std::vector<std::string> names;
  for (const Case& item : plan.cases) names.push_back(item.name());
  for (const SkippedCase& item : plan.skipped) names.push_back(item.name);
  if (names.empty()) {  // all but the start is known, or planning would have said so
    throw UsageError("no case " + in_quotes(name) + ": its policy has other starts, see list");
  }
  throw UsageError(
      unknown_name("case", name, std::vector<std::string_view>(names.begin(), names.end())));
}

}  // namespace

std::string Case::name() const {
  std::string text = case_name(workload->label(), policy->name, weights->name, start);
  if (!gpus.empty()) text += "/gpus:" + gpus_text(gpus);
  if (!beside.empty()) text += "/beside:" + beside;
  return text;
}

std::vector<std::string> Plan::warnings() const {
  std::vector<std::string> unique = notes;
  for (const auto& set : weights) {
    if (lacks_resident_twin(*set, cases)) {
      unique.push_back("no tokens/s of prefills of " + set->name +
                       ": how long they compute on its resident weights only device_resident "
                       "shows: add it to --policies");
    }
  }
  for (const ModelLayout& model : models) {
    for (const std::string& warning : model.warnings) {
      if (std::find(unique.begin(), unique.end(), warning) == unique.end()) {
        unique.push_back(warning);
      }
    }
  }
  return unique;
}

Plan make_plan(const Options& given, const Catalog& catalog, const Platform& platform,
               ModelLoader& models) {
  Options options = given;
  if (!options.explain.empty()) select_one_case(options, catalog);
  Planner planner(options, catalog, platform);
  for (const Selection& selection : select_weights(options, catalog, models)) {
    planner.add(selection);
  }
  Plan plan = planner.take();
  plan.notes = shape_notes(options, models);
  if (!options.explain.empty()) keep_one_case(plan, options.explain);
  return plan;
}

void spread_over(const std::vector<GpuSet>& sets, Plan& plan) {
  if (sets.empty()) return;
  std::vector<Case> spread;
  spread.reserve(plan.cases.size() * sets.size());
  for (const Case& item : plan.cases) {
    for (const GpuSet& set : sets) {
      spread.push_back(item);
      spread.back().gpus = set;
    }
  }
  plan.cases = std::move(spread);
}

void put_beside(const Options& options, const Platform& platform, Plan& plan) {
  if (options.beside.empty()) return;
  const TrafficSettings settings{options.beside_pace, options.attention_kv};
  const std::size_t limit = platform.gpu ? gpu_memory_limit(platform) : 0;
  for (const std::string& kind : options.beside) {
    const std::size_t bytes = find_traffic(kind).device_bytes(settings);
    plan.traffic_bytes = std::max(plan.traffic_bytes, bytes);
    if (!platform.gpu || bytes <= limit) continue;
    throw UsageError("--beside " + kind + ": needs " + format_size_rounded(bytes) +
                     " of GPU memory and only " + format_size_rounded(limit) + " can be taken");
  }
  std::vector<Case> all;
  for (const Case& item : plan.cases) {
    all.push_back(item);
    const Requirement needed = memory_needed(*item.policy, *item.weights, plan.tuning);
    for (const std::string& kind : options.beside) {
      Case beside = item;
      beside.beside = kind;
      const std::size_t bytes =
          find_traffic(kind).device_bytes(settings) + needed.device + needed.managed;
      std::string reason;
      if (!platform.gpu) {
        reason = "there is no GPU for other traffic: " + platform.gpu_absent_reason;
      } else if (bytes > limit) {
        reason = "needs " + format_size_rounded(bytes) + " of GPU memory with what " + kind +
                 " takes, and only " + format_size_rounded(limit) + " can be taken";
      }
      if (reason.empty()) {
        all.push_back(std::move(beside));
      } else {
        plan.skipped.push_back({beside.name(), std::string(item.workload->label()),
                                std::string(item.policy->name), item.weights->name,
                                std::string(name(item.start)), std::move(reason)});
      }
    }
  }
  plan.cases = std::move(all);
}

PeakMemory peak_memory(const Plan& plan) {
  struct Demand {
    std::set<Content> contents;                       // one master copy each
    std::map<std::string_view, std::size_t> buffers;  // by allocator: reused between policies
    std::size_t managed = 0;                          // freed with its placement
  };
  std::map<const WeightSet*, Demand> demands;
  PeakMemory peak;
  std::size_t at_once = 1;  // GPUs, each of which has its own
  for (const Case& item : plan.cases) {
    at_once = std::max(at_once, item.gpus.size());
    const Requirement requirement = memory_needed(*item.policy, *item.weights, plan.tuning);
    Demand& demand = demands[item.weights];
    demand.contents.insert(item.workload->content());
    std::size_t& buffer = demand.buffers[item.policy->memory];
    buffer = std::max(buffer, requirement.pinned + requirement.pageable);
    demand.managed = std::max(demand.managed, requirement.managed);
    peak.device = std::max(peak.device, requirement.device + requirement.managed);
  }
  for (auto& [weights, demand] : demands) {
    std::size_t host = master_copy_bytes(*weights) * demand.contents.size() + demand.managed;
    for (const auto& [allocator, bytes] : demand.buffers) host += bytes;
    peak.host = std::max(peak.host, host * at_once);
  }
  if (peak.device > 0) peak.device += plan.traffic_bytes;
  return peak;
}

}  // namespace offload
