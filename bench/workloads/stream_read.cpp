// SPDX-License-Identifier: Apache-2.0
// Reads every byte once and sums it: what the link, or the memory, can do.
#include <stdexcept>
#include <utility>

#include "bench/workloads/sectors.hpp"
#include "bench/workloads/stream_reading.hpp"
#include "bench/workloads/word_sums.hpp"
#include "bench/workloads/workloads.hpp"
#include "kernels/stream_read.hpp"

namespace offload {
namespace {

class StreamReading final : public BoundWorkload {
 public:
  StreamReading(const WeightSet& weights, std::span<const TensorContent> data,
                std::vector<Piece> pieces, HostWorkers& workers, bool gpu)
      : BoundWorkload(weights),
        tensors_(weights.tensors),
        pieces_(std::move(pieces)),
        expected_(tensors_.size(), 0),
        sums_(tensors_.size(), gpu) {
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

  void poison(const LaunchTarget& target) override { sums_.poison(target.stream); }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    const WeightTensor& tensor = tensors_[view.piece.tensor];
    // Words are counted from the first byte of the piece: only so do the pieces of a tensor add up.
    if (view.piece.first_row * tensor.row_bytes() % 4 != 0) {
      throw std::logic_error("stream_read: a piece of " + tensor.name +
                             " begins at a byte that is no multiple of 4");
    }
    const std::size_t bytes = view.piece.rows * tensor.row_bytes();
    if (view.side == Side::gpu) {
      kernels::stream_read(view.data, bytes, sums_.device(view.piece.tensor), target.stream);
    } else {
      host::stream_read(view.data, bytes, sums_.host(view.piece.tensor), target.workers);
    }
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    return sums_.check(tensors_, expected_, target.stream);
  }

 private:
  std::vector<WeightTensor> tensors_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> expected_;
  WordSums sums_;
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
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& workers, bool gpu) const override {
    std::vector<Piece> whole;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      whole.push_back({i, 0, weights.tensors[i].rows});
    }
    return bind_stream_read(weights, data, std::move(whole), workers, gpu);
  }
};

}  // namespace

std::unique_ptr<BoundWorkload> bind_stream_read(const WeightSet& weights,
                                                std::span<const TensorContent> data,
                                                std::vector<Piece> pieces, HostWorkers& workers,
                                                bool gpu) {
  return std::make_unique<StreamReading>(weights, data, std::move(pieces), workers, gpu);
}

std::unique_ptr<Workload> make_stream_read() { return std::make_unique<StreamRead>(); }

}  // namespace offload
