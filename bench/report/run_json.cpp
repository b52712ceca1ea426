// SPDX-License-Identifier: Apache-2.0
// What the results document says of a run beside its cases.
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "bench/report/findings.hpp"
#include "bench/report/json_parts.hpp"
#include "bench/report/results_file.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

Json rules_json(const OffloadRules& rules) {
  return {{"cpu_offload_gb", rules.cpu_offload_gb},
          {"cpu_offload_params", rules.cpu_offload_params},
          {"offload_group_size", rules.group_size},
          {"offload_num_in_group", rules.num_in_group},
          {"offload_params", rules.offload_params},
          {"n_cpu_moe", or_null<Json>(rules.n_cpu_moe)},
          {"n_gpu_layers", or_null<Json>(rules.n_gpu_layers)}};
}

Json tuning_json(const Tuning& tuning) {
  return {{"prefetch_step", tuning.prefetch_step},
          {"panel_bytes", or_null<Json>(tuning.panel_bytes)},
          {"slots", tuning.slots},
          {"host_share", or_null<Json>(tuning.host_share)},
          {"file_directory", text_or_null<Json>(tuning.file_directory)}};
}

Json options_json(const Options& options) {
  Json starts = Json::array();
  for (const Start start : options.starts) starts.push_back(name(start));
  return {{"action", name(options.action)},
          {"suite", options.suite},
          {"policies", options.policies},
          {"workloads", options.workloads},
          {"weights", options.weights},
          {"tensors", part<Json>(tensors_json(options.tensors))},
          {"sizes", options.sizes},
          {"starts", starts},
          {"gpu", options.gpu},
          {"gpus", options.gpus},
          {"host_numa", text_or_null<Json>(options.host_numa)},
          {"host_pages", name(options.host_pages)},
          {"threads", options.threads},
          {"samples", options.samples},
          {"seed", options.seed},
          {"content", name(options.content)},
          {"allow_oversubscription", options.allow_oversubscription},
          {"limits", options.limits},
          {"host_memory_cost", options.host_memory_cost},
          {"loading", options.loading},
          {"graph", options.graph},
          {"evidence", name(options.evidence)},
          {"beside", options.beside},
          {"beside_pace", options.beside_pace},
          {"attention_kv_bytes", options.attention_kv},
          {"passes", options.passes},
          {"explain", text_or_null<Json>(options.explain)},
          {"models", options.models},
          {"experts_per_token", options.experts_per_token},
          {"tokens", options.tokens},
          {"chunks", options.chunks},
          {"skews", options.skews},
          {"offload_rules", rules_json(options.rules)},
          {"checkpoint_shapes", options.checkpoint_shapes},
          {"tensor_parallel", options.tensor_parallel},
          {"slice_bytes", options.slice_bytes},
          {"tuning", tuning_json(options.tuning)},
          {"output", text_or_null<Json>(options.output)},
          {"ci_json", text_or_null<Json>(options.ci_json)},
          {"format", name(options.format)},
          {"color", name(options.color)},
          {"progress", name(options.progress)},
          {"quiet", options.quiet},
          {"strict", options.strict},
          {"redact", options.redact},
          {"benchmark_flags", options.benchmark_flags}};
}

Json weight_files_json(const std::vector<WeightFile>& files) {
  Json list = Json::array();
  for (const WeightFile& file : files) {
    list.push_back({{"path", file.path}, {"bytes", file.bytes}});
  }
  return list;
}

Json build_json(const BuildInfo& build) {
  return {{"version", build.version},
          {"git_commit", text_or_null<Json>(build.git_commit)},
          {"git_dirty", build.git_dirty},
          {"build_type", text_or_null<Json>(build.build_type)},
          {"compiler", text_or_null<Json>(build.compiler)},
          {"cuda_toolkit", text_or_null<Json>(build.cuda_toolkit)},
          {"cuda_architectures", text_or_null<Json>(build.cuda_architectures)},
          {"benchmark_library", text_or_null<Json>(build.benchmark_library)}};
}

Json products_json(const std::vector<ProductTime>& products) {
  Json list = Json::array();
  for (const ProductTime& product : products) {
    list.push_back({{"dtype", name(product.shape.dtype)},
                    {"rows", product.shape.rows},
                    {"cols", product.shape.cols},
                    {"tokens", product.shape.tokens},
                    {"rereads", name(product.rereads)},
                    {"reads", product.reads},
                    {"seconds", product.seconds},
                    {"sustained_slowdown", product.slowdown}});
  }
  return list;
}

/// Numbers of tokens beside how often each reads.
Json reads_json(const std::vector<WeightReads>& all) {
  Json list = Json::array();
  for (const WeightReads& one : all) {
    Json tokens = Json::array();
    Json reads = Json::array();
    for (const auto& [number, times] : one.by_tokens) {
      tokens.push_back(number);
      reads.push_back(times);
    }
    list.push_back({{"dtype", name(one.dtype)},
                    {"rows", one.rows},
                    {"cols", one.cols},
                    {"rereads", name(one.rereads)},
                    {"tokens", std::move(tokens)},
                    {"reads", std::move(reads)}});
  }
  return list;
}

Json threads_json(const std::map<std::size_t, double>& rates) {
  Json list = Json::array();
  for (const auto& [threads, rate] : rates) {
    list.push_back({{"threads", threads}, {"bytes_per_second", rate}});
  }
  return list;
}

Json limit_json(const Limit& limit) {
  return {{"id", limit.id},
          {"description", limit.description},
          {"ratio", limit.ratio},
          {"goal", limit.goal},
          {"at_least", limit.at_least},
          {"met", limit.met()},
          {"measured", limit.measured},
          {"reference", limit.reference},
          {"unit", limit.unit}};
}

Json growth_json(const MemoryGrowth& growth) {
  return {{"host_bytes", or_null<Json>(growth.host)},
          {"resident_bytes", or_null<Json>(growth.resident)},
          {"cgroup_bytes", or_null<Json>(growth.charged)},
          {"device_bytes", or_null<Json>(growth.device)}};
}

Json memory_cost_json(const MemoryCost& cost) {
  const bool measured = cost.failure.empty();
  return {{"allocator", cost.allocator},
          {"weights", cost.weights},
          {"tensors", cost.tensors},
          {"asked_bytes", cost.asked},
          {"rounded_bytes", cost.rounded},
          {"taken", measured ? growth_json(cost.taken) : Json()},
          {"kept", measured ? growth_json(cost.kept) : Json()},
          {"seconds", measured ? Json(cost.seconds) : Json()},
          {"failure", text_or_null<Json>(cost.failure)}};
}

Json loading_cost_json(const LoadingCost& cost) {
  const bool measured = cost.failure.empty() && !cost.samples.empty();
  return {{"way", cost.way},
          {"start", cost.start},
          {"file_bytes", cost.bytes},
          {"held_bytes", cost.held},
          {"samples_s", cost.samples},
          {"median_s", measured ? Json(percentile(cost.samples, 50)) : Json()},
          {"failure", text_or_null<Json>(cost.failure)}};
}

Json rank_json(const Rank& rank, const std::string& host) {
  return {{"index", rank.index},
          {"size", rank.size},
          {"local_index", or_null<Json>(rank.local_index)},
          {"local_size", or_null<Json>(rank.local_size)},
          {"launcher", rank.launcher},
          {"host", text_or_null<Json>(host)},
          {"synchronised", rank.synchronised}};
}

Json wall_json(const WallTime& wall) {
  return {{"total_s", wall.total},           {"measured_s", wall.measured},
          {"allocation_s", wall.allocation}, {"content_s", wall.content},
          {"reset_s", wall.reset},           {"evidence_s", wall.evidence}};
}

Json finding_json(const Finding& finding) {
  return {{"check", finding.check}, {"text", finding.text}, {"cases", finding.cases}};
}

}  // namespace

JsonPart calibration_json(const Calibration& calibration) {
  return Json{
      {"copy_h2d_bytes_per_second", or_null<Json>(calibration.copy_h2d)},
      {"copy_d2h_bytes_per_second", or_null<Json>(calibration.copy_d2h)},
      {"sm_read_pinned_bytes_per_second", or_null<Json>(calibration.sm_read_pinned)},
      {"sm_write_pinned_bytes_per_second", or_null<Json>(calibration.sm_write_pinned)},
      {"copy_h2d_beside_d2h_bytes_per_second", or_null<Json>(calibration.copy_h2d_beside_d2h)},
      {"copy_d2h_beside_h2d_bytes_per_second", or_null<Json>(calibration.copy_d2h_beside_h2d)},
      {"peer_copy_bytes_per_second", or_null<Json>(calibration.peer_copy)},
      {"sm_read_peer_bytes_per_second", or_null<Json>(calibration.sm_read_peer)},
      {"device_read_bytes_per_second", or_null<Json>(calibration.device_read)},
      {"link_latency_s", or_null<Json>(calibration.link_latency)},
      {"device_latency_s", or_null<Json>(calibration.device_latency)},
      {"host_read_bytes_per_second", calibration.host_read},
      {"host_read_by_threads", threads_json(calibration.host_read_by_threads)},
      {"copy_h2d_beside_host_bytes_per_second", or_null<Json>(calibration.copy_h2d_beside_host)},
      {"host_read_beside_copy_bytes_per_second", or_null<Json>(calibration.host_read_beside_copy)},
      {"host_read_of_gpu_memory_bytes_per_second",
       or_null<Json>(calibration.host_read_of_gpu_memory)},
      {"copy_h2d_pageable_bytes_per_second", or_null<Json>(calibration.copy_pageable)},
      {"copy_start_s", or_null<Json>(calibration.copy_start)},
      {"batch_start_s", or_null<Json>(calibration.batch_start)},
      {"launch_s", or_null<Json>(calibration.launch)},
      {"hand_over_s", or_null<Json>(calibration.hand_over)},
      {"host_start_s", or_null<Json>(calibration.host_start)},
      {"prefetch_bytes_per_second", or_null<Json>(calibration.prefetch)},
      {"prefetch_read_mostly_bytes_per_second", or_null<Json>(calibration.prefetch_read_mostly)},
      {"fault_bytes_per_second", or_null<Json>(calibration.fault)},
      {"fault_read_mostly_bytes_per_second", or_null<Json>(calibration.fault_read_mostly)},
      {"map_bytes_per_second", or_null<Json>(calibration.map)},
      {"window_read_mostly_bytes_per_second", or_null<Json>(calibration.window_read_mostly)},
      {"window_migrate_bytes_per_second", or_null<Json>(calibration.window_migrate)},
      {"prefetch_start_s", or_null<Json>(calibration.prefetch_start)},
      {"fault_run_start_s", or_null<Json>(calibration.fault_run_start)},
      {"window_read_mostly_run_start_s", or_null<Json>(calibration.window_read_mostly_run_start)},
      {"window_migrate_run_start_s", or_null<Json>(calibration.window_migrate_run_start)},
      {"products", products_json(calibration.products)},
      {"product_reads", reads_json(calibration.product_reads)},
      {"host_products", products_json(calibration.host_products)},
      {"link_generation", or_null<Json>(calibration.link_generation)},
      {"link_width", or_null<Json>(calibration.link_width)},
      {"seconds", calibration.seconds}};
}

JsonPart skipped_json(const SkippedCase& skipped) {
  return Json{{"name", skipped.name},     {"workload", skipped.workload},
              {"policy", skipped.policy}, {"weights", skipped.weights},
              {"start", skipped.start},   {"reason", skipped.reason}};
}

/// Everything of a run but its cases, which follow.
JsonPart run_json(const RunRecord& run) {
  Json out = {{"schema_version", results_schema_version},
              {"complete", run.complete},
              {"incomplete_reason", text_or_null<Json>(run.incomplete_reason)},
              {"redacted", run.platform.redacted},
              {"started_at", run.started_at},
              {"argv", run.argv},
              {"benchmark_flags", run.effective_benchmark_flags},
              {"environment", named_texts<Json>(run.environment)},
              {"options", options_json(run.options)},
              {"weight_files", weight_files_json(run.weight_files)},
              {"build", build_json(run.build)},
              {"platform", part<Json>(machine_json(run.platform))},
              {"host_workers",
               {{"threads", run.host_threads},
                {"instruction_set", text_or_null<Json>(run.host_instruction_set)}}},
              {"calibration", part<Json>(calibration_json(run.calibration))},
              {"findings", Json::array()},
              {"limits", Json::array()},
              {"memory_costs", Json::array()},
              {"loading_costs", Json::array()},
              {"wall_time", wall_json(run.wall)},
              {"skipped", Json::array()},
              {"answers", Json::array()},
              {"cases", Json::array()}};
  if (run.options.rank) out["rank"] = rank_json(*run.options.rank, run.host_name);
  out.update(part<Json>(gpus_json(run)));
  for (const auto& finding : findings(run)) out["findings"].push_back(finding_json(finding));
  for (const auto& limit : run.limits) out["limits"].push_back(limit_json(limit));
  for (const auto& cost : run.memory_costs) out["memory_costs"].push_back(memory_cost_json(cost));
  for (const auto& cost : run.loading_costs) {
    out["loading_costs"].push_back(loading_cost_json(cost));
  }
  for (const auto& skipped : run.skipped) {
    out["skipped"].push_back(part<Json>(skipped_json(skipped)));
  }
  return out;
}

}  // namespace offload
