// SPDX-License-Identifier: Apache-2.0
#include "bench/catalog.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "bench/core/names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

bool is_before(const Policy* a, const Policy* b) {
  return std::tie(a->family, a->name) < std::tie(b->family, b->name);
}

constexpr auto groups = std::to_array<PolicyGroup>({{"resident", Family::resident},
                                                    {"uva", Family::zero_copy},
                                                    {"zero-copy", Family::zero_copy},
                                                    {"copy", Family::copy},
                                                    {"uvm", Family::managed},
                                                    {"managed", Family::managed},
                                                    {"system", Family::system},
                                                    {"cpu", Family::cpu},
                                                    {"hybrid", Family::hybrid},
                                                    {"file", Family::file},
                                                    {"peer", Family::peer}});

}  // namespace

std::span<const PolicyGroup> policy_groups() { return groups; }

const Policy* Catalog::policy(std::string_view name) const {
  const auto found = std::find_if(policies.begin(), policies.end(),
                                  [name](const Policy* entry) { return entry->name == name; });
  return found == policies.end() ? nullptr : *found;
}

const Workload* Catalog::workload(std::string_view name) const {
  const auto found = std::find_if(workloads.begin(), workloads.end(),
                                  [name](const auto& entry) { return entry->name() == name; });
  return found == workloads.end() ? nullptr : found->get();
}

std::vector<std::string_view> Catalog::policy_names() const {
  std::vector<std::string_view> names;
  for (const Policy* entry : policies) names.push_back(entry->name);
  return names;
}

std::vector<std::string_view> Catalog::policy_choices() const {
  std::vector<std::string_view> names = policy_names();
  for (const PolicyGroup& group : groups) names.push_back(group.name);
  return names;
}

std::vector<const Policy*> Catalog::policies_among(const std::vector<std::string>& names) const {
  if (names.empty()) return policies;
  std::set<const Policy*> wanted;
  for (const std::string& name : names) {
    const std::vector<const Policy*> named = policies_named(name);
    wanted.insert(named.begin(), named.end());
  }
  std::vector<const Policy*> selected;
  for (const Policy* entry : policies) {
    if (wanted.contains(entry)) selected.push_back(entry);
  }
  return selected;
}

std::vector<const Policy*> Catalog::policies_named(std::string_view name) const {
  if (const Policy* one = policy(name)) return {one};
  const auto group = std::ranges::find(groups, name, &PolicyGroup::name);
  if (group == groups.end()) throw UsageError(unknown_name("policy", name, policy_choices()));
  std::vector<const Policy*> members;
  std::ranges::copy_if(policies, std::back_inserter(members),
                       [&](const Policy* entry) { return entry->family == group->family; });
  return members;
}

std::vector<std::string_view> Catalog::workload_names() const {
  std::vector<std::string_view> names;
  for (const auto& entry : workloads) names.push_back(entry->name());
  return names;
}

Catalog assemble_catalog(std::span<const std::span<const Policy>> policies,
                         std::span<std::vector<std::unique_ptr<Workload>>> workloads) {
  Catalog catalog;
  for (const std::span<const Policy> rows : policies) {
    for (const Policy& row : rows) catalog.policies.push_back(&row);
  }
  std::sort(catalog.policies.begin(), catalog.policies.end(), is_before);
  for (auto& of_file : workloads) {
    std::move(of_file.begin(), of_file.end(), std::back_inserter(catalog.workloads));
  }
  std::sort(catalog.workloads.begin(), catalog.workloads.end(),
            [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return catalog;
}

}  // namespace offload
