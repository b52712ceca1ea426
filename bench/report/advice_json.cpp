// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/report/advice.hpp"
#include "bench/report/json_parts.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

Json configuration_json(const Configuration& one, const Serving& serving) {
  return {{"policy", one.policy->name},
          {"engine_flags", text_or_null<Json>(one.flags)},
          {"command_line", text_or_null<Json>(command_line(one.flags, one.memory.device, serving))},
          {"tokens_per_second", one.tokens_per_second(serving.batch)},
          {"step", prediction_json<Json>(one.step)},
          {"first_token", prediction_json<Json>(one.prompt)},
          {"first_token_at_once", prediction_json<Json>(one.prompt_at_once)},
          {"offloaded_bytes", one.offloaded_bytes},
          {"device_bytes", one.memory.device},
          {"host_bytes", one.memory.host},
          {"limited_by", name(one.bottleneck)}};
}

template <typename Items, typename ToJson>
Json list_of(const Items& items, const ToJson& to_json) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(to_json(item));
  return list;
}

/// null: not known; below_bytes null: at every size.
Json faults_json(std::optional<double> from) {
  if (!from) return {};
  return {{"below_bytes", std::isinf(*from) ? Json() : Json(*from)}};
}

}  // namespace

std::string advice_json(const AdviceReport& report) {
  const Question& asked = report.question;
  const Advice& advice = report.advice;
  const auto same = [](const std::string& text) { return Json(text); };
  const Json out = {
      {"schema_version", advice_schema_version},
      {"model", report.model},
      {"rates_from", report.origin},
      {"question",
       {{"gpu_memory_bytes", asked.gpu_memory},
        {"host_memory_bytes", asked.host_memory},
        {"context_tokens", asked.context},
        {"batch", asked.batch},
        {"prompt_tokens", asked.prompt},
        {"tensor_parallel", asked.tensor_parallel},
        {"gpus", asked.gpus},
        {"engine", text_or_null<Json>(asked.engine)}}},
      {"linear_weight_bytes", advice.weight_bytes},
      {"fixed_bytes",
       {{"other", advice.fixed.other},
        {"kv_cache", advice.fixed.kv_known ? Json(advice.fixed.kv_cache) : Json()},
        {"workspace", advice.fixed.workspace}}},
      {"all_fits", advice.all_fits},
      {"best", advice.configurations.empty() ? Json() : Json(0)},
      {"best_of_engines", or_null<Json>(advice.best_of_engines)},
      {"configurations",
       list_of(advice.configurations,
               [&](const Configuration& one) { return configuration_json(one, report.serving); })},
      {"misfits", list_of(advice.misfits,
                          [](const Misfit& one) {
                            return Json{{"policy", one.policy->name}, {"reason", one.reason}};
                          })},
      {"what_if", list_of(report.what_ifs,
                          [](const WhatIf& one) {
                            return Json{{"condition", one.condition},
                                        {"policy", text_or_null<Json>(one.policy)},
                                        {"engine_flags", text_or_null<Json>(one.flags)},
                                        {"tokens_per_second", one.tokens_per_second}};
                          })},
      {"verified", list_of(report.verified,
                           [](const Verified& one) {
                             return Json{
                                 {"policy", one.policy},
                                 {"layers", one.layers},
                                 {"of_layers", one.of_layers},
                                 {"predicted", prediction_json<Json>(one.predicted)},
                                 {"measured_s", one.failure.empty() ? Json(one.measured) : Json()},
                                 {"failure", text_or_null<Json>(one.failure)}};
                           })},
      {"crossovers",
       list_of(
           report.crossovers,
           [](const Crossover& one) {
             return Json{{"weight", one.weight}, {"copy_from_tokens", or_null<Json>(one.tokens)}};
           })},
      {"copy_from_bytes", or_null<Json>(report.copy_from_bytes)},
      {"batch_to_bytes", or_null<Json>(report.batch_to_bytes)},
      {"faults_lose", faults_json(report.fault_from_bytes)},
      {"threads_to_read", report.threads_to_read
                              ? Json{{"threads", *report.threads_to_read}, {"of", report.threads}}
                              : Json()},
      {"assumed", list_of(report.assumed, same)},
      {"unknown", list_of(report.unknown, same)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace offload
