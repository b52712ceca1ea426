// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "offload/policy.hpp"

namespace offload {

Placement::Placement(std::span<const WeightTensor> tensors)
    : tensors_(tensors.begin(), tensors.end()) {}

const PassPlan& Placement::plan(std::span<const Piece> read, bool cpu_can) {
  return plan_ = plan_pass(read, cpu_can);
}
const PassPlan& Placement::replan(std::span<const Piece> read, bool cpu_can) {
  return plan_ = replan_pass(read, cpu_can);
}
const PassPlan& Placement::retune(double pass_seconds) { return plan_ = retune_pass(pass_seconds); }

PassPlan Placement::plan_pass(std::span<const Piece> read, bool) {
  return {{read.begin(), read.end()}};
}
PassPlan Placement::replan_pass(std::span<const Piece> read, bool cpu_can) {
  return plan_pass(read, cpu_can);
}
PassPlan Placement::retune_pass(double) {
  throw std::logic_error("retune: there is nothing to tune");
}

void Placement::finish(StreamHandle) {}

Support Policy::capturable() const { return Support::yes(); }

}  // namespace offload
