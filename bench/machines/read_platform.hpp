// SPDX-License-Identifier: Apache-2.0
// What is known of a machine beside its rates, as far as predictions ask for it.
#pragma once
#include "bench/machines/fields.hpp"
#include "offload/platform.hpp"

namespace offload {

/// Of `offload_bench.platform`; settings of GPU and host stay empty.
Platform read_platform(const Fields& platform);

/// What GPUs since Pascal offer under Linux with a driver of CUDA 12.8 or later. Whether a driver
/// gives a GPU behind PCI Express pageable memory (HMM) depends on the machine: here it does not.
MemoryModel usual_memory_model(bool coherent, bool one_memory);

}  // namespace offload
