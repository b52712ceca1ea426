// SPDX-License-Identifier: Apache-2.0
// Every policy of the catalog in the measuring loop, from every start, under every workload:
// results right, rates possible, and cold really cold by what the driver's counters saw.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/loop.hpp"
#include "bench/platform/probe.hpp"

namespace offload {
namespace {

class LoopContract : public testing::TestWithParam<std::string> {};

TEST_P(LoopContract, MeasuresEveryStartAndColdIsCold) {
  const Catalog catalog = make_catalog();
  const Platform platform = probe_platform(0);
  const Policy* const policy = catalog.policy(GetParam());
  if (const auto support = policy->support(platform); !support) GTEST_SKIP() << support.reason();

  const WeightSet weights{"w", {{"w", DType::bf16, 4096, 4096}}};  // 32 MiB: the counters keep up
  const Calibration calibration;
  WallTime wall;
  Session session(platform, 0);
  Loop loop(session, calibration, 1, wall);
  std::vector<Case> cases;
  for (const auto& workload : catalog.workloads) {
    for (const Start start : policy->starts()) {
      cases.push_back({workload.get(), policy, &weights, start});
    }
  }
  for (const Case& item : cases) {
    SCOPED_TRACE(item.name());
    const CaseRecord record = loop.prepare(item);
    EXPECT_GT(loop.sample(), 0);
    const Footprint& taken = record.footprint;
    EXPECT_GE(taken.device + taken.pinned + taken.managed + taken.pageable, weights.bytes());
  }
  for (const Case& item : cases) {
    if (item.start != Start::cold) continue;
    SCOPED_TRACE(item.name());
    // Throws when a policy that migrates moved less than the pass read.
    const Evidence evidence = loop.evidence(item);
    if (!evidence.um) continue;
    if (migrates(*policy, platform)) {
      EXPECT_GT(evidence.um->bytes_to_device, 0U);
    } else {
      EXPECT_EQ(evidence.um->bytes_to_device, 0U);
    }
  }
}

std::vector<std::string> policy_names() {
  std::vector<std::string> names;
  for (const auto& policy : make_catalog().policies) names.emplace_back(policy->name());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Catalog, LoopContract, testing::ValuesIn(policy_names()),
                         [](const auto& policy) { return policy.param; });

}  // namespace
}  // namespace offload
