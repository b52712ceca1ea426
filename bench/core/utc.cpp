// SPDX-License-Identifier: Apache-2.0
#include "bench/core/utc.hpp"

#include <ctime>

namespace offload {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64] = "";  // a clock may be set to a year of any length
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace offload
