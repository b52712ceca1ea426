// SPDX-License-Identifier: Apache-2.0
#include "bench/report/skipped.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bench/core/text.hpp"

namespace offload {

constexpr std::size_t max_names = 6;  // on a machine without a GPU it would be nearly all

void write_skipped(Page& page, const std::vector<SkippedCase>& skipped) {
  if (skipped.empty()) return;
  std::vector<std::pair<std::string, std::vector<const SkippedCase*>>> reasons;
  for (const auto& item : skipped) {
    auto found = std::ranges::find(reasons, item.reason, [](const auto& r) { return r.first; });
    if (found == reasons.end()) {
      reasons.push_back({item.reason, {}});
      found = std::prev(reasons.end());
    }
    found->second.push_back(&item);
  }
  page.heading("skipped " + count(skipped.size(), "case"));
  for (const auto& [reason, items] : reasons) {
    std::vector<std::string> policies;
    for (const auto* item : items) {
      if (std::ranges::find(policies, item->policy) == policies.end()) {
        policies.push_back(item->policy);
      }
    }
    page.item(std::to_string(items.size()) + " of " + enumerate(policies, max_names) + ": " +
              reason);
  }
  page.end_list();
}

}  // namespace offload
