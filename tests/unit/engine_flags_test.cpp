// SPDX-License-Identifier: Apache-2.0
// Flags as the engines take them: what is expected here was written down from their documentation.
#include "bench/measure/case_result.hpp"

#include <gtest/gtest.h>

#include "bench/catalog.hpp"

namespace offload {
namespace {

std::string flags_of(const char* policy, const OffloadRules& rules) {
  const Catalog catalog = make_catalog();
  for (const auto& known : catalog.policies) {
    if (known->name == policy) return engine_flags(known->engine_flags, rules);
  }
  return "no such policy";
}

TEST(EngineFlags, NameTheBudget) {
  EXPECT_EQ(flags_of("pinned_zero_copy", {.cpu_offload_gb = 30}),
            "vLLM --offload-backend uva --cpu-offload-gb 30");
  EXPECT_EQ(flags_of("pinned_zero_copy",
                     {.cpu_offload_gb = 7.5, .cpu_offload_params = {"gate_up_proj", "o_proj"}}),
            "vLLM --offload-backend uva --cpu-offload-gb 7.5 --cpu-offload-params gate_up_proj "
            "o_proj");
}

TEST(EngineFlags, LimitTheBudgetToNamesOnlyWhereTheEngineCan) {
  EXPECT_EQ(flags_of("pinned_copy", {.cpu_offload_gb = 2, .cpu_offload_params = {"w2_weight"}}),
            "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 --cpu-offload-gb 2 --cpu-offload-params "
            "w2_weight --enforce-eager; SGLang --cpu-offload-gb 2");
}

TEST(EngineFlags, NameTheGroups) {
  const OffloadRules rules{
      .group_size = 8, .num_in_group = 2, .prefetch_step = 3, .offload_params = {"down_proj"}};
  EXPECT_EQ(flags_of("pinned_prefetch_copy", rules),
            "vLLM --offload-backend prefetch --offload-group-size 8 --offload-num-in-group 2 "
            "--offload-prefetch-step 3 --offload-params down_proj; SGLang the same with "
            "--offload-mode cpu");
}

TEST(EngineFlags, NameTheExpertLayers) {
  EXPECT_EQ(flags_of("host_compute", {.n_cpu_moe = 24}), "llama.cpp -ncmoe 24");
  EXPECT_EQ(flags_of("host_compute", {.n_cpu_moe = 0}), "llama.cpp -ncmoe 0");
}

TEST(EngineFlags, KeepTheLettersOfRulesThatWereNotGiven) {
  EXPECT_EQ(flags_of("pinned_zero_copy", {}), "vLLM --offload-backend uva --cpu-offload-gb X");
  EXPECT_EQ(flags_of("pinned_zero_copy", {.group_size = 8}),
            "vLLM --offload-backend uva --cpu-offload-gb X");
}

TEST(EngineFlags, AreNoneWhereNoEngineHasThePolicy) {
  EXPECT_EQ(flags_of("pinned_ring_copy", {.cpu_offload_gb = 30}), "");
  EXPECT_EQ(flags_of("managed_prefetch_each", {.group_size = 2}), "");
}

}  // namespace
}  // namespace offload
