// SPDX-License-Identifier: Apache-2.0
#include "bench/evidence/ranges.hpp"

namespace offload {

Range::Range(const std::string& /*name*/) {}
Range::~Range() = default;

}  // namespace offload
