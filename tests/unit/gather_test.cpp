// SPDX-License-Identifier: Apache-2.0
// row_gather, expert_gather and nested on the CPU side: what they read, and that a missing, doubled
// or wrong part of it is found.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "bench/models/presets.hpp"
#include "kernels/content.hpp"
#include "kernels/nested.hpp"
#include "kernels/row_gather.hpp"
#include "kernels/stream_read.hpp"
#include "tests/unit/workload_bench.hpp"

namespace offload {
namespace {

using testing::Bench;
using testing::made;
using testing::one;
using testing::right;

std::vector<std::byte> random_bytes(std::size_t bytes, std::uint64_t seed, HostWorkers& workers) {
  std::vector<std::byte> out(bytes);
  reference::fill_random(out, DType::u8, seed, workers);
  return out;
}

// --- row_gather

std::unique_ptr<Workload> gather(std::size_t chunk) {
  return made("row_gather")->with_parameter(chunk);
}

TEST(RowGather, ReadsAnEighthInDistinctAlignedChunks) {
  // Of 256 places, those whose spoiling is found are the chunks: 32 of them, each found.
  constexpr std::size_t chunk = 512;
  Bench bench(*gather(chunk), one(DType::bf16, 64, 1024));
  EXPECT_EQ(bench.bound().bytes().requested, 32 * chunk);
  EXPECT_EQ(bench.bound().bytes().touched, 32 * chunk);
  ASSERT_EQ(bench.pass(), right);
  std::size_t read = 0;
  for (std::size_t place = 0; place < bench.memory().size() / chunk; ++place) {
    const auto spoilt = [&](std::size_t at) {
      std::byte& byte = bench.memory()[place * chunk + at];
      byte ^= std::byte{1};
      const bool found = bench.pass().has_value();
      byte ^= std::byte{1};
      return found;
    };
    const bool first = spoilt(0);
    EXPECT_EQ(spoilt(chunk - 1), first) << "part of a chunk at " << place;
    read += first ? 1 : 0;
  }
  EXPECT_EQ(read, 32U);
}

TEST(RowGather, ReadsOneChunkOfSmallTensorsAndMany65536AtMost) {
  EXPECT_EQ(Bench(*gather(4096), one(DType::u8, 1, 4096)).bound().bytes().requested, 4096U);
  EXPECT_EQ(Bench(*gather(4096), one(DType::u8, 1, 15 * 4096)).bound().bytes().requested, 4096U);
  EXPECT_EQ(Bench(*gather(4096), one(DType::u8, 1, 16 * 4096)).bound().bytes().requested, 8192U);
  // An eighth would be 1.5 times as many.
  const WeightSet large = one(DType::u8, 12, std::size_t{512} * 65536);
  const std::vector<std::byte> zeros(large.bytes());
  const std::vector<TensorContent> contents{{zeros, 0, 0}};
  HostWorkers workers(1);
  const auto bound = gather(512)->bind(large, contents, workers, false);
  EXPECT_EQ(bound->bytes().requested, 512U * 65536);
}

TEST(RowGather, OfEverySizeIsRight) {
  for (std::size_t chunk = 512; chunk <= std::size_t{2} << 20; chunk *= 2) {
    // Not a whole number of chunks, and rows that are none either.
    Bench bench(*gather(chunk), one(DType::u8, 9, chunk * 3 + 40));
    EXPECT_EQ(bench.pass(), right) << chunk;
    EXPECT_EQ(bench.pass(), right) << chunk << ", second pass";
  }
}

TEST(RowGather, FindsAMissingAndADoubledTensor) {
  const WeightSet two{"two", {{"a", DType::u8, 4, 4096}, {"b", DType::u8, 4, 4096}}};
  Bench bench(*gather(512), two);
  bench.poison();
  bench.launch({0, 0, 4});
  EXPECT_NE(bench.check(), right);
  bench.launch({1, 0, 4});
  EXPECT_EQ(bench.check(), right);
  bench.launch({1, 0, 4});
  EXPECT_NE(bench.check(), right);
  bench.poison();
  bench.launch({0, 0, 4});
  bench.launch_as({1, 0, 4}, {0, 0, 4});
  EXPECT_NE(bench.check(), right);
}

TEST(RowGather, RefusesPartsAndTensorsSmallerThanAChunk) {
  Bench bench(*gather(512), one(DType::u8, 4, 1024));
  EXPECT_THROW(bench.launch({0, 0, 3}), std::logic_error);
  EXPECT_THROW(bench.launch({0, 0, 4}, Side::gpu), std::logic_error);
  EXPECT_TRUE(gather(4096)->reads(one(DType::u8, 1, 4096)));
  EXPECT_EQ(gather(4096)->reads(one(DType::u8, 1, 4095)).reason(),
            "row_gather/chunk:4096 needs 4KiB per tensor; down_proj has 4095B");
}

TEST(RowGather, KernelReadsExactlyTheChunksListed) {
  HostWorkers workers(3);
  const auto data = random_bytes(std::size_t{1} << 20, 3, workers);
  std::vector<std::uint64_t> offsets{7 * 8192, 0, 127 * 8192, 64 * 8192};
  const auto sum_of = [&](const std::vector<std::uint64_t>& list) {
    std::uint64_t sum = 5;
    host::row_gather(data.data(), list.data(), list.size(), 8192, &sum, workers);
    workers.join();
    return sum - 5;
  };
  const std::uint64_t expected = reference::row_gather(data, offsets, 8192);
  EXPECT_EQ(sum_of(offsets), expected);
  // The reference itself, by the one that sums everything.
  std::uint64_t apart = 0;
  for (const std::uint64_t offset : offsets) {
    apart += reference::stream_read(std::span(data).subspan(offset, 8192), workers);
  }
  EXPECT_EQ(expected, apart);
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    auto other = offsets;
    other[i] = (i + 20) * 8192;
    EXPECT_NE(sum_of(other), expected) << "chunk " << i << " is another";
    other = offsets;
    other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(sum_of(other), expected) << "chunk " << i << " is missing";
    other = offsets;
    other.push_back(offsets[i]);
    EXPECT_NE(sum_of(other), expected) << "chunk " << i << " is doubled";
  }
  EXPECT_THROW(reference::row_gather(data, std::vector<std::uint64_t>{1 << 20}, 8192),
               std::out_of_range);
}

// --- expert_gather

WeightSet stacks(std::size_t experts = 16, std::size_t per_token = 4) {
  WeightSet weights{"moe",
                    {{"w13", DType::bf16, experts * 6, 64, 0, experts},
                     {"w2", DType::bf16, experts * 8, 24, 0, experts}}};
  weights.routed_experts = per_token;
  return weights;
}

std::unique_ptr<Workload> routed(std::size_t skew) {
  return made("expert_gather")->with_parameter(skew);
}

std::vector<std::size_t> experts_of(const BoundWorkload& bound, std::size_t tensor,
                                    std::size_t rows_of_expert) {
  std::vector<std::size_t> experts;
  for (const Piece& piece : bound.pieces()) {
    if (piece.tensor != tensor) continue;
    EXPECT_EQ(piece.rows, rows_of_expert);
    EXPECT_EQ(piece.first_row % rows_of_expert, 0U);
    experts.push_back(piece.first_row / rows_of_expert);
  }
  return experts;
}

TEST(ExpertGather, EveryPassReadsAnotherTokensExpertsOfBothStacks) {
  Bench bench(*routed(50), stacks());
  BoundWorkload& bound = bench.bound();
  EXPECT_TRUE(made("expert_gather")->varies());
  const std::size_t bytes = 4 * (6 * 64 + 8 * 24) * 2;
  std::set<std::vector<std::size_t>> seen;
  for (std::size_t pass = 0; pass < 20; ++pass) {
    bound.select_pass(pass);
    const auto first = experts_of(bound, 0, 6);
    EXPECT_EQ(experts_of(bound, 1, 8), first);
    EXPECT_EQ(std::set<std::size_t>(first.begin(), first.end()).size(), 4U);
    EXPECT_EQ(bound.bytes().requested, bytes);
    EXPECT_EQ(bench.pass(), right) << pass;
    seen.insert(first);
  }
  EXPECT_GT(seen.size(), 10U);
  bound.select_pass(7);
  const auto again = experts_of(bound, 0, 6);
  bound.select_pass(3);
  bound.select_pass(7);
  EXPECT_EQ(experts_of(bound, 0, 6), again);
}

TEST(ExpertGather, ThePopularExpertsStayPopular) {
  // Of 64 experts one a token: under skew 1.5 the first takes 0.4 of all, evenly none 0.05.
  const auto busiest = [](std::size_t skew, std::size_t first_pass) {
    Bench bench(*routed(skew), stacks(64, 1));
    std::map<std::size_t, int> taken;
    for (std::size_t pass = first_pass; pass < first_pass + 400; ++pass) {
      bench.bound().select_pass(pass);
      ++taken[experts_of(bench.bound(), 0, 6).at(0)];
    }
    return *std::max_element(taken.begin(), taken.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
  };
  const auto early = busiest(150, 0);
  const auto late = busiest(150, 1000);
  EXPECT_EQ(early.first, late.first);
  EXPECT_GT(early.second, 120);
  EXPECT_LT(busiest(0, 0).second, 30);
}

TEST(ExpertGather, FindsAMissingDoubledAndWrongExpert) {
  Bench bench(*routed(100), stacks());
  BoundWorkload& bound = bench.bound();
  bound.select_pass(5);
  const std::vector<Piece> pieces = bound.pieces();
  ASSERT_EQ(pieces.size(), 8U);
  const auto taken = experts_of(bound, 0, 6);
  std::size_t free = 0;
  while (std::find(taken.begin(), taken.end(), free) != taken.end()) ++free;
  for (std::size_t wrong = 0; wrong < pieces.size(); ++wrong) {
    const auto read = [&](auto&& launch_wrong) {
      bench.poison();
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i == wrong) {
          launch_wrong(pieces[i]);
        } else {
          bench.launch(pieces[i]);
        }
      }
      return bench.check();
    };
    EXPECT_NE(read([](const Piece&) {}), right) << "missing " << wrong;
    EXPECT_NE(read([&](const Piece& piece) {
                bench.launch(piece);
                bench.launch(piece);
              }),
              right)
        << "doubled " << wrong;
    EXPECT_NE(read([&](const Piece& piece) {
                bench.launch_as(piece, {piece.tensor, free * piece.rows, piece.rows});
              }),
              right)
        << "another in the place of " << wrong;
    EXPECT_EQ(read([&](const Piece& piece) {  // in panels, as a ring shows it
                bench.launch({piece.tensor, piece.first_row, 2});
                bench.launch({piece.tensor, piece.first_row + 2, piece.rows - 2});
              }),
              right);
  }
  bound.select_pass(6);  // what was right is not any more
  bench.poison();
  for (const Piece& piece : pieces) bench.launch(piece);
  EXPECT_NE(bench.check(), right);
}

TEST(ExpertGather, KnowsTheSumsOfRotatedStacks) {
  WeightSet layers{"layers", {}};
  layers.routed_experts = 2;
  for (std::size_t layer = 0; layer < 3; ++layer) {
    layers.tensors.push_back({"w", DType::bf16, 8 * 6, 64, layer, 8});
  }
  Bench bench(*routed(0), layers, 18);  // by three experts a layer
  for (std::size_t pass = 0; pass < 6; ++pass) {
    bench.bound().select_pass(pass);
    EXPECT_EQ(bench.pass(), right) << pass;
  }
}

TEST(ExpertGather, RefusesWhatHasNoExperts) {
  const auto workload = made("expert_gather");
  EXPECT_EQ(workload->label(), "expert_gather/skew:1");
  EXPECT_TRUE(workload->reads(stacks()));
  EXPECT_EQ(
      workload->reads(one(DType::bf16, 4, 4)).reason(),
      "expert_gather reads stacked experts, such as qwen3-30b-a3b.experts; down_proj is not one");
  EXPECT_EQ(workload->reads(stacks(16, 0)).reason(),
            "moe does not say how many of its 16 experts a token takes");
  EXPECT_FALSE(workload->reads(stacks(16, 17)));
  WeightSet odd = stacks();
  odd.tensors[1] = {"w2", DType::u8, 16, 3, 0, 16};
  EXPECT_EQ(workload->reads(odd).reason(), "an expert of w2 is not a whole number of 4-byte words");
  odd = stacks();
  odd.tensors[1].experts = 8;
  EXPECT_EQ(workload->reads(odd).reason(),
            "w13 and w2 of one layer differ in the number of experts");
}

TEST(ExpertGather, EveryModelWithExpertsHasThemAsWeights) {
  struct Published {
    const char* name;
    std::size_t experts, per_token, hidden, intermediate;
  };
  // As the models' papers and cards have them.
  for (const auto& [name, experts, per_token, hidden, intermediate] :
       {Published{"mixtral-8x7b", 8, 2, 4096, 14336},
        {"qwen3-30b-a3b", 128, 8, 2048, 768},
        {"deepseek-v3", 256, 8, 7168, 2048}}) {
    const auto found = find_preset_weights(std::string(name) + ".experts");
    ASSERT_EQ(found.size(), 1U) << name;
    EXPECT_EQ(found[0].name, std::string(name) + ".experts");
    EXPECT_EQ(found[0].experts_per_token(), per_token);
    ASSERT_GE(found[0].tensors.size(), 2U);
    std::size_t matrices = 0;
    for (const WeightTensor& tensor : found[0].tensors) {
      EXPECT_EQ(tensor.experts, experts) << tensor.name;
      if (tensor.dtype == DType::u8) continue;  // scales
      ++matrices;
      const bool first = tensor.name.find("w13_weight") != std::string::npos;
      EXPECT_EQ(tensor.rows, experts * (first ? 2 * intermediate : hidden)) << tensor.name;
      EXPECT_EQ(tensor.cols, first ? hidden : intermediate) << tensor.name;
    }
    EXPECT_EQ(matrices, 2U);
  }
  std::set<std::string> names;
  for (const WeightSet& set : preset_experts()) {
    EXPECT_TRUE(made("expert_gather")->reads(set)) << made("expert_gather")->reads(set).reason();
    EXPECT_TRUE(names.insert(set.name).second);
    EXPECT_EQ(find_preset_weights(set.name).at(0).bytes(), set.bytes());
  }
  EXPECT_EQ(names, (std::set<std::string>{"deepseek-v3.2.experts",
                                          "deepseek-v3.experts",
                                          "glm-4.5-air.experts",
                                          "glm-4.6.experts",
                                          "gpt-oss-120b.experts",
                                          "gpt-oss-20b.experts",
                                          "granite-4.0-h-small.experts",
                                          "granite-4.0-h-tiny.experts",
                                          "kimi-k2.experts",
                                          "llama4-maverick.experts",
                                          "llama4-scout.experts",
                                          "minimax-m2.experts",
                                          "mixtral-8x22b.experts",
                                          "mixtral-8x7b.experts",
                                          "nemotron-3-nano-30b-a3b.experts",
                                          "qwen3-235b-a22b-fp8.experts",
                                          "qwen3-235b-a22b.experts",
                                          "qwen3-30b-a3b.experts",
                                          "qwen3-next-80b-a3b.experts",
                                          "qwen3.5-35b-a3b.experts",
                                          "qwen3.5-397b-a17b.experts"}));
  EXPECT_TRUE(find_preset_weights("llama3.1-8b.experts").empty());
}

// --- nested

WeightSet quantised(std::size_t rows, std::size_t units = 1) {
  return one(DType::u8, rows, units * nested::unit_bytes);
}

TEST(Nested, PassesAndFindsNothingRead) {
  for (const std::size_t units : {1U, 2U, 7U}) {
    Bench bench(*made("nested"), quantised(37, units));
    EXPECT_EQ(bench.pass(), right);
    EXPECT_EQ(bench.pass(), right);
    bench.poison();
    EXPECT_EQ(bench.check(), "row 0 of down_proj: never written");
  }
}

TEST(Nested, TheReferenceIsTheDequantisingProductOfItsDefinition) {
  // One row by hand: zeros but for weight 131, whose value is 9, and the zero points and scales of
  // its block, the second: (9 - 3) * 6, and 127 others of value 0, less 3 times their factors.
  std::vector<std::byte> row(nested::unit_bytes, std::byte{0});
  row[131 / 2] = std::byte{0x90};
  const std::size_t scales = 16 * 64;
  row[scales + 2] = std::byte{0x01};
  row[scales + 3] = std::byte{0x02};
  row[scales + 32 + 1] = std::byte{3};
  HostWorkers workers(1);
  const std::int64_t factors = 16 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8);
  EXPECT_EQ(reference::nested(row, row.size(), workers),
            std::vector<std::int64_t>{0x0201 * (9 * 6 - 3 * factors)});
}

TEST(Nested, FindsOneWrongValueScaleAndZero) {
  Bench bench(*made("nested"), quantised(9, 2));
  ASSERT_EQ(bench.pass(), right);
  const std::size_t row = 2 * nested::unit_bytes;
  const std::size_t blocks = 2 * nested::unit_blocks;
  const std::size_t scales = blocks * nested::value_bytes;
  const std::size_t zeros = scales + 2 * blocks;
  for (const std::size_t at : {std::size_t{0}, scales - 1, scales, zeros - 1, zeros, row - 1}) {
    std::byte& byte = bench.memory()[5 * row + at];
    byte ^= std::byte{0x10};
    const auto wrong = bench.pass();
    ASSERT_TRUE(wrong) << at;
    EXPECT_EQ(wrong->rfind("row 5 of down_proj: got ", 0), 0U) << *wrong;
    byte ^= std::byte{0x10};
  }
  EXPECT_EQ(bench.pass(), right);
}

TEST(Nested, FindsRowsOfTheWrongPlace) {
  constexpr std::size_t rows = 6;
  const WeightSet weights = quantised(rows);
  HostWorkers workers(2);
  const auto data = random_bytes(weights.bytes(), 5, workers);
  std::vector<nested::Row> table(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    table[r] = nested::row_at(data.data() + r * nested::unit_bytes, nested::unit_blocks);
  }
  const auto product = [&] {
    std::vector<std::int64_t> y(rows, -1);
    host::nested(table.data(), rows, nested::unit_blocks, y.data(), workers);
    workers.join();
    return y;
  };
  const auto expected = reference::nested(data, nested::unit_bytes, workers);
  EXPECT_EQ(product(), expected);
  std::swap(table[1].values, table[2].values);
  EXPECT_NE(product(), expected);
  std::swap(table[1].values, table[2].values);
  table[3].zeros = table[4].zeros;
  EXPECT_NE(product(), expected);
  table[3] = nested::row_at(data.data() + 3 * nested::unit_bytes, nested::unit_blocks);
  table[5].scales = table[0].scales;
  EXPECT_NE(product(), expected);
}

class CountingClock final : public SetupClock {
 public:
  void set_up(StreamHandle) override { ++times; }
  int times = 0;
};

TEST(Nested, FollowsWeightsThatMoveAndReportsWhenItIsSetUp) {
  const WeightSet weights = quantised(11);
  HostWorkers workers(2);
  auto data = random_bytes(weights.bytes(), 6, workers);
  const std::vector<TensorContent> contents{{data, 0, 0}};
  const auto bound = made("nested")->bind(weights, contents, workers, false);
  CountingClock clock;
  const LaunchTarget target{nullptr, workers, &clock};
  const auto pass = [&](const std::byte* at) {
    bound->poison(target);
    bound->launch({{0, 0, 11}, at, Side::cpu}, target);
    workers.join();
    return bound->check(target);
  };
  EXPECT_EQ(pass(data.data()), right);
  EXPECT_EQ(clock.times, 1);
  auto moved = data;
  std::fill(data.begin(), data.end(), std::byte{0});
  EXPECT_NE(pass(data.data()), right) << "reads its weights, not what it saw before";
  EXPECT_EQ(pass(moved.data()), right);
  EXPECT_EQ(clock.times, 3);
}

TEST(Nested, RefusesWhatHasNoSuchRows) {
  const auto workload = made("nested");
  EXPECT_TRUE(workload->reads(quantised(1)));
  EXPECT_EQ(workload->reads(one(DType::u8, 4, 1000)).reason(),
            "nested reads u8 rows of whole 1072-byte units, such as llama3.1-70b.down_proj.q4; "
            "down_proj is u8 of 1000 columns");
  EXPECT_FALSE(workload->reads(one(DType::bf16, 4, 1072)));
  EXPECT_FALSE(workload->reads({"none", {}}));
  Bench bench(*workload, quantised(4));
  EXPECT_THROW(bench.launch({0, 0, 3}), std::logic_error);
  EXPECT_THROW(bench.launch({0, 0, 4}, Side::gpu), std::logic_error);
}

TEST(Nested, AProjectionInFourBitsHasItsRowsAndAboutAQuarterOfItsBytes) {
  const auto found = find_preset_weights("Llama3.1-70B.down_proj.Q4");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "llama3.1-70b.down_proj.q4");
  const WeightTensor& tensor = found[0].tensors.at(0);
  EXPECT_EQ(tensor.dtype, DType::u8);
  EXPECT_EQ(tensor.rows, 8192U);
  // 28672 weights of half a byte, and 224 groups of 128 with two bytes of scale and one of zero.
  EXPECT_EQ(tensor.cols, 28672U / 2 + 224 * 3);
  EXPECT_TRUE(made("nested")->reads(found[0]));
  EXPECT_TRUE(find_preset_weights("qwen2.5-7b.qkv_proj.q4").empty())
      << "3584 is not a multiple of 2048";
}

}  // namespace
}  // namespace offload
