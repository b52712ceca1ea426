// SPDX-License-Identifier: Apache-2.0
// Reads JSON that others wrote: a small value tree with bounded depth and memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace offload {

struct JsonMember;

struct JsonValue {
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;  // in file order, names unique
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      value;

  /// The member `name` of an object; nullptr when absent or when this is no object.
  const JsonValue* find(std::string_view name) const;
};

struct JsonMember {  // no pair, which would ask about JsonValue before it is complete
  std::string first;
  JsonValue second;
};

struct JsonLimits {
  std::size_t depth = 64;
  std::size_t values = 8'000'000;
};

/// `text` as a value. Throws UsageError naming `source`, the position and the fault: syntax, a name
/// given twice in one object, more depth or values than allowed.
JsonValue parse_json(std::string_view text, const std::string& source, JsonLimits limits = {});

}  // namespace offload
