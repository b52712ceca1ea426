// SPDX-License-Identifier: Apache-2.0
// What the value of a flag may be: numbers, sizes, rates and names, as users type them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace offload::values {

/// What is put in a value's place. Throws UsageError for what the value may not be.
using Read = std::function<std::string(const std::string&)>;

std::string given(const std::string& text);      // not left out
std::string directory(const std::string& text);  // that there is

/// From `min` to `max`, strictly read: no sign, no white space, nothing after it.
Read number(double min, double max);
Read whole_number(std::uint64_t min, std::uint64_t max);

Read rate();  // bytes per second
Read skew();  // 0 to 1.5, in hundredths
Read size(std::size_t max = std::numeric_limits<std::size_t>::max());
Read memory();  // that a model may take

Read host_node();  // "local", "remote" or a number

/// One of `known` in any case, as it is spelled there.
Read name_among(const std::string& kind, std::vector<std::string_view> known);

std::vector<std::string_view> engine_names();

/// One of each group of policies: "uva", not its family's longer name.
std::string group_names();

}  // namespace offload::values
