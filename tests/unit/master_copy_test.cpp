// SPDX-License-Identifier: Apache-2.0
// What the weights hold: shared by tensors of one shape, and yet of each its own.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "bench/measure/content.hpp"

namespace offload {
namespace {

class MasterCopies : public testing::Test {
 protected:
  MasterCopy make(const WeightSet& weights, Content content = Content::random_weights,
                  std::uint64_t seed = 1) {
    return {weights, content, seed, session_};
  }

 private:
  Platform platform_;
  Session session_{platform_, 2};
};

std::string bytes_of_row(const WeightTensor& tensor, const TensorContent& content,
                         std::size_t row) {
  const auto bytes = content.bytes.subspan(row * tensor.row_bytes(), tensor.row_bytes());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Five tensors of one shape among others: of another shape, of another dtype, of a stack.
WeightSet mixed() {
  WeightSet set{"mixed", {}};
  for (std::size_t i = 0; i < 5; ++i) {
    set.tensors.push_back({"a" + std::to_string(i), DType::fp16, 23, 9});
  }
  set.tensors.push_back({"b", DType::fp16, 9, 23});
  set.tensors.push_back({"c", DType::bf16, 23, 9});
  set.tensors.push_back({"d", DType::fp16, 23, 9, 0, 1});
  return set;
}

TEST_F(MasterCopies, TensorsOfOneShapeShareTwoCopies) {
  constexpr std::size_t one = std::size_t{23} * 9 * 2;
  EXPECT_EQ(master_copy_bytes(mixed()), 2 * one + 3 * one);
  EXPECT_EQ(master_copy_bytes({"one", {{"a", DType::u8, 10, 10}}}), 100U);
  EXPECT_EQ(master_copy_bytes({"none", {}}), 0U);
}

TEST_F(MasterCopies, EachIsTheFirstRotatedByItsRows) {
  const WeightSet weights = mixed();
  const MasterCopy master = make(weights);
  ASSERT_EQ(master.tensors().size(), weights.tensors.size());
  std::set<std::size_t> rotations;
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    const TensorContent& content = master.tensors()[i];
    const WeightTensor& tensor = weights.tensors[i];
    EXPECT_EQ(content.base, i < 5 ? 0 : i);
    ASSERT_EQ(content.bytes.size(), tensor.bytes());
    if (i >= 5) {
      EXPECT_EQ(content.rotated_rows, 0U);
    } else {
      rotations.insert(content.rotated_rows);
    }
    for (std::size_t row = 0; row < tensor.rows; ++row) {
      const std::size_t of_base = (row + content.rotated_rows) % tensor.rows;
      ASSERT_EQ(bytes_of_row(tensor, content, row),
                bytes_of_row(tensor, master.tensors()[content.base], of_base))
          << tensor.name << " row " << row;
    }
  }
  EXPECT_EQ(rotations.size(), 5U);
  EXPECT_EQ(master.tensors()[0].rotated_rows, 0U);
}

TEST_F(MasterCopies, NoTwoTensorsHoldTheSame) {
  const WeightSet weights = mixed();
  const MasterCopy master = make(weights);
  std::set<std::string> contents;
  for (const TensorContent& content : master.tensors()) {
    contents.emplace(reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size());
  }
  EXPECT_EQ(contents.size(), weights.tensors.size());
  // Nor any two rows at the same place: a kernel that reads the wrong tensor is found at once.
  for (std::size_t row = 0; row < 23; ++row) {
    std::set<std::string> rows;
    for (std::size_t i = 0; i < 5; ++i) {
      rows.insert(bytes_of_row(weights.tensors[i], master.tensors()[i], row));
    }
    EXPECT_EQ(rows.size(), 5U);
  }
}

TEST_F(MasterCopies, ExpertsStayWhole) {
  WeightSet weights{"moe", {}};
  for (std::size_t i = 0; i < 3; ++i) {
    weights.tensors.push_back({"w" + std::to_string(i), DType::bf16, std::size_t{8} * 5, 7, i, 8});
  }
  const MasterCopy master = make(weights);
  std::set<std::size_t> rotations;
  for (const TensorContent& content : master.tensors()) {
    EXPECT_EQ(content.base, 0U);
    EXPECT_EQ(content.rotated_rows % 5, 0U) << "an expert has five rows";
    rotations.insert(content.rotated_rows);
  }
  EXPECT_EQ(rotations.size(), 3U);
}

TEST_F(MasterCopies, AChainIsNotRotated) {
  WeightSet weights{"chains", {}};
  for (std::size_t i = 0; i < 3; ++i) {
    weights.tensors.push_back({"c" + std::to_string(i), DType::u8, 64, 128});
  }
  const MasterCopy master = make(weights, Content::chain);
  for (const TensorContent& content : master.tensors()) {
    EXPECT_EQ(content.rotated_rows, 0U);
    std::uint64_t at = 0;
    std::size_t steps = 0;
    do {
      ASSERT_LE(at + 8, content.bytes.size());
      std::memcpy(&at, content.bytes.data() + at, 8);
      ++steps;
    } while (at != 0 && steps <= 64);
    EXPECT_EQ(steps, 64U) << "once through every node";
  }
}

TEST_F(MasterCopies, DependsOnTheSeed) {
  const WeightSet weights{"w", {{"w", DType::bf16, 8, 8}}};
  const auto text = [&](std::uint64_t seed) {
    const MasterCopy master = make(weights, Content::random_weights, seed);
    const auto bytes = master.tensors()[0].bytes;
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

}  // namespace
}  // namespace offload
