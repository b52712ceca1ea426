// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/benchmark_flags.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <regex>
#include <string_view>

#include "bench/core/names.hpp"
#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// Flags under which one repetition is not one sample, or the samples of a case not in a row.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> not_passed_on{
    {{"--benchmark_enable_random_interleaving", "the samples of a case follow one another"},
     {"--benchmark_min_time", "a sample is one iteration: --samples says how many"},
     {"--benchmark_min_warmup_time", "every case settles before its first sample as it is"},
     {"--benchmark_dry_run", "the command plan says what would run"}}};

bool is_off(std::string_view value) {
  constexpr std::array<std::string_view, 6> off{"0", "f", "n", "no", "off", "false"};
  return std::ranges::find(off, to_lower(value)) != off.end();
}

bool is_whole_number(std::string_view text, long long least, long long most) {
  const auto number = parse_number<long long>(text);
  return number && *number >= least && *number <= most;
}

/// The standard library's matcher goes back over what it has matched: time with the power of the
/// repetitions beside each other, exponential in those of repeated groups, and a stack as deep as
/// the expression is long.
std::string fault_of_length(std::string_view text) {
  constexpr std::size_t most_characters = 1000;
  constexpr int most_repetitions = 4;
  constexpr std::string_view repeats = "*+{";
  if (text.size() > most_characters) {
    return "is longer than " + std::to_string(most_characters) + " characters";
  }
  int repetitions = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '|') repetitions = 0;
    if (repeats.find(text[i]) == std::string_view::npos) continue;
    if (i > 0 && text[i - 1] == ')') return "repeats a group, which may take forever";
    if (++repetitions > most_repetitions) {
      return "has more than " + std::to_string(most_repetitions) +
             " repetitions in a row, which may take forever";
    }
  }
  return "";
}

/// What keeps `text` from being one, as Google Benchmark reads it; "" when it is one.
std::string fault_of_expression(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);  // all but what it matches
  if (std::string fault = fault_of_length(text); !fault.empty()) return fault;
  try {
    const std::regex compiled(std::string(text), std::regex_constants::extended);
    return "";
  } catch (const std::regex_error&) {
    return "is not a regular expression";
  }
}

/// What keeps Google Benchmark from writing to `path`, which it opens only once all is set up.
std::string fault_of_path(const std::string& path) {
  struct stat status {};
  int error = 0;
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) error = EISDIR;
    if (error == 0 && ::access(path.c_str(), W_OK) != 0) error = errno;
  } else if (errno != ENOENT) {
    error = errno;
  } else {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    if (::access(parent.empty() ? "." : parent.c_str(), W_OK) != 0) error = errno;
  }
  return error == 0 ? "" : std::string("cannot be written: ") + std::strerror(error);
}

std::string fault_of_value(std::string_view flag, std::string_view value) {
  constexpr auto most_repetitions = 1'000'000;
  const auto one_of = [&](std::initializer_list<std::string_view> known) -> std::string {
    if (std::ranges::find(known, value) != known.end()) return "";
    return "must be one of " + joined({known.begin(), known.size()}, ", ");
  };
  if (flag == "--benchmark_filter") return fault_of_expression(value);
  if (flag == "--benchmark_out" && !value.empty()) return fault_of_path(std::string(value));
  if (flag == "--benchmark_format" || flag == "--benchmark_out_format") {
    return one_of({"console", "json", "csv"});
  }
  if (flag == "--benchmark_time_unit") return one_of({"ns", "us", "ms", "s"});
  if (flag == "--benchmark_repetitions" && !is_whole_number(value, 1, most_repetitions)) {
    return "must be a whole number from 1 to " + std::to_string(most_repetitions);
  }
  if (flag == "--v" && !is_whole_number(value, 0, std::numeric_limits<int>::max())) {
    return "must be a whole number, 0 or more";
  }
  if (flag == "--benchmark_context" && value.find('=') == value.npos) return "must read KEY=VALUE";
  return "";
}

/// Throws UsageError, which calls the flag `shown`.
void check(std::string_view flag, const std::string& value, const std::string& shown) {
  for (const auto& [name, why] : not_passed_on) {
    if (flag != name || is_off(value)) continue;
    throw UsageError(shown + " is not passed on to Google Benchmark: " + std::string(why));
  }
  const std::string fault = fault_of_value(flag, value);
  if (!fault.empty()) throw UsageError(shown + ": " + in_quotes(value) + ' ' + fault);
}

}  // namespace

void check_benchmark_flag(const std::string& argument) {
  const std::size_t equals = std::min(argument.find('='), argument.size());
  const std::string flag = argument.substr(0, equals);
  if (equals == argument.size()) {
    check(flag, "true", flag);  // as Google Benchmark takes a flag alone
  } else {
    check(flag, argument.substr(equals + 1), flag);
  }
}

void check_benchmark_environment(
    const std::vector<std::pair<std::string, std::string>>& environment) {
  // Flags that this program gives itself, which win over their variables.
  constexpr std::array<std::string_view, 3> given{"BENCHMARK_MIN_TIME", "BENCHMARK_REPETITIONS",
                                                  "BENCHMARK_TIME_UNIT"};
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("BENCHMARK_") || std::ranges::find(given, name) != given.end()) continue;
    check("--" + to_lower(name), value, name + " in the environment");
  }
}

}  // namespace offload
