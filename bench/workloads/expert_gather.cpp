// SPDX-License-Identifier: Apache-2.0
// Reads the experts of an MoE layer that one token is sent to, another token in every pass: what a
// policy can keep near the GPU when some experts are wanted more often than others.
//
// Routing follows a Zipf law. Which experts are the popular ones stays from pass to pass; which
// are drawn does not.
#include <algorithm>
#include <map>
#include <utility>

#include "bench/workloads/parts/pass_work.hpp"
#include "bench/workloads/parts/routing.hpp"
#include "bench/workloads/parts/word_sums.hpp"
#include "kernels/stream_read.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

constexpr std::size_t max_skew = 150;  // hundredths, as everywhere here
constexpr std::size_t default_skew = 100;
constexpr std::uint64_t popularity_seed = 0x706f70756c6172;
constexpr std::uint64_t token_seed = 0x746f6b656e;

class BoundExpertGather final : public BoundWorkload {
 public:
  BoundExpertGather(const WeightSet& weights, std::span<const TensorContent> data, std::size_t skew,
                    HostWorkers& workers, bool gpu)
      : BoundWorkload(weights),
        tensors_(weights.tensors),
        per_token_(weights.experts_per_token()),
        expected_(tensors_.size()),
        sums_(weights, gpu) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const WeightTensor& tensor = tensors_[i];
      const std::size_t bytes = rows_of_expert(tensor) * tensor.row_bytes();
      bytes_.requested += per_token_ * bytes;
      bytes_.touched += per_token_ * sector_bytes(bytes);
      add_sums(i, data, workers);
      if (routers_.count(tensor.layer) != 0) continue;
      Random random(popularity_seed + tensor.layer);
      routers_.emplace(tensor.layer,
                       Router(tensor.experts, static_cast<double>(skew) / 100, random));
    }
    choose(0);
  }

  PassBytes bytes() const override { return bytes_; }
  std::vector<Piece> pieces() const override { return pieces_; }
  void select_pass(std::size_t index) override { choose(index); }

  void poison(const LaunchTarget& target) override { sums_.poison(target.stream); }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    sums_.read(view, target);
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    return sums_.check(expected_, target.stream);
  }

 private:
  /// The sum of every expert of tensor `i`; of a rotated tensor, they are its base's.
  void add_sums(std::size_t i, std::span<const TensorContent> data, HostWorkers& workers) {
    const WeightTensor& tensor = tensors_[i];
    const std::size_t rows = rows_of_expert(tensor);
    std::vector<std::uint64_t> sums;
    if (data[i].base != i) {
      sums = expert_sums_[data[i].base];
      const std::size_t rotated = data[i].rotated_rows / rows % tensor.experts;
      std::rotate(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(rotated), sums.end());
    } else {
      const std::size_t bytes = rows * tensor.row_bytes();
      for (std::size_t e = 0; e < tensor.experts; ++e) {
        sums.push_back(reference::stream_read(data[i].bytes.subspan(e * bytes, bytes), workers));
      }
    }
    expert_sums_.push_back(std::move(sums));
  }

  /// The stacks of one layer get the same token.
  void choose(std::size_t pass) {
    pieces_.clear();
    std::fill(expected_.begin(), expected_.end(), 0);
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const std::size_t rows = rows_of_expert(tensors_[i]);
      Random layers(token_seed + tensors_[i].layer);
      Random random(layers.next() + pass);
      for (const RoutedExpert& routed :
           routers_.at(tensors_[i].layer).route(per_token_, 1, random)) {
        pieces_.push_back({i, routed.expert * rows, rows});
        expected_[i] += expert_sums_[i][routed.expert];
      }
    }
  }

  std::vector<WeightTensor> tensors_;
  std::size_t per_token_;
  std::map<std::size_t, Router> routers_;  // by layer
  std::vector<std::vector<std::uint64_t>> expert_sums_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> expected_;
  WordSums sums_;
  PassBytes bytes_;
};

class ExpertGather final : public Workload {
 public:
  explicit ExpertGather(std::size_t skew) : skew_(skew) {}

  std::string_view name() const override { return "expert_gather"; }
  std::string_view description() const override {
    return "the experts of one token, another in each pass, by a routing of skew 0 to 1.5";
  }
  Content content() const override { return Content::random_weights; }
  std::optional<Parameter> parameter() const override {
    return Parameter{"skew", 0, max_skew, skew_, Parameter::Unit::hundredths};
  }
  std::unique_ptr<Workload> with_parameter(std::size_t value) const override {
    return std::make_unique<ExpertGather>(value);
  }
  bool varies() const override { return true; }
  // A token's experts are the more of all the fewer there are.
  std::optional<WeightSet> part(const WeightSet& /*weights*/,
                                std::size_t /*bytes*/) const override {
    return std::nullopt;
  }
  Support reads(const WeightSet& weights) const override {
    const std::size_t per_token = weights.experts_per_token();
    for (const WeightTensor& tensor : weights.tensors) {
      const std::size_t experts = tensor.experts;
      if (experts == 0) {
        return Support::no("expert_gather reads stacked experts, such as qwen3-30b-a3b.experts; " +
                           tensor.name + " is not one");
      }
      if (tensor.rows % experts != 0 || tensor.bytes() / experts % 4 != 0) {
        return Support::no("an expert of " + tensor.name +
                           " is not a whole number of 4-byte words");
      }
      if (per_token == 0 || per_token > experts) {
        return Support::no(weights.name + " does not say how many of its " +
                           std::to_string(experts) + " experts a token takes");
      }
      const auto other = std::find_if(
          weights.tensors.begin(), weights.tensors.end(), [&](const WeightTensor& neighbour) {
            return neighbour.layer == tensor.layer && neighbour.experts != experts;
          });
      if (other != weights.tensors.end()) {
        return Support::no(tensor.name + " and " + other->name +
                           " of one layer differ in the number of experts");
      }
    }
    return Support::yes();
  }
  /// Which experts they are makes no difference, but where some have been read before.
  std::optional<PassWork> work(const WeightSet& weights, const Rates& rates) const override {
    PassWork work;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      const std::size_t rows = rows_of_expert(weights.tensors[i]);
      for (std::size_t e = 0; e < weights.experts_per_token(); ++e) {
        work.push_back(
            read_item({i, e * rows, rows}, rows * weights.tensors[i].row_bytes(), rates));
      }
    }
    return work;
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& workers, bool gpu) const override {
    return std::make_unique<BoundExpertGather>(weights, data, skew_, workers, gpu);
  }

 private:
  std::size_t skew_;
};

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> expert_gather() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(std::make_unique<ExpertGather>(default_skew));
  return all;
}

}  // namespace workloads

}  // namespace offload
