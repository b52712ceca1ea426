// SPDX-License-Identifier: Apache-2.0
#include "offload/policy.hpp"

namespace offload {

Placement::Placement(std::span<const WeightTensor> tensors)
    : tensors_(tensors.begin(), tensors.end()) {}

std::vector<Piece> Placement::pieces() const {
  std::vector<Piece> whole;
  whole.reserve(tensors_.size());
  for (std::size_t i = 0; i < tensors_.size(); ++i) whole.push_back({i, 0, tensors_[i].rows});
  return whole;
}

}  // namespace offload
