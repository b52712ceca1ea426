// SPDX-License-Identifier: Apache-2.0
// JSON that others wrote, read within limits. The library that reads it is seen by json.cpp alone.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
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
  std::size_t values = 8'000'000;         // that are kept
  std::size_t member_values = 8'000'000;  // of one member that read_members() takes
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
  friend class JsonReader;
  explicit JsonValue(std::shared_ptr<const void> node) : node_(std::move(node)) {}

  std::shared_ptr<const void> node_;  // the library's value; it keeps the document alive
};

struct JsonMember {
  std::string_view name;
  JsonValue value;
};

/// Whether a member is kept: of the document, whose `object` is "", and of an object that is a
/// member of the document. What those hold further in is kept with them.
using JsonFilter = std::function<bool(std::string_view object, std::string_view member)>;

/// `text` as a value. Throws UsageError naming `source`, the position and the fault: syntax, a name
/// given twice in one object, more depth or values than allowed. The words that Python writes for
/// numbers which JSON lacks (NaN, Infinity, -Infinity) are read as null.
JsonValue parse_json(std::string_view text, const std::string& source, JsonLimits limits = {},
                     const JsonFilter& keeps = {});

using TakeMember = std::function<void(std::string_view name, const JsonValue& value)>;

/// The members of the document's object `of`, "" for the document itself, one after another: none
/// is kept, and names last as long as the call. Throws as parse_json does, also once members have
/// been taken.
void read_members(std::string_view text, const std::string& source, JsonLimits limits,
                  std::string_view of, const TakeMember& take);

}  // namespace offload
