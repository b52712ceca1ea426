// SPDX-License-Identifier: Apache-2.0
// One case in sentences: how fast, and everything that was found out about why.
#pragma once
#include <string>
#include <vector>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Sentences with figures; one for each collector that found nothing, with the reason.
std::vector<std::string> explain(const CaseRecord& record, const RunRecord& run);

/// The same under the case's name.
void write_explained(Page& page, const CaseRecord& record, const RunRecord& run);

}  // namespace offload
