// SPDX-License-Identifier: Apache-2.0
// Every policy of the catalog in the measuring loop, from every start, under every workload:
// results right, rates possible, and cold really cold by what the driver's counters saw: so is
// every pass of a window.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/platform/probe.hpp"

namespace offload {
namespace {

class LoopContract : public testing::TestWithParam<std::string> {};

TEST_P(LoopContract, MeasuresEveryStartAndColdIsCold) {
  const Catalog catalog = make_catalog();
  const Platform platform = probe_platform(0);
  const Policy* const policy = catalog.policy(GetParam());
  if (const auto support = policy->support(platform); !support) GTEST_SKIP() << support.reason();

  const WeightSet plain{"w", {{"w", DType::bf16, 4096, 4096}}};  // 32 MiB: the counters keep up
  const WeightSet experts{"experts", {{"w", DType::bf16, 16 * 256, 4096, 0, 16}}, std::nullopt, 4};
  const WeightSet quantised{"quantised", {{"w", DType::u8, 4096, 8 * 1072}}};
  const Calibration calibration;
  WallTime wall;
  Session session(platform, 0);
  Loop loop(session, calibration, wall);
  std::vector<Case> cases;
  for (const auto& workload : catalog.workloads) {
    const WeightSet* weights = nullptr;  // what suits it
    for (const WeightSet* some : {&plain, &experts, &quantised}) {
      if (weights == nullptr && workload->reads(*some)) weights = some;
    }
    ASSERT_NE(weights, nullptr) << workload->name();
    for (const Start start : policy->starts) {
      if (!policy->reaches(start, *weights, {})) continue;
      if (policy->divides_tensors && workload->needs_whole_tensors()) continue;
      const bool by_cpu = policy->path(start, platform) == Path::host_memory;
      if (by_cpu ? !workload->runs_on_cpu() : !workload->runs_on_gpu()) continue;
      cases.push_back({workload.get(), policy, weights, start});
    }
  }
  for (const Case& item : cases) {
    SCOPED_TRACE(item.name());
    const PreparedCase prepared = loop.prepare(item);
    EXPECT_GT(loop.sample(), 0);
    const Footprint& taken = prepared.footprint;
    EXPECT_GE(taken.device + taken.pinned + taken.managed + taken.pageable, item.weights->bytes());
  }
  for (const Case& item : cases) {
    SCOPED_TRACE(item.name());
    // Throws when a policy that migrates moved less than a cold pass read, or a window's pass.
    const Observed<UmTraffic> traffic = loop.counted().traffic(item);
    if (!traffic.value) continue;
    if (policy->migrates_every_pass || (item.start == Start::cold && migrates(*policy, platform))) {
      EXPECT_GT(traffic.value->to_device.total(), 0U);
    } else {
      EXPECT_EQ(traffic.value->to_device.total(), 0U);
    }
  }
}

/// Layers of several shapes, experts among them, some resident: every policy must find its way
/// through them, pass after pass, launched one by one or as one graph.
TEST_P(LoopContract, WalksLayersOfWhichSomeAreResident) {
  const Catalog catalog = make_catalog();
  const Platform platform = probe_platform(0);
  const Policy* const policy = catalog.policy(GetParam());
  if (const auto support = policy->support(platform); !support) GTEST_SKIP() << support.reason();

  WeightSet weights{"layers", {}, ModelSlice{}};
  weights.slice->experts_per_token = 2;
  WeightSet with_blocks = weights;  // some of it in a type that can only be read
  for (std::size_t layer = 0; layer < 5; ++layer) {
    const bool resident = platform.gpu && layer % 3 == 1;
    weights.tensors.push_back({"qkv", DType::bf16, 1536, 1024, layer, 0, resident});
    weights.tensors.push_back({"experts", DType::bf16, 8 * 512, 1024, layer, 8, resident});
    weights.tensors.push_back(
        {"down", DType::fp16, 1000, 2048, layer, 0, platform.gpu && layer % 2 == 0});
  }
  for (const WeightTensor& tensor : weights.tensors) {
    with_blocks.tensors.push_back(tensor);
    if (tensor.dtype != DType::fp16) continue;
    with_blocks.tensors.push_back(
        {"blocks", DType::u8, 8 * 60, 2304, tensor.layer, 8, tensor.resident});
  }
  for (const std::size_t step : {1, 3}) {
    Session session(platform, 0);
    Tuning tuning;
    tuning.prefetch_step = step;
    tuning.slots = step;
    tuning.panel_bytes = std::size_t{300} << 10;  // several panels a tensor
    tuning.host_share = 0.3;
    session.set_tuning(tuning);
    const Calibration calibration;
    WallTime wall;
    for (const bool graphs : {false, true}) {
      LoopOptions options;
      options.graphs = graphs;
      Loop loop(session, calibration, wall, options);
      for (const char* name : {"decode", "gemm", "stream_read"}) {
        const Workload* const base = catalog.workload(name);
        const std::size_t tokens = std::string(name) == "gemm" ? 70 : 1;
        const auto made = base->parameter() ? base->with_parameter(tokens) : nullptr;
        SCOPED_TRACE(std::string(name) + (graphs ? " as a graph, " : ", ") + std::to_string(step) +
                     " ahead");
        for (const Start start : policy->starts) {
          if (!policy->reaches(start, weights, tuning)) continue;
          const WeightSet& walked = base->walks_model() ? with_blocks : weights;
          const Case item{made ? made.get() : base, policy, &walked, start};
          loop.prepare(item);  // throws when a result is wrong
          for (int i = 0; i < 3; ++i) EXPECT_GT(loop.sample(), 0);
          loop.prepare(item);  // still right after passes that nobody checked
        }
        loop.clear();
      }
    }
  }
}

std::vector<std::string> policy_names() {
  const std::vector<std::string_view> names = make_catalog().policy_names();
  return {names.begin(), names.end()};
}

INSTANTIATE_TEST_SUITE_P(Catalog, LoopContract, testing::ValuesIn(policy_names()),
                         [](const auto& policy) { return policy.param; });

}  // namespace
}  // namespace offload
