// SPDX-License-Identifier: Apache-2.0
// One factory per workload, for the catalog.
#pragma once
#include <memory>

#include "offload/workload.hpp"

namespace offload {

std::unique_ptr<Workload> make_stream_read();
std::unique_ptr<Workload> make_gemv();
std::unique_ptr<Workload> make_gemm();
std::unique_ptr<Workload> make_decode();
std::unique_ptr<Workload> make_prefill();
std::unique_ptr<Workload> make_pointer_chase();
std::unique_ptr<Workload> make_row_gather();
std::unique_ptr<Workload> make_expert_gather();
std::unique_ptr<Workload> make_nested();

}  // namespace offload
