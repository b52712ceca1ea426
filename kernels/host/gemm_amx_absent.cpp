// SPDX-License-Identifier: Apache-2.0
// Stands in for gemm_amx.cpp where it cannot be compiled.
#include "kernels/host/gemm.hpp"

namespace offload::host {

const Bf16Unit& amx_unit() {
  static constexpr Bf16Unit absent{"AMX-BF16", [] { return false; }, false, 1, nullptr, nullptr,
                                   nullptr};
  return absent;
}

}  // namespace offload::host
