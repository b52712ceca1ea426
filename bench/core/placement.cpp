// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "offload/policy.hpp"

namespace offload {

Placement::Placement(std::span<const WeightTensor> tensors)
    : tensors_(tensors.begin(), tensors.end()) {}

PassPlan Placement::plan(std::span<const Piece> read, bool) { return {{read.begin(), read.end()}}; }

PassPlan Placement::retune(double) { throw std::logic_error("retune: there is nothing to tune"); }

void Placement::finish(StreamHandle) {}

Support Policy::capturable() const { return Support::yes(); }

}  // namespace offload
