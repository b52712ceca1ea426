// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/instruction_set.hpp"

#include "kernels/matmul.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/host/instruction_set.cpp"  // NOLINT
#include <hwy/foreach_target.h>                                // IWYU pragma: keep

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace offload::host::HWY_NAMESPACE {

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace offload::host::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace offload::host {

HWY_EXPORT(target_name);

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

std::string all_instruction_sets() {
  const std::vector<const Bf16Unit*> units = bf16_units();
  if (units.empty()) return instruction_set();
  return instruction_set() + ", " + std::string(name(*units.front()));
}

}  // namespace offload::host
#endif
