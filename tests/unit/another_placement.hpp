// SPDX-License-Identifier: Apache-2.0
// A placement that does what another does: what a test changes of it, it overrides.
#pragma once
#include <memory>
#include <span>
#include <utility>

#include "offload/policy.hpp"

namespace offload::testing {

class AnotherPlacement : public Placement {
 public:
  AnotherPlacement(std::span<const WeightTensor> tensors, std::unique_ptr<Placement> real)
      : Placement(tensors), real_(std::move(real)) {}
  void fill(std::size_t index, std::span<const std::byte> content) override {
    real_->fill(index, content);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    real_->read_back(index, out);
  }
  void reset(Start start, StreamHandle stream) override { real_->reset(start, stream); }
  PieceView acquire(std::size_t index, StreamHandle stream) override {
    return real_->acquire(index, stream);
  }
  void release(std::size_t index, StreamHandle stream) override { real_->release(index, stream); }
  Footprint footprint() const override { return real_->footprint(); }

 protected:
  PassPlan plan_pass(std::span<const Piece> read, bool cpu_can) override {
    return real_->plan(read, cpu_can);
  }

 private:
  std::unique_ptr<Placement> real_;
};

}  // namespace offload::testing
