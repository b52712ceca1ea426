// SPDX-License-Identifier: Apache-2.0
#include "bench/models/config_fields.hpp"

#include <utility>

#include "offload/error.hpp"

namespace offload {
namespace {

std::optional<JsonValue> given(const JsonValue& object, std::string_view name) {
  std::optional<JsonValue> value = object.find(name);
  return value && value->is_null() ? std::nullopt : value;
}

}  // namespace

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

std::optional<std::uint64_t> ConfigFields::number(std::initializer_list<std::string_view> names,
                                                  std::uint64_t min, std::uint64_t max) const {
  for (const std::string_view name : names) {
    if (const std::optional<JsonValue> value = find(name)) return as_number(name, *value, min, max);
  }
  return std::nullopt;
}

std::uint64_t ConfigFields::required(std::initializer_list<std::string_view> names,
                                     std::uint64_t min, std::uint64_t max) const {
  const std::optional<std::uint64_t> value = number(names, min, max);
  if (!value) fail("no " + std::string(*names.begin()) + ": not a complete config.json");
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

}  // namespace offload
