// SPDX-License-Identifier: Apache-2.0
#include "offload/weights.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "bench/core/names.hpp"
#include "bench/core/numbers.hpp"
#include "offload/dtype.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

DType dtype_of(std::string_view name) {
  if (const std::optional<DType> dtype = parse_dtype(name)) return *dtype;
  std::vector<std::string_view> known;
  known.reserve(dtypes.size());
  for (const DTypeInfo& entry : dtypes) known.push_back(entry.name);
  throw UsageError(unknown_name("dtype", name, known));
}

}  // namespace

WeightTensor parse_tensor(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) {
    refuse("tensor", text, "must read NAME:ROWSxCOLS:DTYPE, such as my_proj:4096x14336:bf16");
  }
  const std::string_view name = text.substr(0, first);
  const std::string_view shape = text.substr(first + 1, second - first - 1);
  if (!is_plain_name(name))
    refuse("tensor", text, "needs a name of letters, digits and . _ - + only");

  const std::size_t cross = std::min(shape.find('x'), shape.size());
  const auto rows = parse_number<std::uint64_t>(shape.substr(0, cross));
  const auto cols = parse_number<std::uint64_t>(shape.substr(std::min(cross + 1, shape.size())));
  if (!rows || !cols) refuse("tensor", text, "needs a shape ROWSxCOLS, such as 4096x14336");
  if (*rows == 0 || *cols == 0) refuse("tensor", text, "has no elements");

  const DType dtype = dtype_of(text.substr(second + 1));
  constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());
  if (*rows > max / bytes_of(dtype) / *cols) refuse("tensor", text, "is too large");
  return {std::string(name), dtype, static_cast<std::size_t>(*rows),
          static_cast<std::size_t>(*cols)};
}

WeightSet plain_part(const WeightSet& weights, std::size_t max_bytes) {
  constexpr std::size_t row_alignment = 4;  // what a piece's first row must be a multiple of
  const auto offloaded = std::ranges::find_if(
      weights.tensors, [](const WeightTensor& tensor) { return !tensor.resident; });
  if (offloaded == weights.tensors.end()) return {};
  WeightTensor part = *offloaded;
  const std::size_t rows = max_bytes / part.row_bytes() / row_alignment * row_alignment;
  part.rows = std::min(std::max(rows, row_alignment), part.rows);
  part.experts = 0;
  part.stored.clear();
  return {"part of " + weights.name, {part}};
}

}  // namespace offload
