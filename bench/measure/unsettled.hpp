// SPDX-License-Identifier: Apache-2.0
// Whether the pages of a warm case still moved from pass to pass, by its evidence.
#pragma once
#include <optional>

#include "bench/record.hpp"

namespace offload {

/// nullopt for a case that has settled, as far as the evidence shows.
std::optional<Unsettled> find_unsettled(const CaseRecord& record);

}  // namespace offload
