// SPDX-License-Identifier: Apache-2.0
// Holds a stream back until the host opens a gate, so that several GPUs go on at the same moment.
#pragma once
#include <chrono>
#include <cstdint>

#include "offload/stream.hpp"

namespace offload::kernels {

/// Enqueues on `stream` a wait for `*opened`, in mapped host memory, to reach `turn`, and for
/// `hold` to pass then: time to enqueue what is to follow, so that it starts without being launched
/// first. Whoever opens counts `*opened` up.
void start_gate(const std::uint32_t* opened, std::uint32_t turn, std::chrono::nanoseconds hold,
                StreamHandle stream);

}  // namespace offload::kernels
