// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/ranges.hpp"

namespace offload {

Range::Range(const std::string& /*name*/) {}
Range::~Range() {}  // not defaulted: the other build of this class closes the range here

}  // namespace offload
