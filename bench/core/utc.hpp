// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace offload {

/// Now, by ISO 8601 to the second: "2026-11-30T12:00:00Z".
std::string utc_now();

}  // namespace offload
