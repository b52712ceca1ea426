// SPDX-License-Identifier: Apache-2.0
// What makes a machine offload weights more slowly than it could: a list of checks, each judged by
// what is known of the machine and by a few seconds of measuring.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "bench/options.hpp"
#include "bench/report/examination.hpp"

namespace offload {

inline constexpr const char* doctor_schema_version = "1.1.0";

/// Every check, whether or not there is a GPU, always in the same order.
std::vector<Check> examine(const Examination& examination);

std::size_t count_of(std::span<const Check> checks, Verdict verdict);

/// A table of the checks and a sentence, or what the format makes of them.
std::string doctor_text(const Examination& examination, Format format, bool colored = false);
/// results/schema/doctor-1.json describes it.
std::string doctor_json(const Examination& examination);

}  // namespace offload
