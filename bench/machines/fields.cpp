// SPDX-License-Identifier: Apache-2.0
#include "bench/machines/fields.hpp"

#include <limits>

#include "offload/error.hpp"

namespace offload {

std::optional<JsonValue> Fields::find(std::string_view name) const {
  std::optional<JsonValue> value = object_.find(name);
  if (value && value->is_null()) return std::nullopt;
  return value;
}

std::string Fields::path_of(std::string_view field) const {
  return name_.empty() ? std::string(field) : name_ + "." + std::string(field);
}

void Fields::refuse(std::string_view field, const JsonValue& value, std::string_view wanted) const {
  fail(path_of(field) + " is " + value.description() + ", not " + std::string(wanted));
}

void Fields::fail(const std::string& fault) const { throw UsageError(source_ + ": " + fault); }

Fields Fields::as_object(std::string_view field, const JsonValue& value) const {
  if (!value.is_object()) refuse(field, value, "an object");
  return {value, source_, path_of(field)};
}

std::string Fields::as_text(std::string_view field, const JsonValue& value) const {
  const auto text = value.text();
  if (!text) refuse(field, value, "a text");
  return std::string(*text);
}

std::vector<JsonValue> Fields::list(std::string_view field) const {
  const auto value = find(field);
  if (!value) return {};
  if (!value->is_list()) refuse(field, *value, "a list");
  return value->items();
}

std::optional<Fields> Fields::object(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  return as_object(name, *value);
}

std::vector<Fields> Fields::objects(std::string_view name) const {
  std::vector<Fields> all;
  for (const JsonValue& item : list(name)) all.push_back(as_object(name, item));
  return all;
}

std::string Fields::text(std::string_view name) const {
  const auto value = find(name);
  return value ? as_text(name, *value) : "";
}

std::vector<std::string> Fields::texts(std::string_view name) const {
  std::vector<std::string> all;
  for (const JsonValue& item : list(name)) all.push_back(as_text(name, item));
  return all;
}

std::optional<bool> Fields::flag(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  const auto flag = value->flag();
  if (!flag) refuse(name, *value, "true or false");
  return flag;
}

std::size_t Fields::as_size(std::string_view field, const JsonValue& value) const {
  const auto number = value.whole_number();
  if (!number || *number > std::numeric_limits<std::size_t>::max()) {
    refuse(field, value, "a whole number");
  }
  return static_cast<std::size_t>(*number);
}

std::optional<std::size_t> Fields::size(std::string_view name) const {
  const auto value = find(name);
  return value ? std::optional(as_size(name, *value)) : std::nullopt;
}

std::vector<std::size_t> Fields::sizes(std::string_view name) const {
  std::vector<std::size_t> all;
  for (const JsonValue& item : list(name)) all.push_back(as_size(name, item));
  return all;
}

std::optional<int> Fields::integer(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::nullopt;
  const auto number = value->whole_number();
  if (!number || *number > std::numeric_limits<int>::max()) refuse(name, *value, "a count");
  return static_cast<int>(*number);
}

double Fields::as_amount(std::string_view field, const JsonValue& value) const {
  const auto number = value.number();
  if (!number || *number < 0) refuse(field, value, "a number of 0 or more");
  return *number;
}

std::optional<double> Fields::amount(std::string_view name) const {
  const auto value = find(name);
  return value ? std::optional(as_amount(name, *value)) : std::nullopt;
}

std::vector<double> Fields::amounts(std::string_view name) const {
  std::vector<double> all;
  for (const JsonValue& item : list(name)) all.push_back(as_amount(name, item));
  return all;
}

}  // namespace offload
