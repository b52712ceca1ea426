// SPDX-License-Identifier: Apache-2.0
#include "bench/models/family_lengths.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include "bench/core/text.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

FamilyDescription description_of(const ConfigFields& fields) {
  const std::optional<std::string> type = fields.model_type();
  if (!type) fields.fail("no model_type: not a model's config.json" + std::string(advice));
  std::optional<FamilyDescription> found = FamilyDescription::of(*type);
  if (!found) {
    const bool named = fields.text_anywhere("model_type").has_value();
    fields.fail((named ? "model_type " : "architecture ") + in_quotes(*type) +
                " is not one whose shapes follow from its config" + std::string(advice));
  }
  return std::move(*found);
}

}  // namespace

FamilyLengths::FamilyLengths(const ConfigFields& fields)
    : fields_(fields), description_(description_of(fields)) {}

void FamilyLengths::enter_layer(std::uint64_t index) {
  layer_ = index;
  numbers_here_.clear();
}

std::uint64_t FamilyLengths::number(const std::string& expression) {
  for (const auto* numbers : {&numbers_, &numbers_here_}) {
    const auto known = numbers->find(expression);
    if (known != numbers->end()) return known->second;
  }
  layer_matters_ = false;
  const std::uint64_t number = calculated(expression);
  (layer_matters_ ? numbers_here_ : numbers_).emplace(expression, number);
  return number;
}

std::uint64_t FamilyLengths::calculated(const std::string& expression) {
  open_.clear();
  used_.clear();
  try {
    const ShapeValue value = value_of(expression);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
    const auto* missing = std::get_if<NotGiven>(&value);
    if (missing == nullptr) fail_senseless(expression, "no whole number");
    if (!missing->names.empty()) fail_missing(missing->names);
    fail_senseless(expression, "it says nothing of layer " + std::to_string(layer_));
  } catch (const std::invalid_argument& error) {
    fail_senseless(expression, error.what());
  }
}

ShapeValue FamilyLengths::value_of(std::string_view expression) {
  return evaluate(expression, [this](std::string_view name) { return named(name); });
}

bool FamilyLengths::is_open(std::string_view name) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const Open& open) { return open.name == name; });
}

ShapeValue FamilyLengths::named(std::string_view name) {
  if (name == "layer") {
    layer_matters_ = true;
    return layer_;
  }
  if (name == "nested") return std::uint64_t{fields_.nested() ? 1U : 0U};
  constexpr std::string_view own = "layer.";
  if (name.starts_with(own)) {
    layer_matters_ = true;
    return own_field(name.substr(own.size()));
  }
  const std::optional<std::string> meaning =
      is_open(name) ? std::nullopt : description_.value(name);
  if (!meaning) return field(name);
  open_.push_back({std::string(name), used_.size()});
  ShapeValue value = value_of(*meaning);
  open_.pop_back();
  return value;
}

/// What per_layer_config gives for the layer, which its keys name, with leading zeros or none.
ShapeValue FamilyLengths::own_field(std::string_view name) const {
  const std::optional<JsonValue> layers = fields_.find("per_layer_config");
  if (!layers) return {};
  for (const JsonMember& member : layers->members()) {
    if (parse_digits(member.name) != layer_) continue;
    const std::optional<JsonValue> value = member.value.find(name);
    if (value) return as_shape_value(*value);
  }
  return {};
}

ShapeValue FamilyLengths::field(std::string_view name) {
  const auto known = known_.find(name);
  ShapeValue value = known != known_.end() ? known->second : checked_field(name);
  if (known == known_.end()) known_.emplace(name, value);
  if (!std::holds_alternative<NotGiven>(value)) used_.emplace_back(name);
  return value;
}

ShapeValue FamilyLengths::checked_field(std::string_view name) {
  const std::size_t dot = name.find('.');
  std::optional<JsonValue> value = name == "tie_word_embeddings"
                                       ? fields_.find_anywhere(name)
                                       : fields_.find(name.substr(0, dot));
  if (value && dot != name.npos) value = value->find(name.substr(dot + 1));
  if (!value || value->is_null()) return NotGiven{{std::string(name)}};
  check(name, *value);
  try {
    return as_shape_value(*value);
  } catch (const std::invalid_argument& error) {
    fields_.fail(std::string(name) + " makes no sense: " + error.what());
  }
}

/// By the description's rule: "flag", "text", "MIN MAX" of a number, and behind "list" the rule of
/// its items.
void FamilyLengths::check(std::string_view name, const JsonValue& value) {
  const std::optional<std::string> rule = description_.field(name);
  if (!rule) return;
  const std::vector<std::string> words = words_of(*rule);
  if (words.front() != "list") {
    check_item(name, value, words);
    return;
  }
  for (const JsonValue& item : fields_.list(name)) {
    check_item(name, item, {words.begin() + 1, words.end()});
  }
}

void FamilyLengths::check_item(std::string_view name, const JsonValue& value,
                               const std::vector<std::string>& rule) {
  if (rule.front() == "flag") {
    fields_.as_flag(name, value);
  } else if (rule.front() == "text") {
    fields_.as_text(name, value);
  } else {
    fields_.as_number(name, value, limit(rule.at(0)), limit(rule.at(1)));
  }
}

/// None where it is a length that is not given: it will be missed elsewhere.
std::uint64_t FamilyLengths::limit(const std::string& expression) {
  const ShapeValue value = value_of(expression);
  const auto* number = std::get_if<std::uint64_t>(&value);
  return number == nullptr ? std::numeric_limits<std::uint64_t>::max() : *number;
}

void FamilyLengths::fail_senseless(const std::string& expression, const std::string& fault) const {
  const bool inside = !open_.empty();
  const std::size_t first = inside ? open_.back().first_field : 0;
  std::vector<std::string> names;
  for (std::size_t i = first; i < used_.size(); ++i) {
    if (std::find(names.begin(), names.end(), used_[i]) == names.end()) names.push_back(used_[i]);
  }
  std::string fields;
  for (const std::string& name : names) fields += (fields.empty() ? "" : ", ") + name;
  fields_.fail((inside ? open_.back().name : expression) + " cannot follow from " +
               (fields.empty() ? "it" : fields) + ": " + fault);
}

void FamilyLengths::fail_missing(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    if (fields_.object().find(name))
      fields_.fail("no " + name + ": it is null or no finite number");
  }
  fields_.fail("no " + names.front() + ": not a complete config.json" + std::string(advice));
}

}  // namespace offload
