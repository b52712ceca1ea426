// SPDX-License-Identifier: Apache-2.0
// The fields of a config.json, read strictly: a wrong type or a senseless number is a UsageError
// that names the file and the field.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"

namespace offload {

class ConfigFields {
 public:
  /// Multimodal models keep the language model's fields in "text_config"; those are meant here.
  ConfigFields(const JsonValue& config, std::string source);

  bool nested() const { return nested_; }
  const JsonValue& object() const { return inner_; }

  /// nullopt when absent or null.
  std::optional<JsonValue> find(std::string_view name) const;
  /// Also beside text_config, where some models say what holds for the whole.
  std::optional<JsonValue> find_anywhere(std::string_view name) const;

  /// The first of `names` that is given: a whole number from `min` to `max`.
  std::optional<std::uint64_t> number(std::initializer_list<std::string_view> names,
                                      std::uint64_t min, std::uint64_t max) const;
  /// The same; absent is an error.
  std::uint64_t required(std::initializer_list<std::string_view> names, std::uint64_t min,
                         std::uint64_t max) const;
  bool flag(std::string_view name, bool otherwise) const;
  bool flag_anywhere(std::string_view name, bool otherwise) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::string> text_anywhere(std::string_view name) const;
  /// Absent is an empty list.
  std::vector<JsonValue> list(std::string_view name) const;

  /// "<source>: <fault>"
  [[noreturn]] void fail(const std::string& fault) const;
  /// `value` of field `name` as a whole number in a range.
  std::uint64_t as_number(std::string_view name, const JsonValue& value, std::uint64_t min,
                          std::uint64_t max) const;
  std::string as_text(std::string_view name, const JsonValue& value) const;

 private:
  bool as_flag(std::string_view name, const JsonValue& value) const;

  JsonValue outer_;
  JsonValue inner_;
  bool nested_ = false;
  std::string source_;
};

}  // namespace offload
