// SPDX-License-Identifier: Apache-2.0
// What a stranger would add: a workload of the CPU in one file. Of every tensor, the sum of its
// bytes, each times the number of its row: its kernel, its reference and its check.
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "offload/host_workers.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

std::uint64_t row_sum(const std::byte* row, std::size_t bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes; ++i) sum += std::to_integer<std::uint64_t>(row[i]);
  return sum;
}

std::uint64_t reference_sum(const WeightTensor& tensor, std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t row = 0; row < tensor.rows; ++row) {
    for (const std::byte one : bytes.subspan(row * tensor.row_bytes(), tensor.row_bytes())) {
      sum += (row + 1) * std::to_integer<std::uint64_t>(one);
    }
  }
  return sum;
}

/// Rows are few or many, short or long: the workers share them.
void add_rows(const PieceView& view, std::size_t row_bytes, std::uint64_t* sum,
              HostWorkers& workers) {
  workers.enqueue(view.piece.rows, 1, [=](std::size_t begin, std::size_t end) {
    std::uint64_t part = 0;
    for (std::size_t row = begin; row < end; ++row) {
      part += (view.piece.first_row + row + 1) * row_sum(view.data + row * row_bytes, row_bytes);
    }
    std::atomic_ref(*sum).fetch_add(part, std::memory_order_relaxed);
  });
}

class BoundToy final : public BoundWorkload {
 public:
  BoundToy(const WeightSet& weights, std::span<const TensorContent> data)
      : BoundWorkload(weights), tensors_(weights.tensors), sums_(tensors_.size()) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      expected_.push_back(reference_sum(tensors_[i], data[i].bytes));
    }
  }

  PassBytes bytes() const override {
    PassBytes bytes;
    for (const WeightTensor& tensor : tensors_) {
      bytes.requested += tensor.bytes();
      bytes.touched += sector_bytes(tensor.bytes());
    }
    return bytes;
  }
  /// The sums of a pass that is not checked go on from those of the last.
  void poison(const LaunchTarget& target) override {
    target.workers.join();
    sums_.assign(sums_.size(), 0);
    rows_ = 0;
  }
  void launch(const PieceView& view, const LaunchTarget& target) override {
    if (view.side == Side::gpu) throw std::logic_error("toy_row_sums has no GPU kernel");
    const std::size_t i = view.piece.tensor;
    add_rows(view, tensors_[i].row_bytes(), &sums_[i], target.workers);
    rows_ += view.piece.rows;
  }
  std::optional<std::string> check(const LaunchTarget& /*target*/) override {
    std::size_t rows = 0;
    for (const WeightTensor& tensor : tensors_) rows += tensor.rows;
    if (rows_ != rows) return std::to_string(rows_) + " rows read of " + std::to_string(rows);
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (sums_[i] == expected_[i]) continue;
      return "sum of " + tensors_[i].name + ": got " + std::to_string(sums_[i]) + ", expected " +
             std::to_string(expected_[i]);
    }
    return std::nullopt;
  }

 private:
  std::vector<WeightTensor> tensors_;
  std::vector<std::uint64_t> expected_;
  std::vector<std::uint64_t> sums_;
  std::size_t rows_ = 0;
};

class Toy final : public Workload {
 public:
  std::string_view name() const override { return "toy_row_sums"; }
  std::string_view description() const override {
    return "the bytes of each row summed, times its number: by the CPU";
  }
  Content content() const override { return Content::random_weights; }
  bool runs_on_gpu() const override { return false; }
  Support reads(const WeightSet& /*weights*/) const override { return Support::yes(); }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& /*workers*/, bool /*gpu*/) const override {
    return std::make_unique<BoundToy>(weights, data);
  }
};

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> toy_workload() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(std::make_unique<Toy>());
  return all;
}

}  // namespace workloads

}  // namespace offload
