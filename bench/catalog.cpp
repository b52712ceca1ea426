// SPDX-License-Identifier: Apache-2.0
#include "bench/catalog.hpp"

#include <algorithm>
#include <utility>

#include "bench/policies/policies.hpp"
#include "bench/workloads/workloads.hpp"

namespace offload {
namespace {

template <typename Entry>
const Entry* find_by_name(const std::vector<std::unique_ptr<Entry>>& entries,
                          std::string_view name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [name](const auto& entry) { return entry->name() == name; });
  return found == entries.end() ? nullptr : found->get();
}

}  // namespace

const Policy* Catalog::policy(std::string_view name) const { return find_by_name(policies, name); }
const Workload* Catalog::workload(std::string_view name) const {
  return find_by_name(workloads, name);
}

Catalog make_catalog() {
  Catalog catalog;
  auto& policies = catalog.policies;
  policies.push_back(make_device_resident());
  policies.push_back(make_pinned_zero_copy());
  policies.push_back(make_writecombined_zero_copy());
  policies.push_back(make_registered_zero_copy());
  policies.push_back(make_hostvmm_zero_copy());
  policies.push_back(make_pinned_copy());
  policies.push_back(make_pageable_copy());
  policies.push_back(make_pinned_prefetch_copy());
  policies.push_back(make_pinned_ring_copy());
  policies.push_back(make_managed_demand());
  policies.push_back(make_managed_prefetch_each());
  policies.push_back(make_managed_prefetch_ahead());
  policies.push_back(make_managed_readmostly_demand());
  policies.push_back(make_managed_readmostly_prefetch());
  policies.push_back(make_managed_prefer_device());
  policies.push_back(make_managed_prefer_host());
  policies.push_back(make_managed_accessed_by());
  policies.push_back(make_system_demand());
  policies.push_back(make_system_prefetch());
  policies.push_back(make_system_accessed_by());
  policies.push_back(make_host_compute());
  policies.push_back(make_hybrid_split());

  for (const auto& make : {workloads::stream_read, workloads::matmul, workloads::pointer_chase,
                           workloads::row_gather, workloads::expert_gather, workloads::nested}) {
    for (auto& workload : make()) catalog.workloads.push_back(std::move(workload));
  }
  return catalog;
}

}  // namespace offload
