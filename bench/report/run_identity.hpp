// SPDX-License-Identifier: Apache-2.0
// What distinguishes the rows of one run from those of others that lie beside them.
#pragma once
#include "bench/record.hpp"

namespace offload {

/// When, by which program, on which machine: the same names for every run, "" for what it lacks.
NamedTexts run_identity(const RunRecord& run);

}  // namespace offload
