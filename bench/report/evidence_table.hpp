// SPDX-License-Identifier: Apache-2.0
// Evidence in tables: why a case is as fast as it is, below how fast it is.
#pragma once
#include <vector>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Faults, traffic, CPU time and energy of those of `rows` that have any; then set-up apart from
/// reading, and passes on end, where they were taken. Nothing where there is no evidence.
void write_evidence(Page& page, const std::vector<const CaseRecord*>& rows);

/// What the tables' columns mean and why some cells are empty; said once for all `cases`, as items
/// of a list.
void write_evidence_notes(Page& page, const std::vector<CaseRecord>& cases);

}  // namespace offload
