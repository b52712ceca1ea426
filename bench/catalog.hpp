// SPDX-License-Identifier: Apache-2.0
// The one explicit list of policies and workloads. A new one is its own file and one line in
// bench/catalog.cpp; the contract tests run over this list.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "offload/policy.hpp"
#include "offload/workload.hpp"

namespace offload {

struct Catalog {
  std::vector<std::unique_ptr<Policy>> policies;
  std::vector<std::unique_ptr<Workload>> workloads;

  const Policy* policy(std::string_view name) const;      // nullptr when unknown
  const Workload* workload(std::string_view name) const;  // nullptr when unknown
};

Catalog make_catalog();

}  // namespace offload
