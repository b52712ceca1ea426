// SPDX-License-Identifier: Apache-2.0
// The platform record in the results document.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "offload/platform.hpp"

namespace offload {

nlohmann::ordered_json machine_json(const Platform& platform);

}  // namespace offload
