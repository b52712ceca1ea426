// SPDX-License-Identifier: Apache-2.0
// Weights of which some are resident: who is asked for which tensor, and in what order.
#include "bench/policies/parts/partly_resident.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "offload/cuda/host_buffers.hpp"
#include "offload/host_workers.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

using testing::fake_policy;
using Log = std::vector<std::string>;

std::string text_of(const Piece& piece) {
  std::ostringstream text;
  text << piece.tensor << ":" << piece.first_row << "+" << piece.rows;
  return text.str();
}

Log texts_of(const std::vector<Piece>& pieces) {
  Log texts;
  for (const Piece& piece : pieces) texts.push_back(text_of(piece));
  return texts;
}

/// Says what it was asked, in one log for all placements.
class Logged final : public Placement {
 public:
  /// `panel` rows of a piece at a time; 0: whole pieces.
  Logged(std::span<const WeightTensor> tensors, std::string name, std::size_t panel, Log& log)
      : Placement(tensors), name_(std::move(name)), panel_(panel), log_(log) {
    for (const WeightTensor& tensor : this->tensors()) note("place " + tensor.name);
  }

  void fill(std::size_t index, std::span<const std::byte> content) override {
    note("fill " + std::to_string(index));
    contents_[index].assign(content.begin(), content.end());
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    std::copy(contents_.at(index).begin(), contents_.at(index).end(), out.begin());
  }
  bool tuning() const override { return tries_ < 2; }
  void reset(Start, StreamHandle) override { note("reset"); }
  PieceView acquire(std::size_t index, StreamHandle) override {
    const Piece& piece = planned(index);
    note("acquire " + text_of(piece));
    const std::size_t offset = piece.first_row * tensors()[piece.tensor].row_bytes();
    return {piece, contents_.at(piece.tensor).data() + offset, Side::cpu};
  }
  void release(std::size_t index, StreamHandle) override {
    note("release " + text_of(planned(index)));
  }
  void finish(StreamHandle) override { note("finish"); }
  Footprint footprint() const override {
    std::size_t bytes = 0;
    for (const WeightTensor& tensor : tensors()) bytes += tensor.bytes();
    return name_ == "gpu" ? Footprint{.device = bytes} : Footprint{.device = 1, .pinned = bytes};
  }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool cpu_can) override {
    note(std::string("plan ") + (cpu_can ? "with" : "without") + " the CPU");
    read_.assign(read.begin(), read.end());
    return in_panels(panel_);
  }
  PassPlan retune_pass(double seconds) override {
    note("took " + std::to_string(static_cast<int>(seconds)));
    ++tries_;
    return in_panels(panel_ / 2);
  }
  void note(const std::string& what) { log_.push_back(name_ + " " + what); }
  /// The lower half of each piece for the CPU, as hybrid_split has it: out of the rows' order.
  PassPlan in_panels(std::size_t panel) const {
    PassPlan plan{{}, std::size_t{0}};
    for (const Piece& piece : read_) {
      if (panel == 0 || piece.rows <= panel) {
        plan.pieces.push_back(piece);
        continue;
      }
      const std::size_t half = piece.rows / 2;
      plan.pieces.push_back({piece.tensor, piece.first_row + half, piece.rows - half});
      for (std::size_t row = 0; row < half; row += panel) {
        plan.pieces.push_back({piece.tensor, piece.first_row + row, std::min(panel, half - row)});
      }
      plan.on_cpu += piece.rows - half;
      *plan.copied += half;
    }
    return plan;
  }

  std::string name_;
  std::size_t panel_;
  Log& log_;
  std::vector<Piece> read_;
  std::map<std::size_t, std::vector<std::byte>> contents_;
  int tries_ = 0;
};

/// Of all placements of the test under way.
Log log_of_all;

std::unique_ptr<Placement> place_resident(std::span<const WeightTensor> tensors,
                                          const PlaceContext&) {
  return std::make_unique<Logged>(tensors, "gpu", 0, log_of_all);
}

template <std::size_t panel>
std::unique_ptr<Placement> place_offloaded(std::span<const WeightTensor> tensors,
                                           const PlaceContext&) {
  return std::make_unique<Logged>(tensors, "link", panel, log_of_all);
}

WeightTensor tensor(const std::string& name, std::size_t rows, bool resident) {
  WeightTensor tensor{name, DType::u8, rows, 4};
  tensor.resident = resident;
  return tensor;
}

class PartlyResident : public ::testing::Test {
 protected:
  std::unique_ptr<Placement> place(std::size_t panel, const std::vector<WeightTensor>& weights) {
    log_.clear();
    Policy offloading = fake_policy<{}>("link", "", Family::copy);
    offloading.place = panel == 0 ? place_offloaded<0> : place_offloaded<2>;
    auto placement =
        place_weights(offloading, place_resident, weights, {platform_, buffers_, workers_});
    placed_ = std::exchange(log_, {});
    return placement;
  }

  const std::vector<WeightTensor> mixed_{tensor("a", 8, false), tensor("b", 6, true),
                                         tensor("c", 4, true), tensor("d", 10, false),
                                         tensor("e", 2, true)};
  Platform platform_;
  HostBuffers buffers_;
  HostWorkers workers_{1};
  Log& log_ = log_of_all;
  Log placed_;
};

TEST_F(PartlyResident, PlacesEachTensorWhereItBelongs) {
  place(0, mixed_);
  EXPECT_EQ(placed_,
            (Log{"gpu place b", "gpu place c", "gpu place e", "link place a", "link place d"}));
  place(0, {tensor("a", 8, false), tensor("b", 8, false)});
  EXPECT_EQ(placed_, (Log{"link place a", "link place b"})) << "nothing is resident";
  place(0, {tensor("a", 8, true)});
  EXPECT_EQ(placed_, (Log{"gpu place a"}));
}

TEST_F(PartlyResident, FillsAndReadsBackTheRightTensor) {
  const auto placement = place(0, mixed_);
  for (std::size_t i = 0; i < mixed_.size(); ++i) {
    const std::vector<std::byte> content(mixed_[i].bytes(), std::byte(0x10 + i));
    placement->fill(i, content);
  }
  EXPECT_EQ(log_, (Log{"link fill 0", "gpu fill 0", "gpu fill 1", "link fill 1", "gpu fill 2"}));
  for (std::size_t i = 0; i < mixed_.size(); ++i) {
    std::vector<std::byte> out(mixed_[i].bytes());
    placement->read_back(i, out);
    EXPECT_EQ(out, std::vector<std::byte>(mixed_[i].bytes(), std::byte(0x10 + i))) << i;
    const Piece row{i, 1, 1};
    placement->plan({&row, 1}, true);
    const PieceView view = placement->acquire(0, nullptr);
    EXPECT_EQ(*view.data, std::byte(0x10 + i)) << i;
    EXPECT_EQ(text_of(view.piece), std::to_string(i) + ":1+1");
  }
}

TEST_F(PartlyResident, AcquiresAndReleasesByEachPartsOwnNumbers) {
  const auto placement = place(0, mixed_);
  for (std::size_t i = 0; i < mixed_.size(); ++i) {
    placement->fill(i, std::vector<std::byte>(mixed_[i].bytes()));
  }
  const std::vector<Piece> read{{1, 0, 6}, {3, 2, 5}, {4, 0, 2}};
  placement->plan(read, true);
  log_.clear();
  placement->acquire(1, nullptr);
  placement->release(1, nullptr);
  placement->acquire(2, nullptr);
  placement->release(2, nullptr);
  placement->reset(Start::cold, nullptr);
  placement->finish(nullptr);
  EXPECT_EQ(log_, (Log{"link acquire 1:2+5", "link release 1:2+5", "gpu acquire 2:0+2",
                       "gpu release 2:0+2", "link reset", "link finish"}));
}

std::vector<Piece> whole(const std::vector<WeightTensor>& tensors) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < tensors.size(); ++i) pieces.push_back({i, 0, tensors[i].rows});
  return pieces;
}

TEST_F(PartlyResident, KeepsTheOrderOfReading) {
  const auto placement = place(0, mixed_);
  const PassPlan plan = placement->plan(whole(mixed_), true);
  EXPECT_EQ(texts_of(plan.pieces), (Log{"0:0+8", "1:0+6", "2:0+4", "3:0+10", "4:0+2"}));
  // What is resident is never left to the CPU.
  EXPECT_EQ(log_, (Log{"gpu plan without the CPU", "link plan with the CPU"}));
  placement->plan(whole(mixed_), false);
  EXPECT_EQ(log_.back(), "link plan without the CPU");
}

TEST_F(PartlyResident, PutsPanelsWhereTheirPieceWas) {
  const auto placement = place(2, mixed_);
  PassPlan plan = placement->plan(whole(mixed_), true);
  EXPECT_EQ(texts_of(plan.pieces), (Log{"0:4+4", "0:0+2", "0:2+2", "1:0+6", "2:0+4", "3:5+5",
                                        "3:0+2", "3:2+2", "3:4+1", "4:0+2"}));
  EXPECT_EQ(plan.copied, std::size_t{4 + 5});
  EXPECT_EQ(plan.on_cpu, 4U + 5U);

  ASSERT_TRUE(placement->tuning());
  plan = placement->retune(3);
  EXPECT_EQ(log_.back(), "link took 3");
  EXPECT_EQ(texts_of(plan.pieces),
            (Log{"0:4+4", "0:0+1", "0:1+1", "0:2+1", "0:3+1", "1:0+6", "2:0+4", "3:5+5", "3:0+1",
                 "3:1+1", "3:2+1", "3:3+1", "3:4+1", "4:0+2"}));
  // By its number in the merged plan each piece is found again, as its part numbers it.
  for (std::size_t i = 0; i < mixed_.size(); ++i) {
    placement->fill(i, std::vector<std::byte>(mixed_[i].bytes()));
  }
  log_.clear();
  for (const std::size_t index : {std::size_t{5}, std::size_t{7}, std::size_t{12}}) {
    EXPECT_EQ(text_of(placement->acquire(index, nullptr).piece), text_of(plan.pieces[index]));
  }
  EXPECT_EQ(log_, (Log{"gpu acquire 0:0+6", "link acquire 1:5+5", "link acquire 1:4+1"}));

  placement->retune(2);
  EXPECT_FALSE(placement->tuning());
}

TEST_F(PartlyResident, KeepsPiecesOfOneTensorApart) {
  // Two experts of a stack, then a resident tensor, then two more that lie side by side.
  const auto placement = place(2, mixed_);
  const std::vector<Piece> read{{0, 0, 2}, {0, 6, 2}, {1, 0, 6}, {3, 2, 2}, {3, 4, 4}};
  EXPECT_EQ(texts_of(placement->plan(read, true).pieces),
            (Log{"0:0+2", "0:6+2", "1:0+6", "3:2+2", "3:6+2", "3:4+2"}));
}

TEST_F(PartlyResident, TakesTheMemoryOfBoth) {
  const Footprint taken = place(0, mixed_)->footprint();
  EXPECT_EQ(taken.device, 1U + (6 + 4 + 2) * 4);
  EXPECT_EQ(taken.pinned, (8U + 10) * 4);
}

TEST_F(PartlyResident, NeedsTheMemoryOfBoth) {
  const Policy policy = fake_policy<{1, 0, 0, 1}>("copies", "malloc", Family::copy);
  const WeightSet weights{"w", {tensor("a", 1000, false), tensor("b", 2000, true)}};
  Requirement needed = memory_needed(policy, weights, {});
  EXPECT_EQ(needed.pageable, 4000U);
  EXPECT_EQ(needed.device, 4000U + 8000U);

  const WeightSet offloaded{"w", {tensor("a", 1000, false)}};
  needed = memory_needed(policy, offloaded, {});
  EXPECT_EQ(needed.pageable, 4000U);
  EXPECT_EQ(needed.device, 4000U);

  const WeightSet resident{"w", {tensor("b", 2000, true)}};
  needed = memory_needed(policy, resident, {});
  EXPECT_EQ(needed.pageable, 0U);
  EXPECT_EQ(needed.device, 8000U);
}

}  // namespace
}  // namespace offload
