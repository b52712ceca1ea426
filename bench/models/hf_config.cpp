// SPDX-License-Identifier: Apache-2.0
#include "bench/models/hf_config.hpp"

#include <utility>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
std::optional<JsonValue> given(const JsonValue& object, std::string_view name) {
  std::optional<JsonValue> value = object.find(name);
  return value && value->is_null() ? std::nullopt : value;
}

ConfigFields::ConfigFields(const JsonValue& config, std::string source)
    : outer_(config), inner_(config), source_(std::move(source)) {
  if (!config.is_object()) {
    fail("a model's config is an object with fields, not " + config.description());
  }
  const std::optional<JsonValue> text_config = given(config, "text_config");
  if (!text_config) return;
  if (!text_config->is_object()) {
    fail("text_config must be an object, not " + text_config->description());
  }
  inner_ = *text_config;
  nested_ = true;
}

std::optional<JsonValue> ConfigFields::find(std::string_view name) const {
  return given(inner_, name);
}

std::optional<JsonValue> ConfigFields::find_anywhere(std::string_view name) const {
  std::optional<JsonValue> value = given(inner_, name);
  return value ? value : given(outer_, name);
}

std::optional<std::uint64_t> ConfigFields::number(std::string_view name, std::uint64_t min,
                                                  std::uint64_t max) const {
  const std::optional<JsonValue> value = find(name);
  return value ? std::optional(as_number(name, *value, min, max)) : std::nullopt;
}

std::uint64_t ConfigFields::required(std::string_view name, std::uint64_t min,
                                     std::uint64_t max) const {
  const std::optional<std::uint64_t> value = number(name, min, max);
  if (!value) fail(std::string(name) + " is missing");
  return *value;
}

bool ConfigFields::flag(std::string_view name, bool otherwise) const {
  const std::optional<JsonValue> value = find(name);
  return value ? as_flag(name, *value) : otherwise;
}

bool ConfigFields::flag_anywhere(std::string_view name, bool otherwise) const {
  const std::optional<JsonValue> value = find_anywhere(name);
  return value ? as_flag(name, *value) : otherwise;
}

std::optional<std::string> ConfigFields::text(std::string_view name) const {
  const std::optional<JsonValue> value = find(name);
  return value ? std::optional(as_text(name, *value)) : std::nullopt;
}

std::optional<std::string> ConfigFields::text_anywhere(std::string_view name) const {
  const std::optional<JsonValue> value = find_anywhere(name);
  return value ? std::optional(as_text(name, *value)) : std::nullopt;
}

std::optional<std::string> ConfigFields::model_type() const {
  std::optional<std::string> type = text_anywhere("model_type");
  const std::vector<JsonValue> architectures =
      type ? std::vector<JsonValue>{} : list("architectures");
  return architectures.empty() ? type : as_text("architectures", architectures.front());
}

std::optional<std::string> ConfigFields::outer_text(std::string_view name) const {
  const std::optional<JsonValue> value = given(outer_, name);
  return value ? std::optional(as_text(name, *value)) : std::nullopt;
}

std::vector<JsonValue> ConfigFields::list(std::string_view name) const {
  const std::optional<JsonValue> value = find(name);
  if (!value) return {};
  if (!value->is_list()) fail(std::string(name) + " must be a list, not " + value->description());
  return value->items();
}

void ConfigFields::fail(const std::string& fault) const {
  throw UsageError(source_ + ": " + fault);
}

std::uint64_t ConfigFields::as_number(std::string_view name, const JsonValue& value,
                                      std::uint64_t min, std::uint64_t max) const {
  const std::optional<std::uint64_t> number = value.whole_number();
  if (!number || *number < min || *number > max) {
    fail(std::string(name) + " must be a whole number from " + std::to_string(min) + " to " +
         std::to_string(max) + ", not " + value.description());
  }
  return *number;
}

std::string ConfigFields::as_text(std::string_view name, const JsonValue& value) const {
  const std::optional<std::string_view> text = value.text();
  if (!text) fail(std::string(name) + " must be text, not " + value.description());
  return std::string(*text);
}

bool ConfigFields::as_flag(std::string_view name, const JsonValue& value) const {
  const std::optional<bool> flag = value.flag();
  if (!flag) fail(std::string(name) + " must be true or false, not " + value.description());
  return *flag;
}

namespace {

bool is_drafting_architecture(const std::string& name) {
  const auto holds = [&](std::string_view word) { return name.find(word) != name.npos; };
  // Models of images are called Eagle too, "ForConditionalGeneration".
  if (holds("Eagle")) return holds("ForCausalLM") || holds("MTP");
  return holds("Medusa") || holds("Speculator");
}

}  // namespace

std::uint64_t context_of(const ConfigFields& fields) {
  const std::optional<JsonValue> value = fields.find_anywhere("max_position_embeddings");
  return value ? value->whole_number().value_or(0) : 0;
}

void refuse_other_models(const ConfigFields& fields) {
  constexpr std::string_view drafts =
      " means a draft for another model (EAGLE, Medusa and the like), not a model of its own; give "
      "the model that it drafts for";
  for (const std::string_view field : {"draft_vocab_size", "eagle_config", "speculators_config"}) {
    if (fields.find_anywhere(field)) fields.fail("field " + in_quotes(field) + std::string(drafts));
  }
  const std::optional<JsonValue> architectures = fields.find_anywhere("architectures");
  for (const JsonValue& item : architectures ? architectures->items() : std::vector<JsonValue>()) {
    const std::string name(item.text().value_or(""));
    if (is_drafting_architecture(name)) {
      fields.fail("architecture " + in_quotes(name) + std::string(drafts));
    }
  }
  if (fields.flag_anywhere("is_encoder_decoder", false)) {
    fields.fail("is_encoder_decoder: only models that run all layers for each token are read");
  }
}

}  // namespace offload
