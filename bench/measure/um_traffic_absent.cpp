// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/um_traffic.hpp"

namespace offload {

const Support& UmCollector::available() {
  if (!support_) support_ = Support::no("this binary was built without CUPTI");
  return *support_;
}

bool UmCollector::count_right() { return false; }

Observed<std::vector<UmTraffic>> UmCollector::measure(std::span<const Pass> passes) {
  for (const Pass& pass : passes) {
    pass.prepare();
    pass.run();
  }
  return Observed<std::vector<UmTraffic>>::unavailable(available().reason());
}

}  // namespace offload
