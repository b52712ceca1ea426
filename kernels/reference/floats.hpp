// SPDX-License-Identifier: Apache-2.0
// Numbers narrower than float, in plain scalar code with no vector library.
#pragma once
#include <cstddef>
#include <vector>

#include "offload/dtype.hpp"

namespace offload::reference {

/// Bytes of dtype u8 are not numbers: std::invalid_argument.
float to_float(DType dtype, const std::byte* element);
void require_numbers(DType dtype);
/// Round to nearest even into bf16 or fp16 (to infinity when too large), fp8_e4m3 (which has none,
/// and saturates at 448) or fp32; stores bytes_of(dtype) bytes.
void from_float(DType dtype, float value, std::byte* element);
/// The value of every code of a dtype of 1 or 2 bytes.
std::vector<float> all_values(DType dtype);

}  // namespace offload::reference
