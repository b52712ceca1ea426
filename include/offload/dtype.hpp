// SPDX-License-Identifier: Apache-2.0
// Element types of weights, with the names the checkpoints use.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace offload {

enum class DType : std::uint8_t { bf16, fp16, fp32, fp8_e4m3, u8 };

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  std::size_t bytes;  // of one element
};

inline constexpr std::array<DTypeInfo, 5> dtypes{{
    {DType::bf16, "bf16", 2},
    {DType::fp16, "fp16", 2},
    {DType::fp32, "fp32", 4},
    {DType::fp8_e4m3, "fp8_e4m3", 1},
    {DType::u8, "u8", 1},
}};

constexpr const DTypeInfo& info(DType dtype) { return dtypes[static_cast<std::size_t>(dtype)]; }
constexpr std::string_view name(DType dtype) { return info(dtype).name; }
constexpr std::size_t bytes_of(DType dtype) { return info(dtype).bytes; }

/// nullopt for a name that is no dtype of ours.
constexpr std::optional<DType> parse_dtype(std::string_view text) {
  for (const auto& entry : dtypes) {
    if (entry.name == text) return entry.dtype;
  }
  return std::nullopt;
}

}  // namespace offload
