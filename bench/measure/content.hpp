// SPDX-License-Identifier: Apache-2.0
// The bytes the weights hold: one master copy per weight set and content, from which every
// placement is filled and against which every result is judged.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "bench/measure/session.hpp"
#include "bench/record.hpp"
#include "offload/weights.hpp"
#include "offload/workload.hpp"

namespace offload {

/// Host memory a master copy of `weights` takes: tensors of one shape share theirs, unless it is
/// read from a model's files.
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

/// Of one weight set at a time: the master copy of each content, and the workloads bound to it.
class WeightContents {
 public:
  /// `wall` receives what making them takes. The references must outlive this.
  WeightContents(Session& session, std::uint64_t seed, WallTime& wall)
      : session_(session), seed_(seed), wall_(wall) {}

  /// The workload bound to `weights`; before others, clear().
  BoundWorkload& bind(const Workload& workload, const WeightSet& weights);
  const MasterCopy& master(Content content) const { return masters_.at(content); }
  /// Host memory that the master copies take.
  std::size_t bytes() const { return bytes_; }
  void clear() noexcept;

 private:
  Session& session_;
  std::uint64_t seed_;
  WallTime& wall_;
  std::size_t bytes_ = 0;
  std::map<Content, MasterCopy> masters_;
  std::map<const Workload*, std::unique_ptr<BoundWorkload>> workloads_;
};

}  // namespace offload
