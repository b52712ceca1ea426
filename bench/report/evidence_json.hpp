// SPDX-License-Identifier: Apache-2.0
// A case's evidence in the results document: what each collector found, and what follows from it.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "bench/record.hpp"

namespace offload {

nlohmann::ordered_json evidence_json(const CaseRecord& record);
/// Time before reading began; null for workloads that do not tell it apart.
nlohmann::ordered_json setup_json(const CaseRecord& record);
/// Passes on end; null without --passes.
nlohmann::ordered_json series_json(const CaseRecord& record);

}  // namespace offload
