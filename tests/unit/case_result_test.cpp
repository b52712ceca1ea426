// SPDX-License-Identifier: Apache-2.0
// The one place that makes records, from what measuring a case gave.
#include "bench/measure/case_result.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/engine_flags.hpp"

namespace offload {
namespace {

class RecordOfACase : public testing::Test {
 protected:
  CaseResult result(const Case& item) const {
    CaseResult result;
    result.item = &item;
    result.prepared.bytes = {1000, 1024};
    result.prepared.link_bytes = 1000;
    result.prepared.footprint.pinned = 2000;
    result.prepared.passes_per_sample = 4;
    result.samples = {1e-6, 2e-6, 3e-6};
    result.all_samples = true;
    return result;
  }
  RecordContext context() const { return {platform_, calibration_, rules_, tuning_}; }

  Platform platform_;
  Calibration calibration_;
  OffloadRules rules_;
  Tuning tuning_;
  Catalog catalog_ = make_catalog();
  WeightSet weights_{"w", {{"w", DType::bf16, 10, 50}}};
  Case copied_{catalog_.workload("gemv"), catalog_.policy("pinned_copy"), &weights_, Start::steady};
};

TEST_F(RecordOfACase, HasWhatTheCaseIsAndWhatItGave) {
  calibration_.copy_h2d = 1e9;
  const CaseRecord record = make_record(result(copied_), context());
  EXPECT_EQ(record.name, "gemv/pinned_copy/w/steady");
  EXPECT_EQ(record.label, "gemv");
  EXPECT_EQ(record.start, "steady");
  EXPECT_EQ(record.path, Path::link);
  EXPECT_EQ(record.footprint.pinned, 2000U);
  EXPECT_EQ(record.passes_per_sample, 4U);
  ASSERT_TRUE(record.summary);
  EXPECT_DOUBLE_EQ(record.summary->median, 2e-6);
  ASSERT_TRUE(record.share_of_link);
  EXPECT_DOUBLE_EQ(*record.share_of_link, 0.5);  // 1000 bytes in 2 us, of 1 GB/s
  EXPECT_DOUBLE_EQ(record.rate(), 0.5e9);
  EXPECT_TRUE(record.complete);
  EXPECT_EQ(record.failure, "");
}

class WarmCase : public RecordOfACase {
 protected:
  WarmCase() {
    MemoryModel& model = platform_.gpu.emplace().memory_model;
    model.managed = model.concurrent_managed_access = true;
  }
  CaseResult migrated() const {
    CaseResult found = result(managed_);
    found.prepared.bytes = {100 * mib, 100 * mib};
    return found;
  }
  std::optional<Unsettled> unsettled(const CaseResult& found) const {
    return make_record(found, context()).unsettled;
  }
  static Observed<UmTraffic> moved(std::size_t bytes) {
    UmTraffic traffic;
    traffic.to_device.fault = bytes;
    traffic.bytes_read = 16 * mib;
    return Observed<UmTraffic>::measured(traffic);
  }

  static constexpr std::size_t mib = std::size_t{1} << 20;
  Case managed_{catalog_.workload("gemv"), catalog_.policy("managed_demand"), &weights_,
                Start::warm};
};

TEST_F(WarmCase, ThatMovesWhatItReadsHasNotSettled) {
  CaseResult found = migrated();
  EXPECT_FALSE(unsettled(found));
  found.evidence.um = moved(0);
  EXPECT_FALSE(unsettled(found));
  found.evidence.um = moved(4 * mib);
  ASSERT_TRUE(unsettled(found));
  EXPECT_DOUBLE_EQ(*unsettled(found)->moved_per_read, 0.25);
  EXPECT_FALSE(make_record(found, context()).lasts());
  found.failure = "row 3 is missing";  // which is all there is to say of it
  EXPECT_FALSE(unsettled(found));
  found.failure.clear();
  managed_.start = Start::cold;  // what it is there for
  EXPECT_FALSE(unsettled(found));
}

TEST_F(WarmCase, IsToldByTheLinkOnlyWhereNothingElseCrossesIt) {
  CaseResult found = migrated();
  found.evidence.link = Observed<LinkTraffic>::measured({10.0 * mib, 0, std::nullopt});
  ASSERT_TRUE(unsettled(found));
  EXPECT_DOUBLE_EQ(*unsettled(found)->moved_per_read, 0.1);
  found.evidence.um = moved(0);  // who counts what moves knows better
  EXPECT_FALSE(unsettled(found));
  found.evidence.um = {};
  found.prepared.bytes = {mib / 2, mib / 2};  // of the size of what is exchanged anyway
  EXPECT_FALSE(unsettled(found));
  found.prepared.bytes = {100 * mib, 100 * mib};
  managed_.policy = catalog_.policy("managed_prefer_host");  // reads over the link
  EXPECT_FALSE(unsettled(found));
}

TEST_F(WarmCase, WhosePagesComeToTheGpuOverTheSamplesHasNotSettled) {
  CaseResult found = migrated();
  found.evidence.residency = Observed<Residency>::measured({1000, 450, {}, {{0, 550}}, ""});
  EXPECT_FALSE(unsettled(found)) << "where they were before is not known";
  found.evidence.residency.value->not_on_cpu_before = 420;
  EXPECT_FALSE(unsettled(found));
  found.evidence.residency.value->not_on_cpu_before = 100;
  const auto told = unsettled(found);
  ASSERT_TRUE(told);
  EXPECT_DOUBLE_EQ(*told->on_gpu_before, 0.1);
  EXPECT_DOUBLE_EQ(*told->on_gpu_after, 0.45);
  EXPECT_EQ(told->moved_per_read, std::nullopt);
}

TEST_F(RecordOfACase, OfPagesThatMayMoveTakesItsPathFromWhereTheyWere) {
  MemoryModel& model = platform_.gpu.emplace().memory_model;
  model.pageable_memory_access = model.pageable_memory_access_uses_host_page_tables = true;
  const Case read{catalog_.workload("gemv"), catalog_.policy("system_demand"), &weights_,
                  Start::warm};
  const auto with_moved = [&](std::size_t pages) {
    CaseResult found = result(read);
    found.evidence.residency =
        Observed<Residency>::measured({100, pages, {}, {{0, 100 - pages}}, ""});
    return make_record(found, context());
  };
  model.gpu_is_numa_node = true;
  EXPECT_EQ(with_moved(90).path, Path::device_memory);
  EXPECT_TRUE(with_moved(90).migrates);
  EXPECT_EQ(with_moved(90).link_bytes, std::nullopt);
  EXPECT_EQ(with_moved(10).path, Path::link);
  EXPECT_FALSE(with_moved(10).migrates);
  EXPECT_EQ(with_moved(10).link_bytes, 1000U);
  model.gpu_is_numa_node = false;  // CDMM: not found on the GPU for want of a page, perhaps
  EXPECT_EQ(with_moved(90).path, Path::link);
}

TEST_F(RecordOfACase, HasNoShareOfALinkThatWasNotMeasuredOrIsNotARate) {
  EXPECT_FALSE(make_record(result(copied_), context()).share_of_link);
  calibration_.copy_h2d = 1e9;
  CaseResult steps = result(copied_);
  steps.prepared.steps = 10;
  EXPECT_FALSE(make_record(steps, context()).share_of_link);
  const Case resident{copied_.workload, catalog_.policy("device_resident"), &weights_,
                      Start::steady};
  EXPECT_FALSE(make_record(result(resident), context()).share_of_link);
}

TEST_F(RecordOfACase, IsCompleteOnceEverySampleWasTakenAndNothingFailed) {
  CaseResult early = result(copied_);
  early.all_samples = false;
  const CaseRecord interrupted = make_record(early, context());
  EXPECT_FALSE(interrupted.complete);
  EXPECT_TRUE(interrupted.summary);  // of the samples there are

  CaseResult late = result(copied_);
  late.failure = "wrong result";
  EXPECT_FALSE(make_record(late, context()).complete);

  CaseResult never;
  never.item = &copied_;
  never.failure = "out of memory";
  const CaseRecord failed = make_record(never, context());
  EXPECT_EQ(failed.name, "gemv/pinned_copy/w/steady");
  EXPECT_FALSE(failed.summary);
  EXPECT_FALSE(failed.complete);
}

TEST_F(RecordOfACase, SaysInEngineFlagsOfAModelWhatTheRulesSay) {
  const CaseRecord matrix = make_record(result(copied_), context());
  weights_.slice.emplace();
  rules_.cpu_offload_gb = 30;
  const CaseRecord model = make_record(result(copied_), context());
  EXPECT_EQ(model.engine_flags, engine_flags(matrix.engine_flags, rules_, *weights_.slice));
}

}  // namespace
}  // namespace offload
