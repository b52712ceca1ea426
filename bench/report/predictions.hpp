// SPDX-License-Identifier: Apache-2.0
// How far cases lie from what was predicted of them.
#pragma once
#include <optional>
#include <vector>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// By which factor the longer of predicted and measured seconds exceeds the other, less 1; nullopt
/// where either is not known.
std::optional<double> prediction_error(const CaseRecord& record);
/// Whether the median lies within the range predicted; of cases with both.
bool is_as_predicted(const CaseRecord& record);

/// By policy: cases, median and worst error, and how many lie outside their range.
void write_predictions(Page& page, const std::vector<CaseRecord>& cases);

}  // namespace offload
