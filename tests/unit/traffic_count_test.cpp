// SPDX-License-Identifier: Apache-2.0
// Which cases the driver's counters look at, and which are stood for by another. Without a GPU the
// counters say why they count nothing, which tells the cases that were asked from those that were
// not.
#include "bench/measure/traffic_count.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/platform/probe.hpp"

namespace offload {
namespace {

/// host_compute, said to be in the driver's hands.
Policy in_the_drivers_hands(std::string_view name, const Policy& host_compute) {
  Policy row = host_compute;
  row.name = name;
  row.starts = cold_and_warm;
  row.driver_handles_pages = true;
  return row;
}

class TrafficCounting : public testing::Test {
 protected:
  static Platform cpu_only() {
    Platform platform = probe_platform(0);
    platform.gpu.reset();
    return platform;
  }
  void add(const char* workload, const Policy& policy, const WeightSet& weights, Start start,
           std::size_t choice = 0) {
    const Workload* chosen = catalog_.workload(workload);
    if (choice > 0) {
      chosen = chosen_.emplace_back(chosen->with_parameter(choice)).get();
    }
    items_.push_back(std::make_unique<Case>(Case{chosen, &policy, &weights, start}));
    CaseResult result;
    result.item = items_.back().get();
    result.all_samples = true;
    results_.push_back(std::move(result));
  }
  TrafficCount count() {
    return {loop_, *catalog_.workload("stream_read"), results_,
            [this](CaseResult& result, const TrafficCount::Pass& pass) {
              asked_.push_back(result.item->name());
              try {
                pass();
              } catch (const std::exception& error) {
                result.failure = error.what();
              }
            }};
  }
  std::string reason(std::size_t index) const { return results_[index].evidence.um.reason; }

  Platform platform_ = cpu_only();
  Catalog catalog_ = make_catalog();
  Policy handled_ = in_the_drivers_hands("handled", *catalog_.policy("host_compute"));
  WeightSet small_{"small", {{"small", DType::bf16, 64, 1024}}};
  WeightSet large_{"large", {{"large", DType::bf16, 256, 1024}}};
  Calibration calibration_;
  WallTime wall_;
  Session session_{platform_, 2};
  Loop loop_{session_, calibration_, wall_};
  std::vector<std::unique_ptr<Workload>> chosen_;
  std::vector<std::unique_ptr<Case>> items_;
  std::vector<CaseResult> results_;
  std::vector<std::string> asked_;
};

using Names = std::vector<std::string>;

TEST_F(TrafficCounting, OneCaseStandsForItsKind) {
  add("stream_read", handled_, small_, Start::cold);
  add("stream_read", handled_, small_, Start::warm);
  add("stream_read", handled_, large_, Start::cold);
  add("stream_read", handled_, large_, Start::warm);
  add("gemv", handled_, large_, Start::cold);
  add("gemv", handled_, large_, Start::warm);
  count_every_kind(count());
  EXPECT_EQ(asked_, (Names{"stream_read/handled/large/cold", "stream_read/handled/large/warm",
                           "gemv/handled/large/cold"}));
  EXPECT_EQ(reason(0), "counted for stream_read/handled/large/cold");
  EXPECT_EQ(reason(1), "counted for stream_read/handled/large/warm");
  EXPECT_EQ(reason(5), "counted for stream_read/handled/large/warm");
  EXPECT_EQ(reason(2).find("counted for"), std::string::npos);
}

TEST_F(TrafficCounting, CasesOfOnePolicyFollowOneAnother) {
  const Policy other = in_the_drivers_hands("other", *catalog_.policy("host_compute"));
  for (const char* workload : {"stream_read", "pointer_chase"}) {
    add(workload, handled_, large_, Start::cold);
    add(workload, other, large_, Start::cold);
  }
  count_every_kind(count());
  EXPECT_EQ(asked_, (Names{"stream_read/handled/large/cold", "pointer_chase/handled/large/cold",
                           "stream_read/other/large/cold", "pointer_chase/other/large/cold"}));
}

TEST_F(TrafficCounting, ChunksOfEverySizeAreKindsOfTheirOwn) {
  add("row_gather", handled_, large_, Start::cold, 512);
  add("row_gather", handled_, large_, Start::cold, 4096);
  count_every_kind(count());
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(TrafficCounting, ASeriesIsCountedWhoeverStandsForItsCase) {
  add("stream_read", handled_, large_, Start::cold);
  add("stream_read", handled_, small_, Start::cold);
  results_[1].series = PassSeries{};
  count_every_kind(count());
  EXPECT_EQ(asked_, (Names{"stream_read/handled/large/cold", "stream_read/handled/small/cold"}));
  EXPECT_EQ(reason(1), "counted for stream_read/handled/large/cold");
}

TEST_F(TrafficCounting, OneReadStandsForAPolicyWhereItMustBeQuick) {
  add("stream_read", handled_, small_, Start::cold);
  add("gemv", handled_, large_, Start::cold);
  add("gemv", handled_, large_, Start::warm);
  count_every_policy(count());
  EXPECT_EQ(asked_, Names{"stream_read/handled/small/cold"});
  EXPECT_EQ(reason(1), reason(0));
  EXPECT_EQ(reason(2), "counted from cold alone: --evidence all counts all");
}

TEST_F(TrafficCounting, LeavesOthersAlone) {
  add("stream_read", *catalog_.policy("host_compute"), small_, Start::steady);
  add("stream_read", handled_, small_, Start::cold);
  results_[1].all_samples = false;
  for (const auto& counting : {count_every_kind, count_every_policy}) {
    counting(count());
    EXPECT_TRUE(asked_.empty());
    EXPECT_EQ(reason(0), "not collected");
  }
}

TEST_F(TrafficCounting, WhatOneReadShowsToBeWrongIsWrongOfAllItsPolicy) {
  add("stream_read", handled_, small_, Start::cold);
  add("gemv", handled_, large_, Start::cold);
  TrafficCount broken = count();
  broken.at_boundary = [this](CaseResult& result, const TrafficCount::Pass& pass) {
    asked_.push_back(result.item->name());
    try {
      if (asked_.size() == 1) throw std::runtime_error("not cold");
      pass();
    } catch (const std::exception& error) {
      result.failure = error.what();
    }
  };
  count_every_policy(broken);
  EXPECT_EQ(results_[0].failure, "not cold");
  EXPECT_EQ(results_[1].failure, "not cold");
}

}  // namespace
}  // namespace offload
