// SPDX-License-Identifier: Apache-2.0
// What policies promise on paper, over the whole catalog, on machines of every kind. What holds of
// all is asserted of all; what is known of one, of the row found by its name.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/policies/parts/packed.hpp"
#include "offload/cuda/host_buffers.hpp"

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
  model.host_register_read_only = true;
  model.host_numa_vmm = true;
  model.host_numa_id = 0;
  model.batched_copies = true;
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

std::vector<Platform> gpu_machines() { return {pcie(), pcie_with_hmm(), grace_hopper()}; }

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool needs(const Policy& policy, bool MemoryModel::*feature) {
  return std::any_of(policy.needs.begin(), policy.needs.end(),
                     [feature](const Need& need) { return need.feature == feature; });
}

bool has_starts(const Policy& policy, std::span<const Start> starts) {
  return std::equal(policy.starts.begin(), policy.starts.end(), starts.begin(), starts.end());
}

/// Policies of which something particular is known.
const Policy& known(std::string_view name) {
  static const Catalog catalog = make_catalog();
  const Policy* const found = catalog.policy(name);
  if (found == nullptr) throw std::logic_error("no such policy: " + std::string(name));
  return *found;
}

using Names = std::vector<std::string_view>;

const WeightSet two_weights{"two", {{"a", DType::bf16, 1003, 1001}, {"b", DType::u8, 4096, 4096}}};

TEST(Policies, NamesAreUniqueAndNoneIsAPrefixOfAnother) {
  const auto catalog = make_catalog();
  EXPECT_FALSE(catalog.policies.empty());
  for (const Policy* one : catalog.policies) {
    EXPECT_FALSE(one->name.empty());
    EXPECT_EQ(one->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << one->name;
    for (const Policy* other : catalog.policies) {
      if (one != other) {
        EXPECT_FALSE(other->name.starts_with(one->name)) << one->name << " begins " << other->name;
      }
    }
  }
}

TEST(Policies, AreFoundByName) {
  const auto catalog = make_catalog();
  for (const Policy* policy : catalog.policies) {
    EXPECT_EQ(catalog.policy(policy->name), policy);
    EXPECT_EQ(catalog.policy(policy->name.substr(1)), nullptr);
    EXPECT_EQ(catalog.policy(policy->name.substr(0, policy->name.size() - 1)), nullptr);
  }
  for (const auto& workload : catalog.workloads) {
    EXPECT_EQ(catalog.workload(workload->name()), workload.get());
  }
  EXPECT_EQ(catalog.workload("stream"), nullptr);
}

TEST(Policies, AreListedByFamilyAndByNameTheResidentOnesFirst) {
  const auto catalog = make_catalog();
  EXPECT_EQ(catalog.policies.front()->family, Family::resident);
  for (std::size_t i = 1; i < catalog.policies.size(); ++i) {
    const Policy& before = *catalog.policies[i - 1];
    const Policy& after = *catalog.policies[i];
    EXPECT_LE(before.family, after.family) << after.name;
    if (before.family == after.family) {
      EXPECT_LT(before.name, after.name);
    }
  }
  EXPECT_TRUE(std::is_sorted(catalog.workloads.begin(), catalog.workloads.end(),
                             [](const auto& a, const auto& b) { return a->name() < b->name(); }));
}

TEST(Policies, SayWhatTheyAreInOneLine) {
  for (const Policy* policy : make_catalog().policies) {
    EXPECT_FALSE(policy->memory.empty()) << policy->name;
    EXPECT_FALSE(policy->mechanism.empty()) << policy->name;
    EXPECT_LT(static_cast<std::size_t>(policy->family), family_names.size()) << policy->name;
    for (const auto text : {policy->memory, policy->mechanism, policy->engine_flags,
                            policy->not_capturable_because}) {
      EXPECT_EQ(text.find('\n'), std::string_view::npos) << policy->name;
    }
    for (const Need& need : policy->needs) EXPECT_FALSE(need.words.empty()) << policy->name;
    EXPECT_NE(policy->requirement, nullptr) << policy->name;
    EXPECT_NE(policy->place, nullptr) << policy->name;
  }
}

TEST(Policies, WithoutAGpuOnlyTheCpuComputes) {
  const auto platform = without_gpu();
  for (const Policy* policy : make_catalog().policies) {
    const auto support = policy->support(platform);
    if (policy->path(policy->starts.front(), platform) == Path::host_memory) {
      EXPECT_TRUE(support) << policy->name;
    } else {
      EXPECT_EQ(support.reason(), "no GPU: no NVIDIA driver is loaded") << policy->name;
    }
  }
  EXPECT_TRUE(known("host_compute").support(platform));
}

TEST(Policies, NeedWhatTheirMemoryTakes) {
  for (const Policy* policy : make_catalog().policies) {
    SCOPED_TRACE(policy->name);
    if (contains(policy->memory, "cudaMallocManaged")) {
      EXPECT_TRUE(needs(*policy, &MemoryModel::managed));
      EXPECT_TRUE(needs(*policy, &MemoryModel::concurrent_managed_access));
    }
    if (contains(policy->memory, "cudaHostRegister")) {
      EXPECT_TRUE(needs(*policy, &MemoryModel::host_register));
    }
    if (contains(policy->memory, "file") && contains(policy->memory, "cudaHostRegister")) {
      EXPECT_TRUE(needs(*policy, &MemoryModel::host_register_read_only));
    }
    if (contains(policy->mechanism, "cudaMemcpyBatchAsync")) {
      EXPECT_TRUE(needs(*policy, &MemoryModel::batched_copies));
    }
    if (contains(policy->memory, "host NUMA node")) {
      EXPECT_TRUE(needs(*policy, &MemoryModel::host_numa_vmm));
    }
    if (policy->family == Family::system) {
      EXPECT_TRUE(needs(*policy, &MemoryModel::pageable_memory_access));
    }
    if (policy->family == Family::managed || policy->family == Family::system) {
      EXPECT_TRUE(policy->driver_handles_pages);
    }
  }
}

TEST(Policies, AreUnsupportedWithoutWhatTheyNeedAndOnlyThen) {
  const std::vector<bool MemoryModel::*> features{&MemoryModel::managed,
                                                  &MemoryModel::concurrent_managed_access,
                                                  &MemoryModel::host_register,
                                                  &MemoryModel::host_register_read_only,
                                                  &MemoryModel::host_numa_vmm,
                                                  &MemoryModel::batched_copies,
                                                  &MemoryModel::pageable_memory_access};
  const auto beside_another = [](Platform platform) {
    platform.peers = {{1, true}};
    return platform;
  };
  for (const Policy* policy : make_catalog().policies) {
    SCOPED_TRACE(policy->name);
    EXPECT_TRUE(policy->support(beside_another(grace_hopper())));
    EXPECT_TRUE(policy->support(beside_another(pcie_with_hmm())));
    EXPECT_EQ(static_cast<bool>(policy->support(beside_another(pcie()))),
              !needs(*policy, &MemoryModel::pageable_memory_access));
    for (bool MemoryModel::*const feature : features) {
      auto platform = beside_another(grace_hopper());
      platform.gpu->memory_model.*feature = false;
      EXPECT_EQ(static_cast<bool>(policy->support(platform)), !needs(*policy, feature));
    }
    auto without_numa = beside_another(grace_hopper());
    without_numa.gpu->memory_model.host_numa_id.reset();
    EXPECT_TRUE(policy->support(without_numa));
  }
}

TEST(Policies, SayWhatIsMissing) {
  EXPECT_EQ(known("system_demand").support(pcie()).reason(),
            "needs pageable memory access (HMM or ATS): this GPU and driver do not offer it");
  auto platform = grace_hopper();
  platform.gpu->memory_model.concurrent_managed_access = false;
  EXPECT_TRUE(
      contains(known("managed_demand").support(platform).reason(), "concurrent managed access"));
}

TEST(Policies, NeedAGpuThatTheyReachWhereAnotherOneServes) {
  Platform platform = pcie();
  platform.gpu->index = 1;
  for (const char* name : {"peer_zero_copy", "peer_copy"}) {
    SCOPED_TRACE(name);
    platform.peers.clear();
    EXPECT_EQ(known(name).support(platform).reason(),
              "needs another GPU whose memory this one can reach: there is no other GPU here");
    platform.peers = {{2, false}, {0, false}};
    EXPECT_EQ(known(name).support(platform).reason(),
              "needs another GPU whose memory this one can reach: GPU 1 has no peer access to GPU "
              "2, GPU 0");
    platform.peers = {{2, false}, {0, true}, {3, true}};
    EXPECT_TRUE(known(name).support(platform));
    EXPECT_EQ(serving_peer(platform)->index, 0);
    EXPECT_EQ(known(name).support(without_gpu()).reason(), "no GPU: no NVIDIA driver is loaded");
  }
}

TEST(Policies, StartColdAndWarmWhereAPassCanChangeSomething) {
  for (const Policy* policy : make_catalog().policies) {
    SCOPED_TRACE(policy->name);
    EXPECT_TRUE(has_starts(*policy, steady_only) || has_starts(*policy, cold_and_warm) ||
                has_starts(*policy, warm_only));
    // Pages that nobody but the policy moves are where it wants them before every pass; those of a
    // file the system drops.
    if (!policy->driver_handles_pages && policy->family != Family::file) {
      EXPECT_TRUE(has_starts(*policy, steady_only));
    }
  }
  EXPECT_TRUE(has_starts(known("managed_accessed_by"), steady_only)) << "mapped up front";
  EXPECT_TRUE(has_starts(known("system_gpu_first_touch"), warm_only)) << "never without the GPU";
  for (const char* name : {"file_registered_copy", "file_registered_zero_copy"}) {
    EXPECT_TRUE(has_starts(known(name), steady_only)) << name << ": locked pages stay";
  }
  for (const char* name :
       {"managed_demand", "managed_prefetch_each", "managed_prefetch_ahead",
        "managed_readmostly_demand", "managed_readmostly_prefetch", "managed_prefer_device",
        "managed_prefer_host", "system_demand", "system_prefetch", "system_accessed_by",
        "file_host_compute", "file_pageable_copy", "file_register_each", "file_system_demand"}) {
    EXPECT_TRUE(has_starts(known(name), cold_and_warm)) << name;
  }
}

TEST(Policies, CrossWhatTheirFamilyCrosses) {
  for (const auto& platform : gpu_machines()) {
    for (const Policy* policy : make_catalog().policies) {
      if (has_starts(*policy, warm_only)) continue;  // below
      const Path expected = policy->family == Family::resident ? Path::device_memory
                            : !policy->needs_gpu               ? Path::host_memory
                            : policy->family == Family::peer   ? Path::peer
                                                               : Path::link;
      EXPECT_EQ(policy->path(policy->starts.front(), platform), expected) << policy->name;
    }
  }
}

TEST(Policies, ReadWhatTheGpuTouchedFirstWhereItPutIt) {
  const Policy& row = known("system_gpu_first_touch");
  EXPECT_FALSE(row.support(pcie()));
  EXPECT_EQ(row.path(Start::warm, pcie_with_hmm()), Path::device_memory);
  EXPECT_TRUE(migrates(row, pcie_with_hmm())) << "it takes GPU memory";
  Platform grace = grace_hopper();
  grace.gpu->memory_model.gpu_is_numa_node = false;  // CDMM: pages stay on the host
  EXPECT_EQ(row.path(Start::warm, grace), Path::link);
  EXPECT_FALSE(pages_may_move(row, grace));
  grace.gpu->memory_model.gpu_is_numa_node = true;
  EXPECT_TRUE(pages_may_move(row, grace)) << "where they are found decides";
  // The weights once: none is renewed.
  const Requirement needed = row.requirement(two_weights, {});
  EXPECT_EQ(needed.pageable, whole_pages(std::size_t{1003} * 1001 * 2) + 4096 * 4096);
  EXPECT_EQ(needed.pinned, 0U);
}

TEST(Policies, FromMallocAreThoseInPageableMemoryOfTheirOwn) {
  const WeightSet weights{"any", {{"w", DType::bf16, 1024, 1024}}};
  for (const Policy* policy : make_catalog().policies) {
    const bool pageable = policy->requirement(weights, {}).pageable > 0;
    const bool registered = policy->memory == "malloc + cudaHostRegister";
    EXPECT_EQ(policy->from_malloc, (pageable && policy->family != Family::file) || registered)
        << policy->name;
  }
}

TEST(Policies, MayHaveTheirPagesMovedByAccessCountersAlone) {
  const Policy& read = *make_catalog().policy("system_demand");
  const Policy& pinned = *make_catalog().policy("pinned_zero_copy");
  Platform grace = grace_hopper();
  for (const bool numa_mode : {true, false}) {
    grace.gpu->memory_model.gpu_is_numa_node = numa_mode;
    EXPECT_EQ(pages_may_move(read, grace), numa_mode);
    EXPECT_FALSE(pages_may_move(pinned, grace));
  }
  EXPECT_FALSE(pages_may_move(read, pcie_with_hmm()));  // known: they do
  EXPECT_FALSE(pages_may_move(read, pcie()));
}

TEST(Policies, MigrateOnlyWhatTheDriverHandles) {
  for (const auto& platform : gpu_machines()) {
    for (const Policy* policy : make_catalog().policies) {
      if (!migrates(*policy, platform)) continue;
      EXPECT_TRUE(policy->driver_handles_pages) << policy->name;
      EXPECT_TRUE(has_starts(*policy, cold_and_warm) || has_starts(*policy, warm_only))
          << policy->name;
    }
  }
}

TEST(Policies, WhoeverMigratesInEveryPassHasNoOtherStart) {
  for (const Policy* policy : make_catalog().policies) {
    if (!policy->migrates_every_pass) continue;
    EXPECT_TRUE(policy->driver_handles_pages) << policy->name;
    EXPECT_TRUE(has_starts(*policy, steady_only)) << policy->name;
    EXPECT_FALSE(policy->capturable()) << policy->name;
  }
  for (const char* name : {"managed_readmostly_window", "managed_migrate_window"}) {
    EXPECT_TRUE(known(name).migrates_every_pass) << name;
  }
}

TEST(Policies, AWindowHoldsTheUnitReadAndThoseOnTheirWay) {
  const WeightSet large{"large", {{"a", DType::u8, std::size_t{1} << 15, std::size_t{1} << 15}}};
  const std::size_t mib = std::size_t{1} << 20;
  for (const char* name : {"managed_readmostly_window", "managed_migrate_window"}) {
    SCOPED_TRACE(name);
    Tuning tuning;
    tuning.panel_bytes = 16 * mib;
    for (const std::size_t ahead : {1, 3}) {
      tuning.prefetch_step = ahead;
      const Requirement needed = known(name).requirement(large, tuning);
      EXPECT_EQ(needed.managed, large.bytes());
      EXPECT_GE(needed.device, (ahead + 1) * 16 * mib);
      EXPECT_LT(needed.device, (ahead + 2) * 16 * mib);
    }
    // All of it, where that is less: in whole blocks.
    tuning.panel_bytes = 512 * mib;
    const Requirement small = known(name).requirement(two_weights, tuning);
    EXPECT_EQ(small.device, (small.managed + 2 * mib - 1) / (2 * mib) * (2 * mib));
  }
}

TEST(Policies, MigrateWhereTheMachineMovesPages) {
  const auto expect = [](const Platform& platform, const Names& names, bool expected) {
    for (const std::string_view name : names) {
      EXPECT_EQ(migrates(known(name), platform), expected) << name;
    }
  };
  for (const auto& platform : gpu_machines()) {
    expect(platform,
           {"managed_demand", "managed_prefetch_each", "managed_prefetch_ahead",
            "managed_readmostly_demand", "managed_readmostly_prefetch", "managed_prefer_device",
            "managed_readmostly_prefer_host"},
           true);
    expect(platform, {"managed_prefer_host", "managed_accessed_by"}, false);
  }
  expect(pcie_with_hmm(), {"system_demand", "system_prefetch"}, true);
  expect(pcie_with_hmm(), {"system_accessed_by"}, false);
  // Read in place through the host's page tables, whatever is advised: CDMM moves nothing, and in
  // NUMA mode only where pages are found tells.
  expect(grace_hopper(), {"system_demand", "system_prefetch", "system_accessed_by"}, false);
}

TEST(Policies, AskForTheMemoryOfTheWeights) {
  for (const Policy* policy : make_catalog().policies) {
    const Requirement needed = policy->requirement(two_weights, {});
    EXPECT_GE(needed.device + needed.pinned + needed.managed + needed.pageable + needed.peer,
              two_weights.bytes())
        << policy->name;
  }
}

TEST(Policies, AskForOneKindOfMemoryAndTheirSlots) {
  const std::size_t bytes = 1003 * 1001 * 2 + 4096 * 4096;
  Tuning tuning;
  tuning.prefetch_step = 2;
  tuning.slots = 5;
  tuning.panel_bytes = std::size_t{1} << 20;
  const std::size_t layer = Packed(two_weights.tensors).bytes();
  struct Expected {
    Names policies;
    std::size_t Requirement::*home;
    std::size_t slots;
  };
  const std::vector<Expected> all{
      {{"device_resident"}, &Requirement::device, 0},
      {{"managed_demand", "managed_prefetch_each", "managed_prefetch_ahead",
        "managed_readmostly_demand", "managed_readmostly_prefetch", "managed_prefer_device",
        "managed_prefer_host", "managed_accessed_by", "managed_readmostly_prefer_host"},
       &Requirement::managed,
       0},
      {{"pinned_zero_copy", "writecombined_zero_copy", "registered_zero_copy", "hostvmm_zero_copy"},
       &Requirement::pinned,
       0},
      {{"file_registered_zero_copy"}, &Requirement::pinned, 0},
      {{"file_registered_copy"}, &Requirement::pinned, layer},
      {{"file_pageable_copy", "file_register_each"}, &Requirement::pageable, layer},
      {{"file_host_compute", "file_system_demand"}, &Requirement::pageable, 0},
      // Both tensors are one layer: one slot of it, or two.
      {{"pinned_copy", "pinned_batch_copy"}, &Requirement::pinned, layer},
      {{"pageable_copy"}, &Requirement::pageable, layer},
      {{"pinned_prefetch_copy"}, &Requirement::pinned, 2 * layer},
      {{"peer_zero_copy"}, &Requirement::peer, 0},
      {{"peer_copy"}, &Requirement::peer, 2 * layer},
      {{"pinned_ring_copy", "hybrid_split"}, &Requirement::pinned, 5 * (1 << 20)},  // as given
      {{"host_compute", "system_demand", "system_prefetch", "system_accessed_by"},
       &Requirement::pageable,
       0}};
  for (const auto& [policies, home, slots] : all) {
    for (const std::string_view name : policies) {
      const Requirement needed = known(name).requirement(two_weights, tuning);
      EXPECT_GE(needed.*home, bytes) << name;
      EXPECT_EQ(needed.device + needed.pinned + needed.managed + needed.pageable + needed.peer -
                    needed.*home,
                slots)
          << name;
    }
  }
}

TEST(Policies, RingsDivideTensorsAndTheCpusPartEscapesAGraph) {
  for (const Policy* policy : make_catalog().policies) {
    if (policy->family != Family::cpu && policy->family != Family::hybrid) continue;
    EXPECT_FALSE(policy->capturable()) << policy->name;
  }
  for (const char* name : {"pinned_ring_copy", "hybrid_split", "managed_readmostly_window",
                           "managed_migrate_window"}) {
    EXPECT_TRUE(known(name).divides_tensors) << name;
  }
  for (const char* name : {"pinned_prefetch_copy", "pinned_ring_copy", "device_resident"}) {
    EXPECT_TRUE(known(name).capturable()) << name;
  }
  for (const char* name :
       {"pinned_prefetch_copy", "pinned_copy", "pinned_batch_copy", "device_resident"}) {
    EXPECT_FALSE(known(name).divides_tensors) << name;
  }
  for (const char* name : {"managed_prefetch_each", "managed_prefetch_ahead", "system_prefetch",
                           "pinned_batch_copy"}) {
    EXPECT_FALSE(known(name).capturable()) << name;
  }
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
