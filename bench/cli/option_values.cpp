// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/option_values.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>

#include "bench/core/text.hpp"
#include "offload/dtype.hpp"

namespace offload {
namespace {

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string plain(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

[[noreturn]] void refuse_tensor(std::string_view text, const std::string& why) {
  throw UsageError("--tensor " + in_quotes(text) + " " + why);
}

}  // namespace

std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t least,
                           std::uint64_t most) {
  const std::optional<std::uint64_t> number = whole_number(text);
  if (number && *number >= least && *number <= most) return *number;
  throw UsageError(std::string(option) + " must be a whole number from " + std::to_string(least) +
                   " to " + std::to_string(most) + ", not " + in_quotes(text));
}

double parse_decimal(std::string_view option, std::string_view text, double least, double most) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && number >= least && number <= most) return number;
  throw UsageError(std::string(option) + " must be a number from " + plain(least) + " to " +
                   plain(most) + ", not " + in_quotes(text));
}

std::uint64_t parse_hundredths(std::string_view option, std::string_view text, std::uint64_t least,
                               std::uint64_t most) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto whole = whole_number(text.substr(0, point));
  std::string decimals(text.substr(std::min(point + 1, text.size())));
  const bool written = point == text.size() || (!decimals.empty() && decimals.size() <= 2);
  decimals.resize(std::max(decimals.size(), std::size_t{2}), '0');
  const auto part = whole_number(decimals);
  if (written && whole && part && *whole <= most / 100) {
    const std::uint64_t number = *whole * 100 + *part;
    if (number >= least && number <= most) return number;
  }
  throw UsageError(std::string(option) + " must be a number from " +
                   plain(static_cast<double>(least) / 100) + " to " +
                   plain(static_cast<double>(most) / 100) + " with at most two decimals, not " +
                   in_quotes(text));
}

std::vector<std::string> split_list(std::string_view option, std::string_view text) {
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end == begin) {
      throw UsageError(std::string(option) + " has an empty item in " + in_quotes(text));
    }
    items.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

WeightTensor parse_tensor(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) {
    refuse_tensor(text, "must read NAME:ROWSxCOLS:DTYPE, such as my_proj:4096x14336:bf16");
  }
  const std::string_view name = text.substr(0, first);
  const std::string_view shape = text.substr(first + 1, second - first - 1);
  const std::string_view dtype_name = text.substr(second + 1);
  if (!is_plain_name(name)) {
    refuse_tensor(text, "needs a name of letters, digits and . _ - + only");
  }

  const std::size_t cross = std::min(shape.find('x'), shape.size());
  const auto rows = whole_number(shape.substr(0, cross));
  const auto cols = whole_number(shape.substr(std::min(cross + 1, shape.size())));
  if (!rows || !cols) refuse_tensor(text, "needs a shape ROWSxCOLS, such as 4096x14336");
  if (*rows == 0 || *cols == 0) refuse_tensor(text, "has no elements");

  const std::optional<DType> dtype = parse_dtype(dtype_name);
  if (!dtype) {
    std::vector<std::string_view> known;
    known.reserve(dtypes.size());
    for (const DTypeInfo& entry : dtypes) known.push_back(entry.name);
    throw UsageError("--tensor " + in_quotes(text) + ": " +
                     unknown_name("dtype", dtype_name, known));
  }
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());
  if (*rows > most / bytes_of(*dtype) / *cols) refuse_tensor(text, "is too large");
  return {std::string(name), *dtype, static_cast<std::size_t>(*rows),
          static_cast<std::size_t>(*cols)};
}

std::string parse_name(std::string_view kind, std::string_view text,
                       std::span<const std::string_view> known) {
  const std::string wanted = to_lower(text);
  for (const std::string_view name : known) {
    if (to_lower(name) == wanted) return std::string(name);
  }
  throw UsageError(unknown_name(kind, text, known));
}

}  // namespace offload
