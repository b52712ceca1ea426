// SPDX-License-Identifier: Apache-2.0
// Where the weights of whole models go, before anything is measured.
#pragma once
#include <vector>

#include "bench/models/layout.hpp"
#include "bench/report/page.hpp"
#include "offload/platform.hpp"

namespace offload {

/// For each model a line per kind of layers, the bytes on each side, how much of it is measured,
/// and what the link alone would take for a pass. Nothing when there are none.
void write_layouts(Page& page, const std::vector<ModelLayout>& models, const Platform& platform);

}  // namespace offload
