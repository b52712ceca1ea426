// SPDX-License-Identifier: Apache-2.0
#include "bench/evidence/um_traffic.hpp"

namespace offload {

const Support& UmCollector::available() {
  if (!support_) support_ = Support::no("this binary was built without CUPTI");
  return *support_;
}

bool UmCollector::count_right() { return false; }

Found<UmTraffic> UmCollector::measure(const std::function<void()>& pass) {
  pass();
  return Found<UmTraffic>::unavailable(available().reason());
}

}  // namespace offload
