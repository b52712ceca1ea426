// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/case_result.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "bench/measure/engine_flags.hpp"
#include "bench/measure/model_bound.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/unsettled.hpp"
#include "bench/models/slice.hpp"

namespace offload {
namespace {

std::string_view traffic_of(const CaseRecord& record) {
  return record.beside ? std::string_view(record.beside->kind) : "";
}

/// The same pass with every weight in GPU memory: the time that computing alone takes.
const CaseRecord* resident_twin(const std::vector<CaseRecord>& cases, const CaseRecord& record) {
  const auto twin = std::find_if(cases.begin(), cases.end(), [&](const CaseRecord& other) {
    return other.is_resident() && other.summary && other.workload == record.workload &&
           other.tokens == record.tokens && other.weights.name == record.weights.name &&
           other.gpus == record.gpus && traffic_of(other) == traffic_of(record);
  });
  return twin == cases.end() ? nullptr : &*twin;
}

std::size_t scaled(std::size_t bytes, double scale) {
  return static_cast<std::size_t>(std::llround(static_cast<double>(bytes) * scale));
}

/// What `bytes` of resident weights add to a pass over a slice of `all` bytes; nullopt if unknown:
/// how long a prefill computes on them does not follow from the rate of GPU memory.
std::optional<double> resident_seconds(double bytes, double all, const CaseRecord& record,
                                       const CaseRecord* twin, const Calibration& calibration) {
  if (bytes == 0) return 0.0;
  if (twin != nullptr) return bytes / all * twin->summary->median;
  if (!calibration.device_read || record.workload == "prefill") return std::nullopt;
  // Of experts a pass reads a part: as large a part of the missing ones as of those measured.
  const double read = std::min(1.0, static_cast<double>(record.bytes.requested) / all);
  return bytes * read / *calibration.device_read;
}

std::optional<ModelFigures> figures_of(const CaseRecord& record, const CaseRecord* twin,
                                       const Machine& machine) {
  const Calibration& calibration = machine.calibration;
  const ModelSlice& slice = *record.weights.slice;
  const SliceScale measured = scale_of(record.weights);
  const double offloaded = static_cast<double>(slice.offloaded_bytes);
  const double resident = static_cast<double>(slice.resident_bytes);

  ModelFigures figures;
  figures.scale = measured.factor;
  const std::optional<double> missing = resident_seconds(
      measured.resident_bytes_missing, measured.offloaded_bytes + measured.resident_bytes, record,
      twin, calibration);
  if (!missing) return std::nullopt;
  figures.seconds = record.summary->median * figures.scale + *missing;
  const double tokens = static_cast<double>(record.tokens);
  if (record.lasts()) figures.tokens_per_second = tokens / figures.seconds;
  figures.bound = model_bound(record, figures.scale, twin, machine);
  if (record.link_bytes) {
    figures.link_bytes_per_token = static_cast<double>(*record.link_bytes) * figures.scale / tokens;
  } else {
    figures.link_bytes_per_token.reset();
  }
  const bool link_alone = record.link_bytes.value_or(0) > 0 && record.cpu_bytes == 0;
  if (twin != nullptr && link_alone && calibration.copy_h2d) {
    const double transfer = static_cast<double>(*record.link_bytes) / *calibration.copy_h2d;
    figures.overlap = 1 - (record.summary->median - twin->summary->median) / transfer;
  }

  const Footprint& taken = record.footprint;
  const double beyond_resident = static_cast<double>(taken.device) - measured.resident_bytes;
  const double slots = record.is_resident() ? offloaded : std::max(0.0, beyond_resident);
  figures.memory.pinned = scaled(taken.pinned, figures.scale);
  figures.memory.pageable = scaled(taken.pageable, figures.scale);
  figures.memory.peer = scaled(taken.peer, figures.scale);
  figures.memory.managed = scaled(taken.managed, figures.scale);
  figures.memory.device =
      static_cast<std::size_t>(slots + resident + static_cast<double>(slice.other_bytes) +
                               (record.migrates ? offloaded : 0));
  if (taken.pinned > 0) {
    figures.pinned_by_powers_of_two = static_cast<std::size_t>(
        static_cast<double>(offloaded_by_powers_of_two(record.weights)) * figures.scale);
  }
  return figures;
}

/// Of a case that several GPUs ran, what one of them did.
CaseRecord of_one(CaseRecord record) {
  const std::size_t count = record.members.size();
  record.bytes.requested /= count;
  record.bytes.touched /= count;
  record.bytes.only_read /= count;
  if (record.link_bytes) *record.link_bytes /= count;
  record.cpu_bytes /= count;
  record.footprint.device /= count;
  record.footprint.pinned /= count;
  record.footprint.managed /= count;
  record.footprint.pageable /= count;
  record.footprint.peer /= count;
  return record;
}

void add_model_figures(std::vector<CaseRecord>& cases, CaseRecord& record, const Machine& machine) {
  if (!record.weights.slice || !record.summary || record.tokens == 0) return;
  if (!record.failure.empty()) return;
  const CaseRecord* const twin = resident_twin(cases, record);
  if (record.members.empty()) {
    record.model = figures_of(record, twin, machine);
    return;
  }
  const std::optional<CaseRecord> one_twin =
      twin == nullptr ? std::nullopt : std::optional(of_one(*twin));
  record.model = figures_of(of_one(record), one_twin ? &*one_twin : nullptr, machine);
  if (!record.model) return;
  // Each group of GPUs that share the model gives what each of its members would.
  const std::size_t group = record.weights.tensor_parallel;
  const std::size_t groups = record.members.size() / group;
  const auto times = [&](std::optional<double>& tokens) {
    if (record.members.size() % group != 0) tokens.reset();
    if (tokens) *tokens *= static_cast<double>(groups);
  };
  times(record.model->tokens_per_second);
  if (record.model->bound) times(record.model->bound->tokens_per_second);
}

/// The same case of `cases` on one GPU.
const CaseRecord* same_alone(const std::vector<CaseRecord>& cases, const CaseRecord& record,
                             int gpu) {
  const auto found = std::ranges::find_if(cases, [&](const CaseRecord& other) {
    return other.gpus == std::vector{gpu} && !other.beside && other.label == record.label &&
           other.policy == record.policy && other.weights.name == record.weights.name &&
           other.start == record.start && other.failure.empty() && other.summary;
  });
  return found == cases.end() ? nullptr : &*found;
}

Together compared(const CaseRecord& record, const std::vector<CaseRecord>& cases) {
  double sum = 0;
  for (const Member& member : record.members) {
    const CaseRecord* const alone = same_alone(cases, record, member.gpu);
    if (alone == nullptr) return {};
    sum += alone->rate();
  }
  if (sum <= 0 || !record.summary || !record.failure.empty()) return {sum, std::nullopt};
  return {sum, record.rate() / sum};
}

/// Adds what the same case reached with no traffic beside it.
void compare_with_alone(CaseRecord& record, const std::vector<CaseRecord>& cases) {
  const auto alone = std::ranges::find_if(cases, [&](const CaseRecord& other) {
    return !other.beside && other.label == record.label && other.policy == record.policy &&
           other.weights.name == record.weights.name && other.start == record.start &&
           other.gpus == record.gpus && other.failure.empty() && other.summary;
  });
  if (alone == cases.end()) return;
  record.beside->alone = alone->rate();
  const bool rated = record.summary && record.failure.empty() && alone->rate() > 0;
  if (rated) record.beside->ratio = record.rate() / alone->rate();
}

std::vector<Member> members_of(const CaseResult& result) {
  std::vector<Member> members;
  for (const MemberResult& one : result.members) {
    Member member{one.gpu, one.samples, {}, one.bytes, one.failure};
    if (!member.samples.empty()) member.summary = summarize(member.samples);
    members.push_back(std::move(member));
  }
  return members;
}

/// What is known of a case before anything is allocated for it.
CaseRecord describe(const Case& item, const RecordContext& context) {
  CaseRecord record;
  record.name = item.name();
  record.workload = item.workload->name();
  record.label = item.workload->label();
  record.policy = item.policy->name;
  record.family = name(item.policy->family);
  record.start = name(item.start);
  record.weights = *item.weights;
  record.memory = item.policy->memory;
  record.mechanism = item.policy->mechanism;
  record.engine_flags = item.policy->engine_flags;
  record.nearest_engine = item.policy->nearest_engine;
  if (item.weights->slice) {
    record.engine_flags = engine_flags(record.engine_flags, context.rules, *item.weights->slice,
                                       item.weights->tensor_parallel);
  }
  record.path = item.policy->path(item.start, context.platform);
  record.tokens = item.workload->tokens();
  record.migrates = migrates(*item.policy, context.platform);
  return record;
}

/// Where the driver may move pages or leave them, what a pass crosses is known only once it is
/// known where they were behind it.
void decide_path(CaseRecord& record, const Case& item, const Platform& platform) {
  const std::optional<Residency>& found = record.evidence.residency.value;
  if (!pages_may_move(*item.policy, platform) || !found || found->pages_asked == 0) return;
  const bool moved = 2 * found->not_on_cpu > found->pages_asked;
  record.migrates = moved;
  if (item.start != Start::warm) return;
  record.path = moved ? Path::device_memory : Path::link;
  if (moved) record.link_bytes.reset();
}

/// The rate of what crosses the link, by that of the copy engine.
std::optional<double> share_of_link(const CaseRecord& record, const Calibration& calibration) {
  const bool is_rate = record.steps == 0 && record.path == Path::link;
  if (!is_rate || !record.summary || !record.link_bytes || !calibration.copy_h2d) {
    return std::nullopt;
  }
  const double rate = static_cast<double>(*record.link_bytes) / record.summary->median;
  const double links = static_cast<double>(std::max<std::size_t>(1, record.members.size()));
  return rate / (links * *calibration.copy_h2d);
}

/// The rate of all that is read, by that of the one memory it comes out of.
std::optional<double> share_of_memory(const CaseRecord& record, const RecordContext& context) {
  const auto roof = memory_roof(context.platform, context.calibration);
  if (!roof || record.steps > 0 || !record.summary) return std::nullopt;
  return record.rate() / roof->bytes_per_second;
}

}  // namespace

std::vector<CaseRecord> with_model_figures(std::vector<CaseRecord> cases, const Machine& machine) {
  for (CaseRecord& record : cases) add_model_figures(cases, record, machine);
  return cases;
}

std::optional<Prediction> predict(const Case& item, const Rates& rates, const Tuning& tuning,
                                  bool captured, const Platform& platform) {
  std::optional<PassWork> work = item.workload->work(*item.weights, rates);
  if (!work) return std::nullopt;
  const std::optional<double> shared = memory_rate(platform, rates);
  // Over a link no cache of the GPU holds what is read again; of one memory that is not known.
  if (shared && item.workload->tokens() > 1) {
    for (WorkItem& part : *work) part.over_link = {};
  }
  return item.policy->predict(*work,
                              {item.weights->tensors, rates, tuning, item.start, captured, shared});
}

CaseRecord make_record(const CaseResult& result, const RecordContext& context) {
  CaseRecord record = describe(*result.item, context);
  record.bytes = result.prepared.bytes;
  record.steps = result.prepared.steps;
  record.link_bytes = result.prepared.link_bytes;
  record.cpu_bytes = result.prepared.cpu_bytes;
  record.captured = result.prepared.captured;
  record.footprint = result.prepared.footprint;
  record.huge_pages = result.prepared.huge_pages;
  record.passes_per_sample = result.prepared.passes_per_sample;
  record.samples = result.samples;
  record.setup_samples = result.setup_samples;
  if (!record.samples.empty()) record.summary = summarize(record.samples);
  record.evidence = result.evidence;
  decide_path(record, *result.item, context.platform);
  record.share_of_memory = share_of_memory(record, context);
  if (result.item->beside.empty()) {
    record.predicted = predict(*result.item, context.calibration, context.tuning, record.captured,
                               context.platform);
  }
  record.series = result.series;
  record.gpus = result.item->gpus;
  record.members = members_of(result);
  if (!result.item->beside.empty()) {
    record.beside = result.beside.value_or(CaseBeside{result.item->beside, 1, 0, {}, {}, {}, {}});
  }
  record.share_of_link = share_of_link(record, context.calibration);
  record.failure = result.failure;
  record.complete = result.complete();
  if (record.failure.empty()) record.unsettled = find_unsettled(record);
  return record;
}

std::vector<CaseRecord> make_records(std::span<const CaseResult> results,
                                     const ContextOf& context_of) {
  std::vector<CaseRecord> records;
  records.reserve(results.size());
  for (const CaseResult& result : results) {
    records.push_back(make_record(result, context_of(*result.item)));
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RecordContext context = context_of(*results[i].item);
    add_model_figures(records, records[i], {context.calibration, context.platform});
    const bool together = !records[i].members.empty() && !records[i].beside;
    if (together) records[i].together = compared(records[i], records);
    if (records[i].beside) compare_with_alone(records[i], records);
  }
  return records;
}

}  // namespace offload
