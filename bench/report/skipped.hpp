// SPDX-License-Identifier: Apache-2.0
// Why something was not measured, said once per reason.
#pragma once
#include <vector>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Nothing when there are none.
void write_skipped(Page& page, const std::vector<SkippedCase>& skipped);

}  // namespace offload
