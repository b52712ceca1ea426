// SPDX-License-Identifier: Apache-2.0
// A case in the results document, what its evidence says, and who wins.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "bench/report/answers.hpp"
#include "bench/report/evidence.hpp"
#include "bench/report/json_parts.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

Json tensor_json(const WeightTensor& tensor) {
  return {{"name", tensor.name},
          {"dtype", name(tensor.dtype)},
          {"rows", tensor.rows},
          {"cols", tensor.cols},
          {"bytes", tensor.bytes()}};
}

/// As part of a model: its layer, how many experts are stacked, and whether it stays on the GPU.
Json model_tensors_json(const std::vector<WeightTensor>& tensors) {
  Json list = Json::array();
  for (const auto& tensor : tensors) {
    Json entry = tensor_json(tensor);
    entry["layer"] = tensor.layer;
    entry["experts"] = tensor.experts;
    entry["resident"] = tensor.resident;
    list.push_back(std::move(entry));
  }
  return list;
}

Json tensor_list(const std::vector<WeightTensor>& tensors) {
  Json list = Json::array();
  for (const auto& tensor : tensors) list.push_back(tensor_json(tensor));
  return list;
}

Json footprint_json(const Footprint& footprint) {
  return {{"device", footprint.device},
          {"pinned", footprint.pinned},
          {"managed", footprint.managed},
          {"pageable", footprint.pageable},
          {"peer", footprint.peer}};
}

Json bound_json(const std::optional<ModelBound>& bound) {
  if (!bound) return nullptr;
  return {{"by", name(bound->by)},
          {"pass_s", bound->seconds},
          {"tokens_per_second", or_null<Json>(bound->tokens_per_second)},
          {"from", bound->from}};
}

Json model_json(const CaseRecord& record) {
  const ModelSlice& slice = *record.weights.slice;
  const ModelFigures& figures = *record.model;
  return {{"name", slice.model},
          {"layers", slice.layers},
          {"layers_measured", slice.layers_measured},
          {"experts_per_token", slice.experts_per_token},
          {"offloaded_bytes", slice.offloaded_bytes},
          {"resident_bytes", slice.resident_bytes},
          {"other_bytes", slice.other_bytes},
          {"left_out", "attention and KV cache, norms, embedding and head"},
          {"scale", figures.scale},
          {"pass_s", figures.seconds},
          {"tokens_per_second_ceiling", or_null<Json>(figures.tokens_per_second)},
          {"bound", bound_json(figures.bound)},
          {"link_bytes_per_token", or_null<Json>(figures.link_bytes_per_token)},
          {"overlap", or_null<Json>(figures.overlap)},
          {"memory_bytes", footprint_json(figures.memory)},
          {"pinned_bytes_by_powers_of_two", figures.pinned_by_powers_of_two}};
}

Json place_json(const Place& place) {
  return {{"rank", place.rank},
          {"times_slower", place.times_slower},
          {"ties_with_best", place.ties_with_best}};
}

/// By contest; null for a case that takes part in none.
Json standing_json(const CaseRecord& record, const Ranking& ranking) {
  Json standing;
  if (const auto cold = place(ranking.cold, record)) standing["cold"] = place_json(*cold);
  if (const auto warm = place(ranking.warm, record)) standing["warm"] = place_json(*warm);
  return standing;
}

std::string_view exclusion_name(const CaseRecord& record) {
  const auto why = exclusion(record);
  return why ? name(*why) : "";
}

Json bytes_json(const BytesByCause& bytes) {
  return {{"fault", bytes.fault},
          {"around_fault", bytes.around_fault},
          {"prefetch", bytes.prefetch},
          {"eviction", bytes.eviction},
          {"access_counters", bytes.access_counters},
          {"other", bytes.other},
          {"total", bytes.total()}};
}

Json figures_json(const UmTraffic& traffic) {
  return {{"to_device", bytes_json(traffic.to_device)},
          {"to_host", bytes_json(traffic.to_host)},
          {"gpu_fault_groups", traffic.gpu_fault_groups},
          {"cpu_faults", traffic.cpu_faults},
          {"remote_maps", traffic.remote_maps},
          {"thrashing", traffic.thrashing},
          {"throttling", traffic.throttling},
          {"bytes_read", traffic.bytes_read}};
}

Json figures_json(const CpuTime& cpu) {
  Json threads = Json::object();
  for (const auto& [thread, seconds] : cpu.threads) {
    // Two threads may bear one name.
    threads[thread] = seconds + threads.value(thread, 0.0);
  }
  return {{"process_s", cpu.process},
          {"driver_s", or_null<Json>(cpu.driver)},
          {"threads", std::move(threads)}};
}

Json figures_json(const LinkTraffic& link) {
  return {{"wire_bytes_to_device", link.wire_to_device},
          {"wire_bytes_to_host", link.wire_to_host},
          {"payload_bytes_to_device", or_null<Json>(link.payload_to_device)}};
}

Json figures_json(const Energy& energy) {
  return {{"joules_per_pass", energy.joules}, {"watts", energy.watts}, {"over_s", energy.seconds}};
}

Json figures_json(const PageFaults& faults) {
  return {{"minor", faults.minor}, {"major", faults.major}};
}

Json figures_json(const Residency& residency) {
  Json nodes = Json::object();
  for (const auto& [node, pages] : residency.on_node) nodes[std::to_string(node)] = pages;
  return {{"pages_asked", residency.pages_asked},
          {"not_on_cpu", residency.not_on_cpu},
          {"on_node", std::move(nodes)},
          {"last_prefetch", text_or_null<Json>(residency.last_prefetch)},
          {"not_on_cpu_before", or_null<Json>(residency.not_on_cpu_before)}};
}

Json figures_json(const GpuState& gpu) {
  return {{"sm_mhz_before", or_null<Json>(gpu.sm_mhz_before)},
          {"sm_mhz_after", or_null<Json>(gpu.sm_mhz_after)},
          {"memory_mhz_before", or_null<Json>(gpu.memory_mhz_before)},
          {"memory_mhz_after", or_null<Json>(gpu.memory_mhz_after)},
          {"throttled_before", or_null<Json>(gpu.throttled_before)},
          {"throttled_after", or_null<Json>(gpu.throttled_after)},
          {"pcie_generation", or_null<Json>(gpu.pcie_generation)},
          {"pcie_width", or_null<Json>(gpu.pcie_width)},
          {"c2c_links", or_null<Json>(gpu.c2c_links)}};
}

Json figures_json(const HostState& host) {
  return {{"over_s", host.seconds},
          {"cpus", host.cpus},
          {"steal_s", or_null<Json>(host.steal_seconds)},
          {"others_s", or_null<Json>(host.others_seconds)},
          {"load_average", or_null<Json>(host.load_average)},
          {"cpu_mhz", or_null<Json>(host.cpu_mhz)}};
}

Json figures_json(const std::vector<UmTraffic>& passes) {
  Json list = Json::array();
  for (const UmTraffic& traffic : passes) list.push_back(figures_json(traffic));
  return {{"passes", std::move(list)}};
}

/// The state, why, and the figures where there are any.
template <typename T>
Json observed_json(const Observed<T>& observed) {
  Json json = {{"state", name(observed.state)}, {"reason", text_or_null<Json>(observed.reason)}};
  if (observed.value) json.update(figures_json(*observed.value));
  return json;
}

Json evidence_json(const CaseRecord& record) {
  const Evidence& evidence = record.evidence;
  return {{"um", observed_json(evidence.um)},
          {"cpu", observed_json(evidence.cpu)},
          {"link", observed_json(evidence.link)},
          {"energy", observed_json(evidence.energy)},
          {"page_faults", observed_json(evidence.page_faults)},
          {"residency", observed_json(evidence.residency)},
          {"gpu", observed_json(evidence.gpu)},
          {"host", observed_json(evidence.host)},
          {"passes", evidence.passes},
          {"amplification", or_null<Json>(amplification(record))},
          {"driver_cpu_s_per_gb", or_null<Json>(driver_cpu_per_gb(record))},
          {"process_cpu_s_per_gb", or_null<Json>(process_cpu_per_gb(record))},
          {"joules_per_gb", or_null<Json>(joules_per_gb(record))},
          {"link_payload_per_requested", or_null<Json>(link_payload_ratio(record))}};
}

Json variability_json(const CaseRecord& record) {
  const Variability kind = variability(record);
  return {{"kind", name(kind)}, {"run_to_run", run_to_run(kind)}};
}

Json drift_json(const CaseRecord& record) {
  const auto found = drift(record);
  if (!found) return nullptr;
  return {{"first_s", found->first},
          {"last_s", found->last},
          {"because", text_or_null<Json>(drift_reason(record))}};
}

Json unsettled_json(const CaseRecord& record) {
  if (!record.unsettled) return nullptr;
  return {{"moved_per_read", or_null<Json>(record.unsettled->moved_per_read)},
          {"on_gpu_before", or_null<Json>(record.unsettled->on_gpu_before)},
          {"on_gpu_after", or_null<Json>(record.unsettled->on_gpu_after)}};
}

Json huge_pages_json(const CaseRecord& record) {
  if (!record.huge_pages) return nullptr;
  return {{"page_bytes", record.huge_pages->page_bytes},
          {"bytes", record.huge_pages->bytes},
          {"huge_bytes", record.huge_pages->huge_bytes}};
}

Json setup_json(const CaseRecord& record) {
  const auto figures = setup_figures(record);
  if (!figures) return nullptr;
  return {{"median_s", figures->setup},
          {"read_median_s", figures->read},
          {"samples_s", record.setup_samples}};
}

Json series_json(const CaseRecord& record) {
  if (!record.series) return nullptr;
  const PassSeries& series = *record.series;
  const bool visible = !series.driver_seconds.empty();
  return {{"pass_s", series.seconds},
          {"driver_s", visible ? Json(series.driver_seconds) : Json()},
          {"distinct_bytes", series.distinct_bytes},
          {"on_gpu", series.on_gpu.empty() ? Json() : Json(series.on_gpu)},
          {"um", observed_json(series.um)}};
}

Json named_case_json(const CaseRecord& record) {
  return {{"case", record.name},
          {"policy", record.policy},
          {"engine_flags", text_or_null<Json>(record.engine_flags)}};
}

Json named_case_json(const CaseRecord* record, std::string_view factor, double value) {
  Json entry = named_case_json(*record);
  entry[std::string(factor)] = value;
  return entry;
}

Json contest_json(const std::optional<Contest>& contest, const Ranking& ranking,
                  const Calibration& calibration) {
  if (!contest) return nullptr;
  const CaseRecord& best = contest->best();
  const auto slower = [&](const CaseRecord* record) {
    return record == nullptr ? Json()
                             : named_case_json(record, "times_slower", times_slower(*record, best));
  };
  const CaseRecord* const resident = ranking.resident;
  Json tied = Json::array();
  for (const CaseRecord* record : contest->tied) {
    if (record != &best) tied.push_back(slower(record));
  }
  Json by_memory = Json::array();
  for (const CaseRecord* record : contest->by_memory) {
    by_memory.push_back(named_case_json(record, "times_kept", times_kept(*record)));
  }
  return {{"best", named_case_json(best)},
          {"tied", std::move(tied)},
          {"runner_up", slower(contest->runner_up)},
          {"switchable", slower(contest->switchable)},
          {"resident", resident == nullptr ? Json()
                                           : named_case_json(resident, "times_faster",
                                                             times_slower(best, *resident))},
          {"by_memory", std::move(by_memory)},
          {"limited_by", name(limited_by(best, resident, calibration))}};
}

Json beside_json(const CaseBeside& beside) {
  const auto gb_per_s = [](std::optional<double> rate) {
    return rate ? Json(*rate / 1e9) : Json();
  };
  return {{"traffic", beside.kind},
          {"pace", beside.pace},
          {"unit_bytes", beside.unit_bytes},
          {"traffic_alone_gb_per_s", gb_per_s(beside.traffic_alone)},
          {"traffic_gb_per_s", gb_per_s(beside.traffic)},
          {"traffic_ratio", or_null<Json>(beside.traffic_ratio())},
          {"alone_gb_per_s", gb_per_s(beside.alone)},
          {"ratio", or_null<Json>(beside.ratio)}};
}

Json weights_json(const WeightSet& weights) {
  Json json{{"name", weights.name},
            {"bytes", weights.bytes()},
            {"tensors",
             weights.slice ? model_tensors_json(weights.tensors) : tensor_list(weights.tensors)}};
  if (weights.tensor_parallel > 1) json["tensor_parallel"] = weights.tensor_parallel;
  return json;
}

}  // namespace

JsonPart summary_json(const Summary& summary) {
  return Json{{"median_s", summary.median},
              {"mean_s", summary.mean},
              {"min_s", summary.min},
              {"max_s", summary.max},
              {"p05_s", summary.p05},
              {"p25_s", summary.p25},
              {"p75_s", summary.p75},
              {"p95_s", summary.p95},
              {"p99_s", summary.p99},
              {"stddev_s", summary.stddev},
              {"coefficient_of_variation", summary.coefficient_of_variation}};
}

JsonPart tensors_json(const std::vector<WeightTensor>& tensors) { return tensor_list(tensors); }

/// A failed case keeps its samples, as what was seen, but no rate: nothing may quote it.
JsonPart case_json(const CaseRecord& record, std::string_view run_name, const Ranking* ranking) {
  const bool rated = record.failure.empty() && record.summary;
  const bool stepped = rated && record.steps > 0;
  Json json{{"name", record.name},
            {"run_name", text_or_null<Json>(run_name)},
            {"workload", record.workload},
            {"label", record.label},
            {"policy", record.policy},
            {"weights", weights_json(record.weights)},
            {"start", record.start},
            {"path", name(record.path)},
            {"memory", record.memory},
            {"mechanism", record.mechanism},
            {"family", text_or_null<Json>(record.family)},
            {"engine_flags", text_or_null<Json>(record.engine_flags)},
            {"bytes",
             {{"requested", record.bytes.requested},
              {"touched", record.bytes.touched},
              {"only_read", record.bytes.only_read}}},
            {"steps", record.steps},
            {"tokens", record.tokens},
            {"link_bytes", or_null<Json>(record.link_bytes)},
            {"cpu_bytes", record.cpu_bytes},
            {"captured", record.captured},
            {"model", record.model ? model_json(record) : Json()},
            {"footprint", footprint_json(record.footprint)},
            {"huge_pages", huge_pages_json(record)},
            {"passes_per_sample", record.passes_per_sample},
            {"samples_s", record.samples},
            {"summary", record.summary ? part<Json>(summary_json(*record.summary)) : Json()},
            {"gb_per_s", rated ? Json(record.rate() / 1e9) : Json()},
            {"seconds_per_step",
             stepped ? Json(record.summary->median / static_cast<double>(record.steps)) : Json()},
            {"predicted", prediction_json<Json>(record.predicted)},
            {"share_of_link", rated ? or_null<Json>(record.share_of_link) : Json()},
            {"share_of_memory", rated ? or_null<Json>(record.share_of_memory) : Json()},
            {"variability", variability_json(record)},
            {"drift", drift_json(record)},
            {"unsettled", unsettled_json(record)},
            {"setup", setup_json(record)},
            {"evidence", evidence_json(record)},
            {"series", series_json(record)},
            {"standing", ranking == nullptr ? Json() : standing_json(record, *ranking)},
            {"excluded", text_or_null<Json>(exclusion_name(record))},
            {"failure", text_or_null<Json>(record.failure)},
            {"complete", record.complete}};
  json.update(part<Json>(members_json(record)));
  if (record.beside) json["beside"] = beside_json(*record.beside);
  return json;
}

JsonPart answer_json(const Answer& answer, const Calibration& calibration) {
  const Ranking& ranking = answer.ranking;
  return Json{{"workload", ranking.workload},
              {"label", ranking.label},
              {"weights", ranking.weights},
              {"gpus", ranking.gpus},
              {"cold", contest_json(ranking.cold, ranking, calibration)},
              {"warm", contest_json(ranking.warm, ranking, calibration)},
              {"sentences", answer.sentences}};
}

}  // namespace offload
