// SPDX-License-Identifier: Apache-2.0
// One row of raw numbers per case, for spreadsheets and scripts. Times in seconds, sizes in bytes.
#pragma once
#include <string>
#include <vector>

#include "bench/record.hpp"

namespace offload {

/// A header row, then every case; figures a case does not have are empty.
std::string cases_csv(const std::vector<CaseRecord>& cases);

}  // namespace offload
