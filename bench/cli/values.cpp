// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/values.hpp"

#include <filesystem>
#include <iomanip>
#include <optional>
#include <sstream>
#include <system_error>
#include <type_traits>
#include <utility>

#include "bench/catalog.hpp"
#include "bench/core/names.hpp"
#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"
#include "offload/error.hpp"
#include "offload/policy.hpp"
#include "offload/units.hpp"
#include "offload/workload.hpp"

namespace offload::values {
namespace {

template <typename T>
Read number_of(T min, T max) {
  return [=](const std::string& text) {
    const auto value = parse_number<T>(text);
    if (value && *value >= min && *value <= max) {
      return std::is_integral_v<T> ? std::to_string(*value) : text;  // without leading zeros
    }
    std::ostringstream why;
    why << std::setprecision(std::numeric_limits<double>::digits10) << "must be a "
        << (std::is_integral_v<T> ? "whole " : "") << "number from " << min << " to " << max
        << ", not " << in_quotes(text);
    throw UsageError(why.str());
  };
}

}  // namespace

std::string given(const std::string& text) {
  if (text.empty()) throw UsageError("needs a value");
  if (text.starts_with("--")) throw UsageError("needs a value, not the flag " + text);
  return text;
}

Read directory() {
  const auto existing = [](const std::string& text) {
    std::error_code ignored;
    if (std::filesystem::is_directory(given(text), ignored)) return text;
    throw UsageError("must be a directory that exists, not " + in_quotes(text));
  };
  return {existing, {}, true};
}

Read number(double min, double max) { return number_of(min, max); }

Read whole_number(std::uint64_t min, std::uint64_t max) { return number_of(min, max); }

Read rate() {
  return [](const std::string& text) {
    constexpr double least = 1e6;
    if (parse_rate(text) < least) {
      throw UsageError("must be a rate such as 25GB/s, not " + in_quotes(text) +
                       ": no machine is as slow");
    }
    std::ostringstream exact;
    exact << std::setprecision(std::numeric_limits<double>::max_digits10) << parse_rate(text);
    return exact.str();
  };
}

Read skew() {
  return [](const std::string& text) {
    constexpr Parameter parameter{"skew", 0, 150, 0, Parameter::Unit::hundredths};
    const auto value = parameter.parse(text);
    if (value && parameter.allows(*value)) return std::to_string(*value);
    throw UsageError("must be a number from 0 to 1.5 with at most two decimals, not " +
                     in_quotes(text));
  };
}

Read gpu_or_all() {
  const auto gpu = [](const std::string& text) {
    constexpr unsigned short most = 1023;
    const auto number = parse_number<unsigned short>(text);
    if (text == "all" || (number && *number <= most)) return text;
    throw UsageError("must be all or the index of a GPU, not " + in_quotes(text));
  };
  return {gpu, {"all"}};
}

Read host_node() {
  const auto node = [](const std::string& text) {
    if (text == "local" || text == "remote" || parse_number<unsigned short>(text)) return text;
    throw UsageError("must be local, remote or the number of a NUMA node, not " + in_quotes(text));
  };
  return {node, {"local", "remote"}};
}

Read size(std::size_t max) {
  return [=](const std::string& text) {
    const std::size_t bytes = parse_size(text);
    if (bytes > max) {
      throw UsageError("must be at most " + format_size(max) + ", not " + in_quotes(text));
    }
    return std::to_string(bytes);
  };
}

Read memory() {
  return [](const std::string& text) {
    constexpr std::size_t least = std::size_t{1} << 26;
    const std::size_t bytes = parse_size(text);
    if (bytes < least) {
      throw UsageError("must be a size such as 24GiB, not " + in_quotes(text) +
                       ": no model is as small");
    }
    return std::to_string(bytes);
  };
}

Read name_among(const std::string& kind, const std::vector<std::string_view>& known) {
  return {[kind, known](const std::string& text) { return known_name(kind, text, known); }, known};
}

Read name_or(const std::vector<std::string_view>& known) { return {given, known}; }

Read name_or_path(const std::vector<std::string_view>& known) { return {given, known, true}; }

Read path() { return name_or_path({}); }

std::vector<std::string_view> engine_names() {
  std::vector<std::string_view> names{"any"};
  names.insert(names.end(), engines.begin(), engines.end());
  return names;
}

std::string group_names() {
  std::vector<std::string_view> names;
  std::optional<Family> last;
  for (const PolicyGroup& group : policy_groups()) {
    if (group.family != last) names.push_back(group.name);
    last = group.family;
  }
  return joined(names, ", ");
}

}  // namespace offload::values
