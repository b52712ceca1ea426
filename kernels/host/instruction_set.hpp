// SPDX-License-Identifier: Apache-2.0
// What the CPU's kernels are compiled for.
#pragma once
#include <string>

namespace offload::host {

/// The instruction set that they chose at run time, e.g. "AVX3_ZEN4", "AVX2", "NEON".
std::string instruction_set();

}  // namespace offload::host
