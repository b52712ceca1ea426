// SPDX-License-Identifier: Apache-2.0
// Reads the small text files in which Linux describes itself. What is absent reads as
// empty.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

/// The whole file, "" when it cannot be read.
std::string read_text(const std::filesystem::path& path);
/// The lines of `text` without their ends.
std::vector<std::string_view> lines_of(std::string_view text);
/// Without white space at either end.
std::string_view trimmed(std::string_view text);
/// What follows `key` and a separator (':' or blanks) on the first line that starts with `key`:
/// /proc/cpuinfo, /proc/meminfo and memory.stat alike. "" when there is no such line.
std::string_view value_of(std::string_view text, std::string_view key);
/// The decimal number at the start of `text`; nullopt when there is none or it overflows.
std::optional<std::size_t> leading_number(std::string_view text);
/// Bytes of a line "key: 12 kB" of `text`, as value_of() finds it; nullopt when there is none.
std::optional<std::size_t> kib_of(std::string_view text, std::string_view key);
/// All of `text`, white space around it aside, as a decimal number; nullopt when it is none.
std::optional<std::size_t> exact_number(std::string_view text);
/// "0-3,8" holds five numbers.
std::size_t count_in_list(std::string_view text);
/// The numbers of "0-3,8", ascending as they stand there. No more than a machine has CPUs: what is
/// beyond 65536 is left out.
std::vector<int> numbers_in_list(std::string_view text);
/// The word in brackets, as in "always [madvise] never"; "" when there is none.
std::string selected_word(std::string_view text);

}  // namespace offload
