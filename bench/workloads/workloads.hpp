// SPDX-License-Identifier: Apache-2.0
// What each file of this folder offers to the catalog.
#pragma once
#include <memory>
#include <vector>

#include "offload/workload.hpp"

namespace offload::workloads {

std::vector<std::unique_ptr<Workload>> stream_read();
std::vector<std::unique_ptr<Workload>> matmul();
std::vector<std::unique_ptr<Workload>> pointer_chase();
std::vector<std::unique_ptr<Workload>> row_gather();
std::vector<std::unique_ptr<Workload>> expert_gather();
std::vector<std::unique_ptr<Workload>> nested();

}  // namespace offload::workloads
