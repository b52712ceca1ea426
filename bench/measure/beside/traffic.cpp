// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/beside/traffic.hpp"

#include <algorithm>
#include <array>

namespace offload {

std::span<const TrafficKind> traffic_kinds() {
  static const std::array kinds{kv_out_traffic(), attention_traffic()};
  return kinds;
}

std::vector<std::string_view> traffic_names() {
  std::vector<std::string_view> names;
  for (const TrafficKind& kind : traffic_kinds()) names.push_back(kind.name);
  return names;
}

const TrafficKind& find_traffic(std::string_view name) {
  return *std::ranges::find(traffic_kinds(), name, &TrafficKind::name);
}

}  // namespace offload
