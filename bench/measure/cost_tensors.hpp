// SPDX-License-Identifier: Apache-2.0
// Which tensors memory-cost allocates: those that an engine would hold in host memory.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "bench/options.hpp"
#include "offload/platform.hpp"

namespace offload {

struct CostTensors {
  std::string model;
  std::vector<std::size_t> bytes;  // of each tensor, in the model's order; none is empty

  std::size_t total() const;
};

/// For each model of the options, or the one that suites walk: what is offloaded of the layers that
/// a pass measures, in the same shapes. Without rules that is all of them, norms and router
/// included. Throws UsageError for a model that is unknown, of which nothing is offloaded, or whose
/// tensors do not fit into the memory of `host`.
std::vector<CostTensors> cost_tensors(const Options& options, const Host& host);

}  // namespace offload
