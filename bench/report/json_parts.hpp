// SPDX-License-Identifier: Apache-2.0
// The parts of the results document, each written by a file of its own. Those files alone include
// nlohmann/json: what they hand each other is an nlohmann::ordered_json that no header names.
#pragma once
#include <any>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/record.hpp"
#include "bench/report/answers.hpp"
#include "offload/platform.hpp"
#include "offload/weights.hpp"

namespace offload {

using JsonPart = std::any;

template <typename Json>
Json part(JsonPart part) {
  return std::any_cast<Json>(std::move(part));
}

/// A name or text that is empty because it does not exist is null in the document.
template <typename Json>
Json text_or_null(std::string_view text) {
  return text.empty() ? Json() : Json(text);
}

template <typename Json, typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

template <typename Json>
Json prediction_json(const std::optional<Prediction>& prediction) {
  if (!prediction) return {};
  return {{"seconds", prediction->seconds},
          {"least_s", prediction->least},
          {"most_s", prediction->most}};
}

template <typename Json>
Json named_texts(const NamedTexts& texts) {
  Json object = Json::object();
  for (const auto& [name, value] : texts) object[name] = value;
  return object;
}

/// Everything of a run but its cases and answers, for which there are empty lists.
JsonPart run_json(const RunRecord& run);
/// `ranking` is the one the case is part of; nullptr while the run goes on.
JsonPart case_json(const CaseRecord& record, std::string_view run_name, const Ranking* ranking);
JsonPart skipped_json(const SkippedCase& skipped);
JsonPart answer_json(const Answer& answer, const Calibration& calibration);
JsonPart machine_json(const Platform& platform);
JsonPart calibration_json(const Calibration& calibration);
JsonPart summary_json(const Summary& summary);
/// What is there beside the rest where there are several GPUs; empty elsewhere.
JsonPart gpus_json(const RunRecord& run);
JsonPart members_json(const CaseRecord& record);
JsonPart tensors_json(const std::vector<WeightTensor>& tensors);

}  // namespace offload
