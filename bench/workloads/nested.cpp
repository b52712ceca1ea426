// SPDX-License-Identifier: Apache-2.0
// Reads a quantised weight through a table of pointers to the parts of its rows. Where the weights
// stay, the table made for them serves every pass. Where a policy copies them into a slot, all
// pointers are wrong: the table is made anew for the slot and copied after them, as a deep copy
// must.
#include <stdexcept>
#include <utility>

#include "bench/workloads/parts/device_output.hpp"
#include "kernels/nested.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

constexpr unsigned char poison_byte = 0x80;
constexpr auto poison_word = static_cast<std::int64_t>(0x8080808080808080U);  // beyond any result

/// Descriptors of the rows at one address.
class Table {
 public:
  Table(HostMemory memory, std::size_t rows, std::size_t blocks)
      : memory_(memory, rows * sizeof(nested::Row)), rows_(rows), blocks_(blocks) {}

  bool is_for(const std::byte* data) const { return data == data_; }
  void make_for(const std::byte* data) {
    auto* const rows = reinterpret_cast<nested::Row*>(memory_.data());
    for (std::size_t r = 0; r < rows_; ++r) {
      rows[r] = nested::row_at(data + r * blocks_ * nested::block_bytes, blocks_);
    }
    data_ = data;
  }
  nested::Row* rows() const { return reinterpret_cast<nested::Row*>(memory_.data()); }
  std::size_t bytes() const { return rows_ * sizeof(nested::Row); }

 private:
  HostAllocation memory_;
  std::size_t rows_;
  std::size_t blocks_;
  const std::byte* data_ = nullptr;
};

class BoundNested final : public BoundWorkload {
 public:
  BoundNested(const WeightSet& weights, std::span<const TensorContent> data, HostWorkers& workers,
              bool gpu)
      : BoundWorkload(weights),
        tensor_(weights.tensors.front()),
        blocks_(tensor_.cols / nested::block_bytes),
        expected_(reference::nested(data.front().bytes, tensor_.cols, workers)),
        host_(tensor_.rows, poison_word),
        device_(tensor_.rows, gpu),
        in_place_(gpu ? HostMemory::pinned : HostMemory::pageable, tensor_.rows, blocks_),
        of_slot_(gpu ? HostMemory::pinned : HostMemory::pageable, tensor_.rows, blocks_) {
    if (gpu) copied_ = cuda::DeviceBuffer(of_slot_.bytes());
  }

  PassBytes bytes() const override {
    return {.requested = tensor_.bytes(), .touched = sector_bytes(tensor_.bytes())};
  }

  void poison(const LaunchTarget& target) override {
    host_.assign(host_.size(), poison_word);
    device_.poison(poison_byte, target.stream);
  }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    if (view.piece.first_row != 0 || view.piece.rows != tensor_.rows) {
      throw std::logic_error("nested: the table is of all rows of " + tensor_.name +
                             ", which it needs in one piece");
    }
    if (view.side == Side::gpu) {
      std::int64_t* const y = device_.device(0);
      const nested::Row* const table = table_on_gpu(view, target.stream);
      if (target.clock != nullptr) target.clock->set_up(target.stream);
      kernels::nested(table, tensor_.rows, blocks_, y, target.stream);
    } else {
      require_table(view.data, target);
      if (target.clock != nullptr) target.clock->set_up(target.stream);
      host::nested(in_place_.rows(), tensor_.rows, blocks_, host_.data(), target.workers);
    }
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    const std::vector<std::int64_t> device = device_.fetch(target.stream);
    for (std::size_t r = 0; r < tensor_.rows; ++r) {
      const bool on_gpu = !device.empty() && device[r] != poison_word;
      const std::int64_t got = on_gpu ? device[r] : host_[r];
      const std::string row = "row " + std::to_string(r) + " of " + tensor_.name + ": ";
      if (got == poison_word) return row + "never written";
      if (got != expected_[r]) {
        return row + "got " + std::to_string(got) + ", expected " + std::to_string(expected_[r]);
      }
    }
    return std::nullopt;
  }

 private:
  /// The table of weights that stay where they are. They move between passes at most, when their
  /// memory is renewed to make it cold.
  void require_table(const std::byte* data, const LaunchTarget& target) {
    if (in_place_.is_for(data)) return;
    target.workers.join();
    in_place_.make_for(data);
  }

  const nested::Row* table_on_gpu(const PieceView& view, StreamHandle stream) {
    if (!view.in_slot) {
      if (!in_place_.is_for(view.data)) {
        cuda::stream_synchronize(stream);  // the last pass may still follow the old pointers
        in_place_.make_for(view.data);
      }
      return static_cast<const nested::Row*>(cuda::host_get_device_pointer(in_place_.rows()));
    }
    // A pass ends before the next one begins, so nothing reads what is written here. A graph reads
    // it at every launch: the table of a slot stays as it was made.
    of_slot_.make_for(view.data);
    cuda::memcpy_async(copied_.data(), of_slot_.rows(), of_slot_.bytes(), stream);
    return static_cast<const nested::Row*>(copied_.data());
  }

  WeightTensor tensor_;
  std::size_t blocks_;  // of a row
  std::vector<std::int64_t> expected_;
  std::vector<std::int64_t> host_;
  DeviceOutput<std::int64_t> device_;
  Table in_place_;  // read where it is
  Table of_slot_;
  cuda::DeviceBuffer copied_;  // the latter
};

class Nested final : public Workload {
 public:
  std::string_view name() const override { return "nested"; }
  std::string_view description() const override {
    return "4-bit weights through a table of pointers: set-up of a deep copy, and the read";
  }
  Content content() const override { return Content::random_weights; }
  bool needs_whole_tensors() const override { return true; }
  std::size_t alignment(const WeightTensor& /*tensor*/) const override { return 16; }
  Support reads(const WeightSet& weights) const override {
    if (weights.tensors.size() != 1) return Support::no("nested reads a single tensor");
    const WeightTensor& tensor = weights.tensors.front();
    if (tensor.dtype != DType::u8 || tensor.cols % nested::unit_bytes != 0) {
      return Support::no("nested reads u8 rows of whole " + std::to_string(nested::unit_bytes) +
                         "-byte units, such as llama3.1-70b.down_proj.q4; " + tensor.name + " is " +
                         std::string(offload::name(tensor.dtype)) + " of " +
                         std::to_string(tensor.cols) + " columns");
    }
    return Support::yes();
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& workers, bool gpu) const override {
    return std::make_unique<BoundNested>(weights, data, workers, gpu);
  }
};

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> nested() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(std::make_unique<Nested>());
  return all;
}

}  // namespace workloads

}  // namespace offload
