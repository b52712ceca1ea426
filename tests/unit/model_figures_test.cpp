// SPDX-License-Identifier: Apache-2.0
// From slices to whole models, by hand: matrices of 1 MB, an HBM of 1 GB/s, a link of 100 MB/s.
#include "bench/measure/case_result.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

constexpr std::size_t mb = 1'000'000;

/// `offloaded` and `resident` layers of one matrix each, out of a model that has more of them.
WeightSet slice_of(std::size_t offloaded, std::size_t resident, const ModelSlice& slice) {
  WeightSet weights{"model", {}};
  for (std::size_t i = 0; i < offloaded + resident; ++i) {
    weights.tensors.push_back({"w", DType::u8, 1000, 1000, i, 0, i >= offloaded});
  }
  weights.slice = slice;
  return weights;
}

/// Of a model of 8 MB offloaded and 6 MB resident.
WeightSet partly_resident(std::size_t offloaded, std::size_t resident) {
  return slice_of(offloaded, resident,
                  {.model = "model",
                   .layers = 14,
                   .layers_measured = offloaded + resident,
                   .offloaded_bytes = 8 * mb,
                   .resident_bytes = 6 * mb});
}

CaseRecord passed_case(const WeightSet& weights, Path path, double seconds) {
  CaseRecord record;
  record.workload = "decode";
  record.start = "steady";
  record.weights = weights;
  record.tokens = 2;
  record.path = path;
  record.bytes = {weights.bytes(), weights.bytes()};
  record.samples = {seconds};
  record.summary = summarize(record.samples);
  for (const WeightTensor& tensor : weights.tensors) {
    (tensor.resident || path == Path::device_memory ? record.footprint.device
                                                    : record.footprint.pinned) += tensor.bytes();
    if (!tensor.resident && path == Path::link) *record.link_bytes += tensor.bytes();
  }
  return record;
}

Calibration calibrated() {
  Calibration calibration;
  calibration.copy_h2d = 100e6;
  calibration.device_read = 1e9;
  return calibration;
}

const Calibration calibration = calibrated();
const Platform no_gpu;

std::vector<CaseRecord> with_figures(std::vector<CaseRecord> cases) {
  return with_model_figures(std::move(cases), {calibration, no_gpu});
}

ModelFigures figures(std::vector<CaseRecord> cases, std::size_t of = 0) {
  cases = with_figures(std::move(cases));
  return cases.at(of).model.value();
}

TEST(ModelFigures, ScaleWhatIsOffloaded) {
  // 2 of 10 MB in 30 ms: 150 ms a pass of 2 tokens.
  const WeightSet weights = slice_of(2, 0,
                                     {.model = "model",
                                      .layers = 10,
                                      .layers_measured = 2,
                                      .offloaded_bytes = 10 * mb,
                                      .other_bytes = mb});
  CaseRecord record = passed_case(weights, Path::link, 0.030);
  record.footprint.device = mb / 2;
  const ModelFigures result = figures({record});
  EXPECT_DOUBLE_EQ(result.scale, 5);
  EXPECT_DOUBLE_EQ(result.seconds, 0.150);
  EXPECT_DOUBLE_EQ(result.tokens_per_second.value(), 2 / 0.150);
  // 10 MB at 100 MB/s.
  EXPECT_DOUBLE_EQ(result.bound.value().seconds, 0.1);
  EXPECT_DOUBLE_EQ(result.bound->tokens_per_second.value(), 2 / 0.1);
  EXPECT_DOUBLE_EQ(*result.link_bytes_per_token, 5e6);
  EXPECT_FALSE(result.overlap);  // nothing says how long computing alone takes
  EXPECT_EQ(result.memory.pinned, 10 * mb);
  // Slots do not grow with the model; embedding and head are there beside them.
  EXPECT_EQ(result.memory.device, mb / 2 + mb);
}

TEST(ModelFigures, RoundPinnedTensorsUpToPowersOfTwo) {
  const WeightSet weights = slice_of(
      2, 0, {.model = "model", .layers = 10, .layers_measured = 2, .offloaded_bytes = 10 * mb});
  // 1,000,000 bytes become 2^20, in each of ten layers.
  EXPECT_EQ(figures({passed_case(weights, Path::link, 0.03)}).pinned_by_powers_of_two,
            10U * 1048576U);
  CaseRecord pageable = passed_case(weights, Path::host_memory, 0.03);
  pageable.footprint = {.pageable = 2 * mb};
  EXPECT_EQ(figures({pageable}).pinned_by_powers_of_two, 0U);
}

TEST(ModelFigures, AddResidentWeightsThatTheSliceLacks) {
  // 4 of 8 MB offloaded and 1 of 6 MB resident are measured. Scaled by 2 that is 2 of the 6: the
  // other 4 take 4 ms at 1 GB/s.
  const WeightSet weights = partly_resident(4, 1);
  const CaseRecord record = passed_case(weights, Path::link, 0.050);
  EXPECT_DOUBLE_EQ(figures({record}).seconds, 0.104);
  // A resident pass of the same slice took 10 ms for 5 MB: 8 ms for the other 4.
  const CaseRecord twin = passed_case(weights, Path::device_memory, 0.010);
  EXPECT_DOUBLE_EQ(figures({record, twin}).seconds, 0.108);
  // All of the 14 MB at that rate.
  EXPECT_DOUBLE_EQ(figures({record, twin}, 1).seconds, 0.028);
  EXPECT_EQ(figures({record, twin}).memory.device, 6 * mb);
  EXPECT_EQ(figures({record, twin}, 1).memory.device, 14 * mb);
}

TEST(ModelFigures, OfAPrefillNeedTheTimeOnResidentWeights) {
  const WeightSet weights = partly_resident(4, 0);
  std::vector<CaseRecord> cases{passed_case(weights, Path::link, 0.050)};
  cases[0].workload = "prefill";
  cases = with_figures(std::move(cases));
  EXPECT_FALSE(cases[0].model);
  // 20 ms for 4 MB computed where they lie: 30 ms for the 6 MB that only the model has.
  cases.push_back(passed_case(weights, Path::device_memory, 0.020));
  cases[1].workload = "prefill";
  EXPECT_DOUBLE_EQ(figures(cases).seconds, 0.130);
  // All of it offloaded, nothing else need be known.
  cases.resize(1);
  cases[0].weights.slice->resident_bytes = 0;
  EXPECT_DOUBLE_EQ(figures(cases).seconds, 0.100);
}

TEST(ModelFigures, ReadOnlyTheExpertsThatAPassChooses) {
  const WeightSet weights = partly_resident(4, 1);
  CaseRecord record = passed_case(weights, Path::link, 0.050);
  record.bytes.requested /= 4;  // so 1 of the 4 MB that the slice lacks is read
  EXPECT_DOUBLE_EQ(figures({record}).seconds, 0.101);
}

TEST(ModelFigures, ScaleResidentWeightsWhenNoneIsOffloaded) {
  const WeightSet weights = slice_of(0, 2,
                                     {.model = "model",
                                      .layers = 6,
                                      .layers_measured = 2,
                                      .resident_bytes = 6 * mb,
                                      .other_bytes = mb});
  const ModelFigures result = figures({passed_case(weights, Path::device_memory, 0.002)});
  EXPECT_DOUBLE_EQ(result.scale, 3);
  EXPECT_DOUBLE_EQ(result.seconds, 0.006);
  EXPECT_EQ(result.memory.device, 7 * mb);
}

TEST(ModelFigures, OverlapIsWhatOfTheTransferIsHidden) {
  // 2 MB cross the link in 20 ms; computing takes 10 ms.
  const WeightSet weights = slice_of(
      2, 0, {.model = "model", .layers = 2, .layers_measured = 2, .offloaded_bytes = 2 * mb});
  const CaseRecord twin = passed_case(weights, Path::device_memory, 0.010);
  const auto overlap = [&](double seconds) {
    return figures({passed_case(weights, Path::link, seconds), twin}).overlap.value();
  };
  EXPECT_NEAR(overlap(0.030), 0.0, 1e-12);   // one after the other
  EXPECT_NEAR(overlap(0.020), 0.5, 1e-12);   // all of the computing hides in the transfer
  EXPECT_NEAR(overlap(0.010), 1.0, 1e-12);   // the transfer costs nothing
  EXPECT_NEAR(overlap(0.070), -2.0, 1e-12);  // as bytes that cross three times
}

TEST(ModelFigures, TakeTheTwinOfTheSameTokensAndWeights) {
  const WeightSet weights = slice_of(
      2, 0, {.model = "model", .layers = 2, .layers_measured = 2, .offloaded_bytes = 2 * mb});
  const CaseRecord record = passed_case(weights, Path::link, 0.020);
  CaseRecord twin = passed_case(weights, Path::device_memory, 0.010);
  EXPECT_TRUE(figures({record, twin}).overlap);
  twin.tokens = 32;
  EXPECT_FALSE(figures({record, twin}).overlap);
  twin.tokens = record.tokens;
  twin.migrates = true;  // warm after a migration: it may have left something behind
  EXPECT_FALSE(figures({record, twin}).overlap);
}

TEST(ModelFigures, CountMigratedWeightsOnTheGpu) {
  const WeightSet weights = slice_of(
      2, 0, {.model = "model", .layers = 4, .layers_measured = 2, .offloaded_bytes = 4 * mb});
  CaseRecord record = passed_case(weights, Path::link, 0.020);
  record.migrates = true;
  record.footprint = {.managed = 2 * mb};
  const ModelFigures result = figures({record});
  EXPECT_EQ(result.memory.managed, 4 * mb);
  EXPECT_EQ(result.memory.device, 4 * mb);
}

TEST(ModelFigures, HaveTokensOnlyOfStatesThatLast) {
  const WeightSet weights = slice_of(
      2, 0, {.model = "model", .layers = 4, .layers_measured = 2, .offloaded_bytes = 4 * mb});
  CaseRecord record = passed_case(weights, Path::link, 0.020);
  EXPECT_TRUE(figures({record}).tokens_per_second);
  record.start = "cold";
  EXPECT_FALSE(figures({record}).tokens_per_second);
  EXPECT_DOUBLE_EQ(figures({record}).seconds, 0.040);
  record.start = "warm";  // mapped: read over the link in every pass
  EXPECT_TRUE(figures({record}).tokens_per_second);
  record = passed_case(weights, Path::device_memory, 0.020);
  record.start = "warm";
  record.migrates = true;
  EXPECT_FALSE(figures({record}).tokens_per_second);
}

TEST(ModelFigures, AreOfPassedModelPassesOnly) {
  const WeightSet weights =
      slice_of(1, 0, {.model = "model", .layers = 1, .layers_measured = 1, .offloaded_bytes = mb});
  const CaseRecord good = passed_case(weights, Path::link, 0.020);
  CaseRecord failed = good;
  failed.failure = "wrong result";
  CaseRecord unmeasured = good;
  unmeasured.summary.reset();
  CaseRecord matrix = good;
  matrix.weights.slice.reset();
  std::vector<CaseRecord> cases{good, failed, unmeasured, matrix};
  cases = with_figures(std::move(cases));
  EXPECT_TRUE(cases[0].model);
  for (std::size_t i = 1; i < cases.size(); ++i) EXPECT_FALSE(cases[i].model) << i;
}

}  // namespace
}  // namespace offload
