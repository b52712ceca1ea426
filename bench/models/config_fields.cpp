// SPDX-License-Identifier: Apache-2.0
#include "bench/models/config_fields.hpp"

#include <utility>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// What stands in the file, for an error message.
std::string described(const JsonValue& value) {
  if (const auto* whole = std::get_if<std::uint64_t>(&value.value)) return std::to_string(*whole);
  if (const auto* below = std::get_if<std::int64_t>(&value.value)) return std::to_string(*below);
  if (const auto* real = std::get_if<double>(&value.value)) return std::to_string(*real);
  if (const auto* flag = std::get_if<bool>(&value.value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value.value)) return in_quotes(*text);
  if (std::holds_alternative<JsonValue::Array>(value.value)) return "a list";
  return std::holds_alternative<JsonValue::Object>(value.value) ? "an object" : "null";
}

const JsonValue* given(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  const bool null = value != nullptr && std::holds_alternative<std::nullptr_t>(value->value);
  return null ? nullptr : value;
}

}  // namespace

ConfigFields::ConfigFields(const JsonValue& config, std::string source)
    : outer_(&config), inner_(&config), source_(std::move(source)) {
  if (!std::holds_alternative<JsonValue::Object>(config.value)) {
    fail("a model's config is an object with fields, not " + described(config));
  }
  const JsonValue* text_config = given(config, "text_config");
  if (text_config == nullptr) return;
  if (!std::holds_alternative<JsonValue::Object>(text_config->value)) {
    fail("text_config must be an object, not " + described(*text_config));
  }
  inner_ = text_config;
}

const JsonValue* ConfigFields::find(std::string_view name) const { return given(*inner_, name); }

const JsonValue* ConfigFields::find_anywhere(std::string_view name) const {
  const JsonValue* value = given(*inner_, name);
  return value != nullptr ? value : given(*outer_, name);
}

std::optional<std::uint64_t> ConfigFields::number(std::initializer_list<std::string_view> names,
                                                  std::uint64_t least, std::uint64_t most) const {
  for (const std::string_view name : names) {
    if (const JsonValue* value = find(name)) return as_number(name, *value, least, most);
  }
  return std::nullopt;
}

std::uint64_t ConfigFields::required(std::initializer_list<std::string_view> names,
                                     std::uint64_t least, std::uint64_t most) const {
  const std::optional<std::uint64_t> value = number(names, least, most);
  if (!value) fail("no " + std::string(*names.begin()) + ": not a complete config.json");
  return *value;
}

bool ConfigFields::flag(std::string_view name, bool otherwise) const {
  const JsonValue* value = find(name);
  return value == nullptr ? otherwise : as_flag(name, *value);
}

bool ConfigFields::flag_anywhere(std::string_view name, bool otherwise) const {
  const JsonValue* value = find_anywhere(name);
  return value == nullptr ? otherwise : as_flag(name, *value);
}

std::optional<std::string> ConfigFields::text(std::string_view name) const {
  const JsonValue* value = find(name);
  return value == nullptr ? std::nullopt : std::optional(as_text(name, *value));
}

std::optional<std::string> ConfigFields::text_anywhere(std::string_view name) const {
  const JsonValue* value = find_anywhere(name);
  return value == nullptr ? std::nullopt : std::optional(as_text(name, *value));
}

const JsonValue::Array& ConfigFields::list(std::string_view name) const {
  static const JsonValue::Array empty;
  const JsonValue* value = find(name);
  if (value == nullptr) return empty;
  const auto* items = std::get_if<JsonValue::Array>(&value->value);
  if (items == nullptr) fail(std::string(name) + " must be a list, not " + described(*value));
  return *items;
}

void ConfigFields::fail(const std::string& fault) const {
  throw UsageError(source_ + ": " + fault);
}

std::uint64_t ConfigFields::as_number(std::string_view name, const JsonValue& value,
                                      std::uint64_t least, std::uint64_t most) const {
  const auto* number = std::get_if<std::uint64_t>(&value.value);
  if (number == nullptr || *number < least || *number > most) {
    fail(std::string(name) + " must be a whole number from " + std::to_string(least) + " to " +
         std::to_string(most) + ", not " + described(value));
  }
  return *number;
}

std::string ConfigFields::as_text(std::string_view name, const JsonValue& value) const {
  const auto* text = std::get_if<std::string>(&value.value);
  if (text == nullptr) fail(std::string(name) + " must be text, not " + described(value));
  return *text;
}

bool ConfigFields::as_flag(std::string_view name, const JsonValue& value) const {
  const auto* flag = std::get_if<bool>(&value.value);
  if (flag == nullptr) {
    fail(std::string(name) + " must be true or false, not " + described(value));
  }
  return *flag;
}

}  // namespace offload
