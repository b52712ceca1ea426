// SPDX-License-Identifier: Apache-2.0
// The bytes the weights hold: one master copy per weight set and content, from which every
// placement is filled and against which every result is judged.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "bench/measure/session.hpp"
#include "offload/weights.hpp"
#include "offload/workload.hpp"

namespace offload {

/// Host memory a master copy of `weights` takes: tensors of one shape share theirs.
std::size_t master_copy_bytes(const WeightSet& weights);

class MasterCopy {
 public:
  MasterCopy(const WeightSet& weights, Content content, std::uint64_t seed, Session& session);
  Content content() const { return content_; }
  std::span<const TensorContent> tensors() const { return tensors_; }

 private:
  Content content_;
  std::vector<HostBuffers::Loan> loans_;
  std::vector<TensorContent> tensors_;
};

}  // namespace offload
