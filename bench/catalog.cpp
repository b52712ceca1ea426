// SPDX-License-Identifier: Apache-2.0
#include "bench/catalog.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace offload {
namespace {

bool is_before(const Policy* a, const Policy* b) {
  return std::tie(a->family, a->name) < std::tie(b->family, b->name);
}

}  // namespace

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
