// SPDX-License-Identifier: Apache-2.0
// Fields of a machine's description in JSON, with one line for each that is not what it should be.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/models/json.hpp"

namespace offload {

/// An object. What is absent or null is empty: "", nullopt, no items. What is of another kind than
/// asked for throws UsageError naming source and field.
class Fields {
 public:
  /// `name` is the object's in messages, "" for the document's.
  Fields(JsonValue object, std::string source, std::string name)
      : object_(std::move(object)), source_(std::move(source)), name_(std::move(name)) {}

  std::optional<Fields> object(std::string_view name) const;
  std::vector<Fields> objects(std::string_view name) const;
  std::string text(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  std::optional<bool> flag(std::string_view name) const;
  std::optional<std::size_t> size(std::string_view name) const;
  std::vector<std::size_t> sizes(std::string_view name) const;
  std::optional<int> integer(std::string_view name) const;
  /// 0 and more, in whatever unit.
  std::optional<double> amount(std::string_view name) const;
  std::vector<double> amounts(std::string_view name) const;

  /// "<source>: <name>.<field> is <what stands there>, not <wanted>"
  [[noreturn]] void refuse(std::string_view field, const JsonValue& value,
                           std::string_view wanted) const;
  /// "<source>: <fault>"
  [[noreturn]] void fail(const std::string& fault) const;

 private:
  std::optional<JsonValue> find(std::string_view name) const;
  std::string path_of(std::string_view field) const;
  Fields as_object(std::string_view field, const JsonValue& value) const;
  std::string as_text(std::string_view field, const JsonValue& value) const;
  std::size_t as_size(std::string_view field, const JsonValue& value) const;
  double as_amount(std::string_view field, const JsonValue& value) const;
  std::vector<JsonValue> list(std::string_view field) const;

  JsonValue object_;
  std::string source_;
  std::string name_;
};

}  // namespace offload
