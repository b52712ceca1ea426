// SPDX-License-Identifier: Apache-2.0
// Expressions over the fields of a config, by which a family's description says a length or when.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bench/models/json.hpp"

namespace offload {

/// What the result of every operation but "|" is as well where an operand is not given.
struct NotGiven {
  std::vector<std::string> names = {};  // of what would do
};
using ShapeValue = std::variant<NotGiven, std::uint64_t, std::string, JsonValue>;

/// What a name stands for. It may throw.
using NamedValues = std::function<ShapeValue(std::string_view name)>;

/// Of loosest binding first: a|b (b when a is not given), a&b, a=b a!=b a<b, a+b a-b, a*b a/b a%b
/// (whole numbers), !a, (a), 'text', at(list,index) or a letter of a text, has(list,element) or a
/// number of a text such as '1,2', index(list,element) of its first, size(list), up(a,b) for a/b
/// rounded up, scaled(a,b) for a times a fraction rounded down, divisor(a,b) for an a that must
/// divide b. No spaces. Throws std::invalid_argument for what is no such expression, and for a
/// number below 0 or above any model's.
ShapeValue evaluate(std::string_view expression, const NamedValues& names);

/// A number, a text or a list as it stands in a config, where a fraction stays as it is; of true
/// and false 1 and 0.
ShapeValue as_shape_value(const JsonValue& value);

}  // namespace offload
