// SPDX-License-Identifier: Apache-2.0
// One factory per policy, for the catalog.
#pragma once
#include <memory>

#include "offload/policy.hpp"

namespace offload {

std::unique_ptr<Policy> make_device_resident();

std::unique_ptr<Policy> make_pinned_zero_copy();
std::unique_ptr<Policy> make_writecombined_zero_copy();
std::unique_ptr<Policy> make_registered_zero_copy();
std::unique_ptr<Policy> make_hostvmm_zero_copy();

std::unique_ptr<Policy> make_pinned_copy();
std::unique_ptr<Policy> make_pageable_copy();
std::unique_ptr<Policy> make_pinned_prefetch_copy();
std::unique_ptr<Policy> make_pinned_ring_copy();

std::unique_ptr<Policy> make_managed_demand();
std::unique_ptr<Policy> make_managed_prefetch_each();
std::unique_ptr<Policy> make_managed_prefetch_ahead();
std::unique_ptr<Policy> make_managed_readmostly_demand();
std::unique_ptr<Policy> make_managed_readmostly_prefetch();
std::unique_ptr<Policy> make_managed_prefer_device();
std::unique_ptr<Policy> make_managed_prefer_host();
std::unique_ptr<Policy> make_managed_accessed_by();

std::unique_ptr<Policy> make_system_demand();
std::unique_ptr<Policy> make_system_prefetch();
std::unique_ptr<Policy> make_system_accessed_by();

std::unique_ptr<Policy> make_host_compute();
std::unique_ptr<Policy> make_hybrid_split();

}  // namespace offload
