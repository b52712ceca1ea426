// SPDX-License-Identifier: Apache-2.0
// All policies and workloads. A new one is a file of its own under bench/policies/ or
// bench/workloads/, which the build finds; the contract tests run over all.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "offload/policy.hpp"
#include "offload/workload.hpp"

namespace offload {

/// By what the policies of a family can be named together: the family's name, or that of the CUDA
/// feature behind it.
struct PolicyGroup {
  std::string_view name;
  Family family;
};
std::span<const PolicyGroup> policy_groups();  // by family; where it has two names, the short first

struct Catalog {
  std::vector<const Policy*> policies;               // by family, then by name
  std::vector<std::unique_ptr<Workload>> workloads;  // by name

  const Policy* policy(std::string_view name) const;      // nullptr when unknown
  const Workload* workload(std::string_view name) const;  // nullptr when unknown
  std::vector<std::string_view> policy_names() const;
  std::vector<std::string_view> policy_choices() const;  // these, then the groups
  /// The policies that `name` stands for: one, or those of a group. Throws UsageError for an
  /// unknown name.
  std::vector<const Policy*> policies_named(std::string_view name) const;
  /// Those that any of `names` stands for, in the catalog's order; all where there are no names.
  std::vector<const Policy*> policies_among(const std::vector<std::string>& names) const;
  std::vector<std::string_view> workload_names() const;
};

/// The catalog that the program is linked with: cmake/Catalog.cmake writes its body.
Catalog make_catalog();

/// A catalog of what each file defines.
Catalog assemble_catalog(std::span<const std::span<const Policy>> policies,
                         std::span<std::vector<std::unique_ptr<Workload>>> workloads);

}  // namespace offload
