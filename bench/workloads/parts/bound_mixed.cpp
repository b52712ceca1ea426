// SPDX-License-Identifier: Apache-2.0
#include "bench/workloads/parts/bound_mixed.hpp"

#include <utility>

#include "bench/workloads/parts/word_sums.hpp"

namespace offload {
namespace {

/// The tensors of one kind, with their place in the whole.
struct MixedPart {
  WeightSet weights;
  std::vector<TensorContent> data;
  std::unique_ptr<BoundWorkload> bound;
};

class BoundMixed final : public BoundWorkload {
 public:
  BoundMixed(const WeightSet& weights, std::span<const TensorContent> data,
             const std::vector<bool>& multiplied, std::vector<Piece> pieces,
             const BindProducts& bind_products, HostWorkers& workers, bool gpu)
      : BoundWorkload(weights), pieces_(std::move(pieces)) {
    for (MixedPart* part : {&products_, &reads_}) {
      part->weights.name = weights.name;
      part->weights.slice = weights.slice;
    }
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      MixedPart& part = multiplied[i] ? products_ : reads_;
      homes_.push_back({&part, part.data.size()});
      part.weights.tensors.push_back(weights.tensors[i]);
      // Tensors of one shape are of one dtype, and so in the same part.
      TensorContent content = data[i];
      content.base = homes_[data[i].base].index;
      part.data.push_back(content);
    }
    std::vector<Piece> read;
    for (const Piece& piece : pieces_) {
      if (homes_[piece.tensor].part == &reads_) read.push_back(inner(piece));
    }
    products_.bound = bind_products(products_.weights, products_.data);
    reads_.bound = bind_stream_read(reads_.weights, reads_.data, read, workers, gpu);
  }

  PassBytes bytes() const override {
    const PassBytes a = products_.bound->bytes();
    const PassBytes b = reads_.bound->bytes();
    return {a.requested + b.requested, a.touched + b.touched, b.requested};
  }
  std::vector<Piece> pieces() const override { return pieces_; }

  void poison(const LaunchTarget& target) override {
    products_.bound->poison(target);
    reads_.bound->poison(target);
  }
  void launch(const PieceView& view, const LaunchTarget& target) override {
    PieceView in_part = view;
    in_part.piece = inner(view.piece);
    homes_[view.piece.tensor].part->bound->launch(in_part, target);
  }
  std::optional<std::size_t> reads(const PieceView& view) const override {
    PieceView in_part = view;
    in_part.piece = inner(view.piece);
    return homes_[view.piece.tensor].part->bound->reads(in_part);
  }
  void hand_over(std::size_t from, std::size_t to, const LaunchTarget& target) override {
    // What is only read has no activations; a neighbour that is multiplied hands its own over.
    const Home& a = homes_[from];
    const Home& b = homes_[to];
    if (a.part == &products_ && b.part == &products_) {
      products_.bound->hand_over(a.index, b.index, target);
    }
  }
  std::optional<std::string> check(const LaunchTarget& target) override {
    auto wrong = products_.bound->check(target);
    auto wrong_read = reads_.bound->check(target);
    return wrong ? wrong : wrong_read;
  }

 private:
  struct Home {
    MixedPart* part = nullptr;
    std::size_t index = 0;
  };
  Piece inner(const Piece& piece) const {
    return {homes_[piece.tensor].index, piece.first_row, piece.rows};
  }

  std::vector<Piece> pieces_;
  std::vector<Home> homes_;
  MixedPart products_;
  MixedPart reads_;
};

}  // namespace

std::unique_ptr<BoundWorkload> bind_mixed(const WeightSet& weights,
                                          std::span<const TensorContent> data,
                                          const std::vector<bool>& multiplied,
                                          std::vector<Piece> pieces,
                                          const BindProducts& bind_products, HostWorkers& workers,
                                          bool gpu) {
  return std::make_unique<BoundMixed>(weights, data, multiplied, std::move(pieces), bind_products,
                                      workers, gpu);
}

}  // namespace offload
