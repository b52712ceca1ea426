// SPDX-License-Identifier: Apache-2.0
#include "bench/workloads/parts/word_sums.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "kernels/stream_read.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

// Sums are added to, so the poison is where they start; nothing read leaves it as it is.
constexpr unsigned char no_sum_byte = 0xa5;
constexpr std::uint64_t poison_word = 0xa5a5a5a5a5a5a5a5U;

/// How many rows the first eighth of `tensor` is, to whole words.
std::size_t leading_rows(const WeightTensor& tensor) {
  constexpr std::size_t share = 8;
  constexpr std::size_t whole_words = 4;  // rows of any length fill them
  const std::size_t rows = (tensor.rows + share - 1) / share;
  return std::min(tensor.rows, round_up(rows, whole_words));
}

/// What `piece` has of the first `rows` of its tensor.
Piece within(const Piece& piece, std::size_t rows) {
  const std::size_t end = std::min(piece.first_row + piece.rows, rows);
  return {piece.tensor, piece.first_row, end - std::min(end, piece.first_row)};
}

class BoundStreamRead final : public BoundWorkload {
 public:
  BoundStreamRead(const WeightSet& weights, std::span<const TensorContent> data,
                  std::vector<Piece> pieces, HostWorkers& workers, bool gpu)
      : BoundWorkload(weights),
        tensors_(weights.tensors),
        pieces_(std::move(pieces)),
        expected_(tensors_.size(), 0),
        leading_(tensors_.size(), 0),
        sums_(weights, gpu),
        leading_sums_(weights, gpu) {
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
      const Piece leading = within(piece, leading_rows(tensors_[i]));
      leading_[i] += reference::stream_read(
          data[i].bytes.subspan(leading.first_row * row_bytes, leading.rows * row_bytes), workers);
    }
  }

  std::vector<Piece> pieces() const override { return pieces_; }
  PassBytes bytes() const override { return bytes_; }

  void poison(const LaunchTarget& target) override {
    sums_.poison(target.stream);
    leading_sums_.poison(target.stream);
    to_be_checked_ = true;
  }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    sums_.read(view, target);
    if (to_be_checked_) read_leading(view, target);
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    to_be_checked_ = false;
    auto wrong = sums_.check(expected_, target.stream);
    if (!wrong) wrong = leading_sums_.check(leading_, target.stream);
    return wrong;
  }

 private:
  /// Tensors of one shape hold the same rows, each from another one on, so that their sums agree:
  /// those of their first rows tell whether one was read in the place of another.
  void read_leading(const PieceView& view, const LaunchTarget& target) {
    const Piece leading = within(view.piece, leading_rows(tensors_[view.piece.tensor]));
    if (leading.rows > 0) leading_sums_.read({leading, view.data, view.side}, target);
  }

  std::vector<WeightTensor> tensors_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> expected_;
  std::vector<std::uint64_t> leading_;  // of the first rows
  WordSums sums_;
  WordSums leading_sums_;
  bool to_be_checked_ = false;
  PassBytes bytes_;
};

}  // namespace

WordSums::WordSums(const WeightSet& weights, bool gpu)
    : tensors_(weights.tensors),
      host_(tensors_.size(), poison_word),
      device_(tensors_.size(), gpu) {}

void WordSums::poison(StreamHandle stream) {
  host_.assign(host_.size(), poison_word);
  device_.poison(no_sum_byte, stream);
}

void WordSums::read(const PieceView& view, const LaunchTarget& target) {
  const WeightTensor& tensor = tensors_[view.piece.tensor];
  // Words are counted from the first byte of the piece: only so do the pieces of a tensor add up.
  if (view.piece.first_row * tensor.row_bytes() % 4 != 0) {
    throw std::logic_error("a piece of " + tensor.name +
                           " begins at a byte that is not a multiple of 4");
  }
  const std::size_t bytes = view.piece.rows * tensor.row_bytes();
  if (view.side == Side::gpu) {
    kernels::stream_read(view.data, bytes, device(view.piece.tensor), target.stream);
  } else {
    host::stream_read(view.data, bytes, host(view.piece.tensor), target.workers);
  }
}

std::optional<std::string> WordSums::check(std::span<const std::uint64_t> expected,
                                           StreamHandle stream) const {
  const std::vector<std::uint64_t> device = device_.fetch(stream);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    std::uint64_t sum = host_[i] - poison_word;
    if (!device.empty()) sum += device[i] - poison_word;
    if (sum != expected[i]) {
      return "checksum of " + tensors_[i].name + ": got " + std::to_string(sum) + ", expected " +
             std::to_string(expected[i]);
    }
  }
  return std::nullopt;
}

std::unique_ptr<BoundWorkload> bind_stream_read(const WeightSet& weights,
                                                std::span<const TensorContent> data,
                                                std::vector<Piece> pieces, HostWorkers& workers,
                                                bool gpu) {
  return std::make_unique<BoundStreamRead>(weights, data, std::move(pieces), workers, gpu);
}

}  // namespace offload
