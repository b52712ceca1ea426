// SPDX-License-Identifier: Apache-2.0
// What policies promise on paper, over the whole catalog, on machines of every kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "bench/catalog.hpp"
#include "bench/policies/packed.hpp"

namespace offload {
namespace {

Platform without_gpu() {
  Platform platform;
  platform.gpu_absent_reason = "no NVIDIA driver is loaded";
  return platform;
}

Platform pcie() {
  Platform platform;
  auto& model = platform.gpu.emplace().memory_model;
  model.managed = true;
  model.concurrent_managed_access = true;
  model.host_register = true;
  model.host_numa_vmm = true;
  model.host_numa_id = 0;
  return platform;
}

Platform pcie_with_hmm() {
  Platform platform = pcie();
  platform.gpu->memory_model.pageable_memory_access = true;
  return platform;
}

Platform grace_hopper() {
  Platform platform = pcie_with_hmm();
  platform.gpu->memory_model.pageable_memory_access_uses_host_page_tables = true;
  platform.gpu->memory_model.direct_managed_access_from_host = true;
  platform.gpu->memory_model.host_native_atomics = true;
  return platform;
}

using Names = std::set<std::string, std::less<>>;

/// The policies of the catalog for which `holds` does.
template <typename Predicate>
Names policies_where(Predicate&& holds) {
  Names names;
  for (const auto& policy : make_catalog().policies) {
    if (holds(*policy)) names.emplace(policy->name());
  }
  return names;
}

Names unsupported(const Platform& platform) {
  return policies_where([&](const Policy& policy) { return !policy.support(platform); });
}

Names migrating(const Platform& platform) {
  return policies_where([&](const Policy& policy) { return migrates(policy, platform); });
}

std::string reason(std::string_view policy, const Platform& platform) {
  return make_catalog().policy(policy)->support(platform).reason();
}

const Names system_policies{"system_demand", "system_prefetch", "system_accessed_by"};

TEST(Policies, NamesAreUniqueAndNoneIsAPrefixOfAnother) {
  const auto catalog = make_catalog();
  EXPECT_EQ(catalog.policies.size(), 22U);
  for (const auto& one : catalog.policies) {
    for (const auto& other : catalog.policies) {
      if (one != other) {
        EXPECT_FALSE(other->name().starts_with(one->name()))
            << one->name() << " begins " << other->name();
      }
    }
  }
}

TEST(Policies, AreFoundByName) {
  const auto catalog = make_catalog();
  for (const auto& policy : catalog.policies) {
    EXPECT_EQ(catalog.policy(policy->name()), policy.get());
  }
  EXPECT_EQ(catalog.policy("managed"), nullptr);
  EXPECT_EQ(catalog.workload("stream"), nullptr);
  EXPECT_NE(catalog.workload("stream_read"), nullptr);
}

TEST(Policies, SayWhatTheyAreInOneLine) {
  for (const auto& policy : make_catalog().policies) {
    EXPECT_FALSE(policy->memory().empty()) << policy->name();
    EXPECT_FALSE(policy->mechanism().empty()) << policy->name();
    for (const auto text : {policy->memory(), policy->mechanism(), policy->engine_flags()}) {
      EXPECT_EQ(text.find('\n'), std::string_view::npos) << policy->name();
    }
  }
}

TEST(Policies, WithoutAGpuOnlyTheCpuComputes) {
  const auto platform = without_gpu();
  for (const auto& policy : make_catalog().policies) {
    const auto support = policy->support(platform);
    if (policy->name() == "host_compute") {
      EXPECT_TRUE(support);
    } else {
      EXPECT_EQ(support.reason(), "no GPU: no NVIDIA driver is loaded") << policy->name();
    }
  }
}

TEST(Policies, SystemMemoryNeedsHmmOrAts) {
  EXPECT_EQ(unsupported(pcie()), system_policies);
  EXPECT_EQ(reason("system_demand", pcie()),
            "needs pageable memory access (HMM or ATS): this GPU and driver do not offer it");
  EXPECT_EQ(unsupported(pcie_with_hmm()), Names{});
  EXPECT_EQ(unsupported(grace_hopper()), Names{});
}

TEST(Policies, EachNeedsItsOwnFeatureAndNoOther) {
  const Names managed =
      policies_where([](const Policy& policy) { return policy.name().starts_with("managed_"); });
  EXPECT_EQ(managed.size(), 8U);

  auto platform = grace_hopper();
  platform.gpu->memory_model.managed = false;
  EXPECT_EQ(unsupported(platform), managed);

  platform = grace_hopper();
  platform.gpu->memory_model.concurrent_managed_access = false;
  EXPECT_EQ(unsupported(platform), managed);
  EXPECT_NE(reason("managed_demand", platform).find("concurrent managed access"),
            std::string::npos);

  platform = grace_hopper();
  platform.gpu->memory_model.host_register = false;
  EXPECT_EQ(unsupported(platform), Names{"registered_zero_copy"});

  platform = grace_hopper();
  platform.gpu->memory_model.host_numa_vmm = false;
  EXPECT_EQ(unsupported(platform), Names{"hostvmm_zero_copy"});

  platform = grace_hopper();
  platform.gpu->memory_model.host_numa_id.reset();  // a machine without NUMA
  EXPECT_EQ(unsupported(platform), Names{});
}

TEST(Policies, StartColdAndWarmWhereAPassCanChangeSomething) {
  const Names cold_and_warm = policies_where([](const Policy& policy) {
    const auto starts = policy.starts();
    return std::vector(starts.begin(), starts.end()) == std::vector{Start::cold, Start::warm};
  });
  const Names steady = policies_where([](const Policy& policy) {
    return policy.starts().size() == 1 && policy.starts().front() == Start::steady;
  });
  EXPECT_EQ(steady, (Names{"device_resident", "pinned_zero_copy", "writecombined_zero_copy",
                           "registered_zero_copy", "hostvmm_zero_copy", "pinned_copy",
                           "pageable_copy", "pinned_prefetch_copy", "pinned_ring_copy",
                           "managed_accessed_by", "host_compute", "hybrid_split"}));
  EXPECT_EQ(steady.size() + cold_and_warm.size(), make_catalog().policies.size());
}

TEST(Policies, CrossWhatTheirMechanismCrosses) {
  for (const auto& platform : {pcie(), pcie_with_hmm(), grace_hopper()}) {
    for (const auto& policy : make_catalog().policies) {
      const Path expected = policy->name() == "device_resident" ? Path::device_memory
                            : policy->name() == "host_compute"  ? Path::host_memory
                                                                : Path::link;
      EXPECT_EQ(policy->path(policy->starts().front(), platform), expected) << policy->name();
    }
  }
}

TEST(Policies, MigrateWhereTheMachineMovesPages) {
  const Names managed{"managed_demand",
                      "managed_prefetch_each",
                      "managed_prefetch_ahead",
                      "managed_readmostly_demand",
                      "managed_readmostly_prefetch",
                      "managed_prefer_device"};
  EXPECT_EQ(migrating(pcie()).count("managed_prefer_host"), 0U);

  auto with_hmm = managed;
  with_hmm.insert({"system_demand", "system_prefetch"});
  EXPECT_EQ(migrating(pcie_with_hmm()), with_hmm);

  // Read in place through the host's page tables, unless asked to move or counted as hot.
  auto with_ats = managed;
  with_ats.insert({"system_prefetch", "system_accessed_by"});
  EXPECT_EQ(migrating(grace_hopper()), with_ats);
}

TEST(Policies, AskForTheMemoryOfTheWeightsAndOneSlot) {
  const WeightSet weights{"two", {{"a", DType::bf16, 1003, 1001}, {"b", DType::u8, 4096, 4096}}};
  const std::size_t bytes = 1003 * 1001 * 2 + 4096 * 4096;
  Tuning tuning;
  tuning.prefetch_step = 2;
  tuning.slots = 5;
  tuning.panel_bytes = std::size_t{1} << 20;
  const std::size_t layer = Packed(weights.tensors).bytes();
  for (const auto& policy : make_catalog().policies) {
    const auto needed = policy->requirement(weights, tuning);
    const std::string name(policy->name());
    const std::size_t home =
        name == "device_resident"      ? needed.device
        : name.starts_with("managed_") ? needed.managed
        : name.ends_with("_zero_copy") || name.starts_with("pinned_") || name == "hybrid_split"
            ? needed.pinned
            : needed.pageable;
    EXPECT_GE(home, bytes) << name;
    const std::map<std::string, std::size_t> slots{
        {"pinned_copy", 4096 * 4096},         // the larger tensor
        {"pageable_copy", 4096 * 4096},       //
        {"pinned_prefetch_copy", 2 * layer},  // both tensors are one layer: two slots of it
        {"pinned_ring_copy", 5 * (1 << 20)},  // as told
        {"hybrid_split", 5 * (1 << 20)}};
    const auto slot = slots.find(name);
    EXPECT_EQ(needed.device + needed.pinned + needed.managed + needed.pageable - home,
              slot == slots.end() ? 0U : slot->second)
        << name;
  }
}

TEST(Policies, OnlyRingsDivideTensorsAndOnlyTheCpusPartEscapesAGraph) {
  EXPECT_EQ(policies_where([](const Policy& policy) { return policy.divides_tensors(); }),
            (Names{"pinned_ring_copy", "hybrid_split"}));
  const Names not_captured =
      policies_where([](const Policy& policy) { return !policy.capturable(); });
  EXPECT_EQ(not_captured.count("host_compute"), 1U);
  EXPECT_EQ(not_captured.count("hybrid_split"), 1U);
  EXPECT_EQ(not_captured.count("pinned_prefetch_copy"), 0U);
  EXPECT_EQ(not_captured.count("pinned_ring_copy"), 0U);
  EXPECT_EQ(not_captured.count("device_resident"), 0U);
}

TEST(Packed, LaysTensorsApartAndAligned) {
  const std::vector<WeightTensor> tensors{
      {"a", DType::u8, 1, 1}, {"b", DType::bf16, 3, 129}, {"c", DType::fp32, 2, 64}};
  const Packed packed(tensors);
  EXPECT_EQ(packed.offset(0), 0U);
  EXPECT_EQ(packed.offset(1), 256U);
  EXPECT_EQ(packed.offset(2), 256U + 1024U);  // 774 bytes, rounded up to 256
  EXPECT_EQ(packed.bytes(), 256U + 1024U + 512U);
  EXPECT_EQ(packed.offset(Piece{1, 2, 1}), 256U + 2U * 258U);
}

}  // namespace
}  // namespace offload
