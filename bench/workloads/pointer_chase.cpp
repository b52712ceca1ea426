// SPDX-License-Identifier: Apache-2.0
// Dependent reads by one thread: latency, in time per hop.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bench/workloads/parts/device_output.hpp"
#include "bench/workloads/parts/pass_work.hpp"
#include "kernels/content.hpp"
#include "kernels/pointer_chase.hpp"
#include "offload/units.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

constexpr std::size_t max_hops = 1024;   // about a millisecond over PCIe
constexpr std::size_t min_bytes = 1024;  // 8 nodes; fewer would be one or two cache lines
constexpr std::size_t link_bytes = sizeof(std::uint64_t);
// The chain is one cycle through every node, so it can be entered anywhere: at the first byte.
constexpr std::uint64_t start = 0;

constexpr unsigned char poison_byte = 0xff;  // no offset into a tensor has all bits set
constexpr std::uint64_t poison_word = ~std::uint64_t{0};

struct Outcome {  // what the kernels write
  std::uint64_t last = poison_word;
  std::uint64_t sum = poison_word;
  bool operator==(const Outcome&) const = default;
};
static_assert(sizeof(Outcome) == 2 * sizeof(std::uint64_t));

std::string text(const Outcome& outcome) {
  return "at offset " + std::to_string(outcome.last) + " with sum " + std::to_string(outcome.sum);
}

/// A whole cycle would end where it began, and with the same sum, whatever the chain.
std::size_t hops_of(const WeightTensor& tensor) {
  return std::min(max_hops, tensor.bytes() / reference::chain_node_bytes - 1);
}

class BoundPointerChase final : public BoundWorkload {
 public:
  BoundPointerChase(const WeightSet& weights, std::span<const TensorContent> data, bool gpu)
      : BoundWorkload(weights),
        tensors_(weights.tensors),
        host_(tensors_.size()),
        device_(tensors_.size(), gpu) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      hops_.push_back(hops_of(tensors_[i]));
      const auto result = reference::pointer_chase(data[i].bytes, start, hops_.back());
      expected_.push_back({result.last, result.sum});
      steps_ += hops_.back();
    }
  }

  PassBytes bytes() const override {
    return {.requested = steps_ * link_bytes, .touched = steps_ * sector};
  }
  std::size_t steps() const override { return steps_; }

  void poison(const LaunchTarget& target) override {
    host_.assign(host_.size(), Outcome{});
    device_.poison(poison_byte, target.stream);
  }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    const std::size_t i = view.piece.tensor;
    if (view.piece.first_row != 0 || view.piece.rows != tensors_[i].rows) {
      throw std::logic_error("pointer_chase: the chain needs all of " + tensors_[i].name +
                             " in one piece");
    }
    if (view.side == Side::gpu) {
      kernels::pointer_chase(view.data, start, hops_[i], &device_.device(i)->last, target.stream);
    } else {
      host::pointer_chase(view.data, start, hops_[i], &host_[i].last, target.workers);
    }
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    const std::vector<Outcome> device = device_.fetch(target.stream);
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const Outcome& got = device.empty() || device[i] == Outcome{} ? host_[i] : device[i];
      if (got == Outcome{}) return "chain of " + tensors_[i].name + ": never followed";
      if (got != expected_[i]) {
        return "chain of " + tensors_[i].name + ": got " + text(got) + ", expected " +
               text(expected_[i]);
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<WeightTensor> tensors_;
  std::vector<std::size_t> hops_;
  std::vector<Outcome> expected_;
  std::vector<Outcome> host_;
  DeviceOutput<Outcome> device_;
  std::size_t steps_ = 0;
};

class PointerChase final : public Workload {
 public:
  std::string_view name() const override { return "pointer_chase"; }
  std::string_view description() const override {
    return "dependent 8-byte reads by one thread in random order: latency per hop";
  }
  Content content() const override { return Content::chain; }
  bool needs_whole_tensors() const override { return true; }
  std::size_t alignment(const WeightTensor& /*tensor*/) const override { return link_bytes; }
  // Its steps are as many whatever the size.
  std::optional<WeightSet> part(const WeightSet& /*weights*/,
                                std::size_t /*bytes*/) const override {
    return std::nullopt;
  }
  Support reads(const WeightSet& weights) const override {
    for (const WeightTensor& tensor : weights.tensors) {
      if (tensor.bytes() < min_bytes) {
        return Support::no("pointer_chase needs " + format_size(min_bytes) + " per tensor; " +
                           tensor.name + " has " + format_size(tensor.bytes()));
      }
    }
    return Support::yes();
  }
  std::optional<PassWork> work(const WeightSet& weights, const Rates& rates) const override {
    PassWork work;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      const std::size_t hops = hops_of(weights.tensors[i]);
      work.push_back(chase_item({i, 0, weights.tensors[i].rows}, hops * link_bytes, hops, rates));
    }
    return work;
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& /*workers*/, bool gpu) const override {
    return std::make_unique<BoundPointerChase>(weights, data, gpu);
  }
};

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> pointer_chase() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(std::make_unique<PointerChase>());
  return all;
}

}  // namespace workloads

}  // namespace offload
