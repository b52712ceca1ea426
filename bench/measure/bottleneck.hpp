// SPDX-License-Identifier: Apache-2.0
// What a pass waits for.
#pragma once
#include <cstdint>
#include <string_view>

#include "offload/rates.hpp"

namespace offload {

/// The part of the machine that, twice as fast, would shorten a pass most.
enum class Bottleneck : std::uint8_t { link, host_memory, cpu, gpu, starts };
std::string_view name(Bottleneck bottleneck);

/// The same machine, a part of it twice as fast.
Rates twice_as_fast(const Rates& rates, Bottleneck part);

}  // namespace offload
