// SPDX-License-Identifier: Apache-2.0
// JSON that others wrote, read within limits. The library that reads it is seen by json.cpp alone.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offload {

struct JsonMember;

struct JsonLimits {
  std::size_t depth = 64;
  std::size_t values = 8'000'000;
};

/// A value of a document, which lives as long as one of its values does.
class JsonValue {
 public:
  bool is_null() const;
  bool is_object() const;
  bool is_list() const;

  /// nullopt when the value is of another kind.
  std::optional<bool> flag() const;
  std::optional<std::string_view> text() const;
  std::optional<double> number() const;
  /// A number from 0 to 2^64 - 1 that is written without fraction or exponent.
  std::optional<std::uint64_t> whole_number() const;
  std::vector<JsonValue> items() const;     // of a list; of anything else none
  std::vector<JsonMember> members() const;  // of an object, by name; of anything else none

  /// The member `name` of an object; nullopt when absent or when this is not an object.
  std::optional<JsonValue> find(std::string_view name) const;

  /// What stands in the file, for an error message.
  std::string description() const;

 private:
  friend JsonValue parse_json(std::string_view, const std::string&, JsonLimits);
  explicit JsonValue(std::shared_ptr<const void> node) : node_(std::move(node)) {}

  std::shared_ptr<const void> node_;  // the library's value; it keeps the document alive
};

struct JsonMember {
  std::string_view name;
  JsonValue value;
};

/// `text` as a value. Throws UsageError naming `source`, the position and the fault: syntax, a name
/// given twice in one object, more depth or values than allowed. The words that Python writes for
/// numbers which JSON lacks (NaN, Infinity, -Infinity) are read as null.
JsonValue parse_json(std::string_view text, const std::string& source, JsonLimits limits = {});

}  // namespace offload
