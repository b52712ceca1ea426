// SPDX-License-Identifier: Apache-2.0
// What policies predict, against times worked out by hand: a link of 50 GB/s, layers of 500 MB in
// two tensors, which take 10 ms to bring and 1 ms to read.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/catalog.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "tests/unit/machine_kinds.hpp"

namespace offload {
namespace {

constexpr std::size_t row_bytes = 10'000;
constexpr std::size_t rows = 25'000;  // 250 MB
constexpr std::size_t layers = 4;

WeightSet weights(std::size_t resident_layers = 0) {
  WeightSet set{"w", {}};
  for (std::size_t layer = 0; layer < layers; ++layer) {
    for (const char* name : {"a", "b"}) {
      set.tensors.push_back({name, DType::u8, rows, row_bytes, layer, 0, layer < resident_layers});
    }
  }
  return set;
}

Rates rates() {
  Rates rates;
  rates.copy_h2d = 50e9;
  rates.copy_start = 0;
  rates.batch_start = 0;
  rates.copy_pageable = 5e9;
  rates.sm_read_pinned = 40e9;
  rates.peer_copy = 250e9;
  rates.sm_read_peer = 200e9;
  rates.device_read = 500e9;
  rates.launch = 0;
  rates.prefetch = 25e9;
  rates.prefetch_read_mostly = 20e9;
  rates.fault = 10e9;
  rates.fault_read_mostly = 12.5e9;
  rates.map = 1e9;
  rates.window_read_mostly = 40e9;
  rates.window_migrate = 8e9;
  rates.host_read = 100e9;
  rates.host_read_beside_copy = 100e9;
  rates.copy_h2d_beside_host = 50e9;
  rates.hand_over = 0;
  return rates;
}

std::optional<Prediction> predicted(const std::string& policy, Start start = Start::steady,
                                    const WeightSet& set = weights(), const Rates& by = rates(),
                                    const Tuning& tuning = {}, const Platform& on = {}) {
  static const Catalog catalog = make_catalog();
  return predict({catalog.workload("stream_read"), catalog.policy(policy), &set, start}, by, tuning,
                 false, on);
}

double milliseconds(const std::string& policy, Start start = Start::steady,
                    const WeightSet& set = weights()) {
  const auto found = predicted(policy, start, set);
  return found ? found->seconds * 1e3 : -1;
}

// 2 GB by kernels at 200 GB/s; copied at 250 GB/s, two layers ahead, while others are read.
TEST(PeerPredictions, AreOfTheRatesToTheOtherGpu) {
  const auto in_place = predicted("peer_zero_copy");
  ASSERT_TRUE(in_place);
  EXPECT_NEAR(in_place->seconds, 10e-3, 1e-9);
  const auto copied = predicted("peer_copy");
  ASSERT_TRUE(copied);
  EXPECT_NEAR(copied->seconds, 8e-3, 1e-9);
  Rates no_peer = rates();
  no_peer.peer_copy = no_peer.sm_read_peer = std::nullopt;
  EXPECT_FALSE(predicted("peer_zero_copy", Start::steady, weights(), no_peer));
  EXPECT_FALSE(predicted("peer_copy", Start::steady, weights(), no_peer));
}

// Kernels take no less than from memory of their own GPU, however fast the way is.
TEST(PeerPredictions, AreNeverFasterThanMemoryOfTheGpuItself) {
  Rates fast = rates();
  fast.sm_read_peer = 2000e9;
  const auto in_place = predicted("peer_zero_copy", Start::steady, weights(), fast);
  ASSERT_TRUE(in_place);
  EXPECT_NEAR(in_place->seconds, 4e-3, 1e-9);  // 2 GB at 500 GB/s
}

TEST(Predictions, OfWhatIsReadWhereItLies) {
  EXPECT_NEAR(milliseconds("device_resident"), 4, 1e-9);
  EXPECT_NEAR(milliseconds("pinned_zero_copy"), 50, 1e-9);
  EXPECT_NEAR(milliseconds("managed_accessed_by"), 50, 1e-9);
  EXPECT_NEAR(milliseconds("host_compute"), 20, 1e-9);
  EXPECT_NEAR(milliseconds("pinned_zero_copy", Start::steady, weights(2)), 25 + 2, 1e-9);
}

TEST(Predictions, OfFilesAreThoseOfMemoryUnlessTheyComeFromTheDisk) {
  EXPECT_NEAR(milliseconds("file_host_compute", Start::warm), 20, 1e-9);
  EXPECT_NEAR(milliseconds("file_pageable_copy", Start::warm), 400 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("file_registered_copy"), 40 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("file_registered_zero_copy"), 50, 1e-9);
  EXPECT_FALSE(predicted("file_host_compute", Start::cold));
  EXPECT_FALSE(predicted("file_pageable_copy", Start::cold));
}

TEST(Predictions, OfCopiesThatWaitForTheReader) {
  EXPECT_NEAR(milliseconds("pinned_copy"), 40 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("pinned_batch_copy"), 40 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("pageable_copy"), 400 + 4, 1e-9);
  // one slot: what is read is not overwritten meanwhile
  EXPECT_NEAR(milliseconds("pinned_prefetch_copy"), 40 + 4, 1e-9);
}

TEST(Predictions, OfCopiesThatRunAhead) {
  EXPECT_NEAR(milliseconds("pinned_prefetch2_copy"), 40, 1e-9);
  EXPECT_NEAR(milliseconds("pinned_ring_copy"), 40, 1e-9);
  // Two resident layers give one slot the time to fill.
  EXPECT_NEAR(milliseconds("pinned_prefetch_copy", Start::steady, weights(2)), 20 + 2, 1e-9);
}

TEST(Predictions, OfCopiesWithinOneMemoryShareItsRateWithTheReader) {
  const auto milliseconds = [](const std::string& policy, const Rates& by) {
    const Platform shared = testing::machine_called("GB10");
    return predicted(policy, Start::steady, weights(), by, {}, shared)->seconds * 1e3;
  };
  // 2 GB are read, written and read again, of a memory that gives 100 GB/s: 60 ms, where copies at
  // 50 GB/s beside the reader would take 40.
  Rates by = rates();
  by.device_read = by.sm_read_pinned = by.host_read = 100e9;
  EXPECT_NEAR(milliseconds("pinned_prefetch2_copy", by), 60, 1e-9);
  EXPECT_NEAR(milliseconds("pinned_ring_copy", by), 60, 1e-9);
  // The CPU alone reads them once; every row that the ring carries costs three times as much.
  EXPECT_NEAR(milliseconds("hybrid_split", by), 20, 1e-9);
  // Copies of which each waits for the reader are as long as they were measured to be.
  EXPECT_NEAR(milliseconds("pinned_copy", by), 40 + 20, 1e-9);
  // Slower copies do not fill the memory: their own time counts.
  by.copy_h2d = 25e9;
  EXPECT_NEAR(milliseconds("pinned_ring_copy", by), 80, 0.5);
}

TEST(Predictions, SayNothingOfProductsThatMayReadOneMemoryAgain) {
  static const Catalog catalog = make_catalog();
  const WeightSet set{"w", {{"a", DType::bf16, 4096, 4096}}};
  Rates by = rates();
  const Platform shared = testing::machine_called("GB10");
  for (const std::size_t tokens : {1, 512}) {
    by.products.push_back({{DType::bf16, 4096, 4096, tokens}, Rereads::as_engines_do, 1e-3, 2});
  }
  const auto gemm = catalog.workload("gemm")->with_parameter(512);
  const auto gemv = catalog.workload("gemv");
  const auto known = [&](const Workload* workload, const char* policy, const Platform& on) {
    return predict({workload, catalog.policy(policy), &set, Start::steady}, by, {}, false, on)
        .has_value();
  };
  EXPECT_TRUE(known(gemm.get(), "pinned_zero_copy", {}));
  EXPECT_FALSE(known(gemm.get(), "pinned_zero_copy", shared));
  EXPECT_TRUE(known(gemv, "pinned_zero_copy", shared));
  EXPECT_TRUE(known(gemm.get(), "pinned_copy", shared)) << "that reads its copy";
}

TEST(Predictions, OfFaultsAndPrefetches) {
  EXPECT_NEAR(milliseconds("managed_demand", Start::cold), 200 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("managed_demand", Start::warm), 4, 1e-9);
  EXPECT_NEAR(milliseconds("managed_prefer_host", Start::cold), 2000, 1e-9);
  EXPECT_NEAR(milliseconds("managed_prefer_host", Start::warm), 50, 1e-9);
  EXPECT_NEAR(milliseconds("managed_prefetch_each", Start::cold), 80 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("managed_readmostly_prefetch", Start::cold), 100 + 4, 1e-9);
  EXPECT_NEAR(milliseconds("managed_prefetch_ahead", Start::cold), 80 + 1, 1e-9);
  EXPECT_NEAR(milliseconds("managed_migrate_window"), 250, 1e-9);
}

TEST(Predictions, CountWhatEachPrefetchTakes) {
  Rates starts = rates();
  starts.prefetch_start = 1e-3;
  const auto cold = predicted("managed_prefetch_each", Start::cold, weights(), starts);
  EXPECT_NEAR(cold->seconds * 1e3, 80 + 4 + 8, 1e-9);
}

TEST(Predictions, CountWhatEachReadOfTheCpuTakes) {
  Rates starts = rates();
  starts.host_start = 1e-3;
  EXPECT_NEAR(predicted("host_compute", Start::steady, weights(), starts)->seconds * 1e3, 20 + 8,
              1e-9);
}

/// Stacks of experts, 4 of which a token is sent to.
WeightSet stacks(std::size_t experts, std::size_t count) {
  WeightSet set{.name = "w", .tensors = {}, .routed_experts = 4};
  for (std::size_t i = 0; i < count; ++i) {
    set.tensors.push_back({"e", DType::u8, experts * 1000, 1000, 0, experts});
  }
  return set;
}

struct Scattered {
  const char* policy;
  std::optional<double> Rates::*run_start;
};

TEST(Predictions, CountTheRunsOfRowsThatTheDriverHandlesByThemselves) {
  static const Catalog catalog = make_catalog();
  const auto one_token = catalog.workload("decode")->with_parameter(1);
  for (const Scattered& row :
       {Scattered{"managed_readmostly_window", &Rates::window_read_mostly_run_start},
        Scattered{"managed_migrate_window", &Rates::window_migrate_run_start},
        Scattered{"managed_demand", &Rates::fault_run_start}}) {
    const Policy* const policy = catalog.policy(row.policy);
    const auto added = [&](const WeightSet& set) {
      Rates starts = rates();
      const Case item{one_token.get(), policy, &set, policy->starts.front()};
      const double none = predict(item, starts, {}, false, {})->seconds;
      starts.*row.run_start = 1;
      return predict(item, starts, {}, false, {})->seconds - none;
    };
    // Of 512 experts 4 that lie apart; all of 4; and all of two stacks, which follow each other.
    EXPECT_NEAR(added(stacks(512, 1)), 3, 1e-9) << row.policy;
    EXPECT_NEAR(added(stacks(4, 1)), 0, 1e-9) << row.policy;
    EXPECT_NEAR(added(stacks(4, 2)), 0, 1e-9) << row.policy;
    WeightSet around_a_resident = stacks(4, 3);
    around_a_resident.tensors[1].resident = true;
    EXPECT_NEAR(added(around_a_resident), 0, 1e-9) << row.policy;
  }
}

TEST(Predictions, HandOverOnceATensorWhereExpertsAreSplit) {
  static const Catalog catalog = make_catalog();
  const WeightSet set{"w", {{"experts", DType::bf16, std::size_t{8} * 4096, 4096, 0, 8}}};
  const auto decode = catalog.workload("decode")->with_parameter(64);  // reaches all experts
  Rates turns = rates();
  const auto seconds = [&] {
    return predict({decode.get(), catalog.policy("hybrid_split"), &set}, turns, {}, false, {})
        ->seconds;
  };
  for (const std::size_t tokens : {1, 64}) {
    const ProductShape shape{DType::bf16, 4096, 4096, tokens};
    turns.products.push_back({shape, Rereads::as_engines_do, 1e-6, 1});
    turns.host_products.push_back({shape, Rereads::as_engines_do, 1e-3, 1});
  }
  const double before = seconds();
  turns.hand_over = 1e-6;
  EXPECT_NEAR(seconds() - before, 1e-6, 1e-9);
}

TEST(Predictions, SlowDownWhereTheGpuDoesNothingElse) {
  static const Catalog catalog = make_catalog();
  const WeightSet set{"w", {{"a", DType::bf16, 4096, 4096}}};
  const auto gemm = catalog.workload("gemm")->with_parameter(512);
  Rates hot = rates();
  hot.products = {{{DType::bf16, 4096, 4096, 512}, Rereads::as_engines_do, 1e-3, 1, 1.25}};
  const auto seconds = [&](const std::string& policy, Start start) {
    const Case item{gemm.get(), catalog.policy(policy), &set, start};
    return predict(item, hot, {}, false, {})->seconds;
  };
  EXPECT_NEAR(seconds("device_resident", Start::steady), 1.25e-3, 1e-9);
  EXPECT_NEAR(seconds("managed_demand", Start::warm), 1.25e-3, 1e-9);
  const double copy = 2.0 * 4096 * 4096 / 50e9;
  EXPECT_NEAR(seconds("pinned_copy", Start::steady), copy + 1e-3, 1e-9);
}

TEST(Predictions, OfASplitBetweenBothSides) {
  // 50 GB/s and 100 GB/s at once, in steps of 5 %: 65 % for the CPU takes 14 ms.
  EXPECT_NEAR(milliseconds("hybrid_split"), 14, 1e-9);
  Tuning half;
  half.host_share = 0.5;
  const auto fixed = predicted("hybrid_split", Start::steady, weights(), rates(), half);
  EXPECT_NEAR(fixed->seconds * 1e3, 20, 1e-9);
}

TEST(Predictions, OfASplitAreNoSlowerThanTheCpuAlone) {
  Rates slow_link = rates();
  slow_link.copy_h2d_beside_host = 1e6;
  slow_link.host_read_beside_copy = 50e9;
  const auto split = predicted("hybrid_split", Start::steady, weights(), slow_link);
  EXPECT_NEAR(split->seconds, predicted("host_compute")->seconds, 1e-9);
  Rates no_cpu = rates();
  no_cpu.host_read = 0;
  EXPECT_FALSE(predicted("hybrid_split", Start::steady, weights(), no_cpu));
}

TEST(Predictions, AreARangeWhereRunsDiffer) {
  const Prediction copy = *predicted("pinned_copy");
  EXPECT_LT(copy.most / copy.least, 1.15);
  const Prediction faults = *predicted("managed_demand", Start::cold);
  EXPECT_GT(faults.most / faults.least, 1.5);
  EXPECT_LE(faults.most / faults.least, 1.6);
}

TEST(Predictions, NeedTheirRates) {
  EXPECT_FALSE(predicted("managed_demand", Start::cold, weights(), {}));
  Rates without = rates();
  without.fault.reset();
  EXPECT_FALSE(predicted("managed_demand", Start::cold, weights(), without));
  EXPECT_TRUE(predicted("managed_prefetch_each", Start::cold, weights(), without));
}

TEST(Predictions, AreMadeByEveryPolicy) {
  for (const Policy* policy : make_catalog().policies) EXPECT_TRUE(policy->predict) << policy->name;
}

TEST(PassThroughSlots, PaysForEachUnitTheLongerOfBringingAndReading) {
  const std::vector<BroughtUnit> units(6, BroughtUnit{0, 3, 2});
  EXPECT_DOUBLE_EQ(pass_through_slots(units, 0, 1, false), 6 * (3 + 2));
  EXPECT_DOUBLE_EQ(pass_through_slots(units, 0, 2, false), 6 * 3);
  const std::vector<BroughtUnit> slow(6, BroughtUnit{0, 2, 3});
  EXPECT_DOUBLE_EQ(pass_through_slots(slow, 0, 2, false), 6 * 3);
  EXPECT_DOUBLE_EQ(first_pass_through_slots(units, 0, 2), 6 * 3 + 2);
}

TEST(PassThroughSlots, HasOneSlotForOneUnit) {
  const std::vector<BroughtUnit> one(1, BroughtUnit{0, 3, 2});
  EXPECT_DOUBLE_EQ(pass_through_slots(one, 0, 2, false), 3 + 2);
  // Of three units the third and the first share a slot: the latter waits for the former.
  const std::vector<BroughtUnit> three(3, BroughtUnit{0, 1, 3});
  EXPECT_DOUBLE_EQ(pass_through_slots(three, 0, 2, false), 3 * 3 + 1);
}

TEST(PassThroughSlots, EndsWithWhatItBeganWhereItIsJoined) {
  // The first unit of the next pass is brought beneath what is resident, unless the end waits.
  const std::vector<BroughtUnit> units(1, BroughtUnit{0, 3, 1});
  EXPECT_DOUBLE_EQ(pass_through_slots(units, 10, 1, false), 1 + 10);
  EXPECT_DOUBLE_EQ(pass_through_slots(units, 2, 1, false), 1 + 3);
  EXPECT_DOUBLE_EQ(pass_through_slots(units, 2, 1, true), 1 + 3);
}

}  // namespace
}  // namespace offload
