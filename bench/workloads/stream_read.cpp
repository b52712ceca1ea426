// SPDX-License-Identifier: Apache-2.0
// Reads every byte once and sums it: what the link, or the memory, can do.
#include <stdexcept>
#include <utility>

#include "bench/workloads/device_output.hpp"
#include "bench/workloads/sectors.hpp"
#include "bench/workloads/stream_reading.hpp"
#include "bench/workloads/workloads.hpp"
#include "kernels/host/kernels.hpp"
#include "kernels/kernels.hpp"
#include "kernels/reference.hpp"

namespace offload {
namespace {

// Sums are added to, so the poison is where they start; nothing read leaves it as it is.
constexpr unsigned char poison_byte = 0xa5;
constexpr std::uint64_t poison_word = 0xa5a5a5a5a5a5a5a5U;

class StreamReading final : public Reading {
 public:
  StreamReading(const WeightSet& weights, std::span<const TensorContent> data,
                std::vector<Piece> pieces, HostWorkers& workers, bool gpu)
      : Reading(weights),
        tensors_(weights.tensors),
        pieces_(std::move(pieces)),
        expected_(tensors_.size(), 0),
        host_sums_(tensors_.size(), poison_word),
        device_sums_(tensors_.size(), gpu) {
    for (const Piece& piece : pieces_) {
      const std::size_t i = piece.tensor;
      const std::size_t row_bytes = tensors_[i].row_bytes();
      const std::size_t bytes = piece.rows * row_bytes;
      bytes_.requested += bytes;
      bytes_.touched += sector_bytes(bytes);
      // The words of whole rows add up to the same sum in any order.
      const bool whole = piece.rows == tensors_[i].rows;
      const bool shared = whole && data[i].base != i && row_bytes % 4 == 0;
      expected_[i] += shared
                          ? expected_[data[i].base]
                          : reference::stream_read(
                                data[i].bytes.subspan(piece.first_row * row_bytes, bytes), workers);
    }
  }

  std::vector<Piece> pieces() const override { return pieces_; }
  PassBytes bytes() const override { return bytes_; }

  void poison(const Lanes& lanes) override {
    host_sums_.assign(host_sums_.size(), poison_word);
    device_sums_.poison(poison_byte, lanes.stream);
  }

  void launch(const PieceView& view, const Lanes& lanes) override {
    const WeightTensor& tensor = tensors_[view.piece.tensor];
    // Words are counted from the first byte of the piece: only so do the pieces of a tensor add up.
    if (view.piece.first_row * tensor.row_bytes() % 4 != 0) {
      throw std::logic_error("stream_read: a piece of " + tensor.name +
                             " begins at a byte that is no multiple of 4");
    }
    const std::size_t bytes = view.piece.rows * tensor.row_bytes();
    if (view.side == Side::gpu) {
      kernels::stream_read(view.data, bytes, device_sums_.device(view.piece.tensor), lanes.stream);
    } else {
      host::stream_read(view.data, bytes, &host_sums_[view.piece.tensor], lanes.workers);
    }
  }

  std::optional<std::string> check(const Lanes& lanes) override {
    const auto device_sums = device_sums_.fetch(lanes.stream);
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      std::uint64_t sum = host_sums_[i] - poison_word;
      if (!device_sums.empty()) sum += device_sums[i] - poison_word;
      if (sum != expected_[i]) {
        return "checksum of " + tensors_[i].name + ": got " + std::to_string(sum) + ", expected " +
               std::to_string(expected_[i]);
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<WeightTensor> tensors_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> expected_;
  std::vector<std::uint64_t> host_sums_;
  DeviceOutput<std::uint64_t> device_sums_;
  PassBytes bytes_;
};

class StreamRead final : public Workload {
 public:
  std::string_view name() const override { return "stream_read"; }
  std::string_view description() const override {
    return "every byte read once with 16-byte loads, exact checksum: the link or the memory alone";
  }
  Content content() const override { return Content::random_weights; }
  Support reads(const WeightSet& /*weights*/) const override { return Support::yes(); }
  std::unique_ptr<Reading> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                HostWorkers& workers, bool gpu) const override {
    std::vector<Piece> whole;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      whole.push_back({i, 0, weights.tensors[i].rows});
    }
    return bind_stream_read(weights, data, std::move(whole), workers, gpu);
  }
};

}  // namespace

std::unique_ptr<Reading> bind_stream_read(const WeightSet& weights,
                                          std::span<const TensorContent> data,
                                          std::vector<Piece> pieces, HostWorkers& workers,
                                          bool gpu) {
  return std::make_unique<StreamReading>(weights, data, std::move(pieces), workers, gpu);
}

std::unique_ptr<Workload> make_stream_read() { return std::make_unique<StreamRead>(); }

}  // namespace offload
