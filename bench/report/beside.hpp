// SPDX-License-Identifier: Apache-2.0
// What cases and other traffic on the GPU did to each other, for people.
#pragma once
#include <vector>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// A table for each kind of traffic; nothing where there was none.
void write_beside(Page& page, const std::vector<CaseRecord>& cases);

}  // namespace offload
