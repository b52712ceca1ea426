// SPDX-License-Identifier: Apache-2.0
// What the CPU's kernels are compiled for.
#pragma once
#include <string>

namespace offload::host {

/// The instruction set that they chose at run time, e.g. "AVX3_ZEN4", "AVX2", "NEON".
std::string instruction_set();
/// That, and the unit that multiplies bf16 where there is one: "AVX3_ZEN4, AMX-BF16".
std::string all_instruction_sets();

}  // namespace offload::host
