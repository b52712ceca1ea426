// SPDX-License-Identifier: Apache-2.0
// Flags as the engines take them: what is expected here was written down from their documentation.
#include "bench/measure/engine_flags.hpp"

#include <gtest/gtest.h>

#include "bench/catalog.hpp"

namespace offload {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

/// 32 layers of 1 GiB each.
ModelSlice model(std::uint64_t offloaded_gib) {
  return {.model = "model",
          .layers = 32,
          .offloaded_bytes = offloaded_gib * gib,
          .resident_bytes = (32 - offloaded_gib) * gib};
}

std::string flags_of(const char* policy, const OffloadRules& rules,
                     const ModelSlice& of = model(32)) {
  const Catalog catalog = make_catalog();
  for (const auto& known : catalog.policies) {
    if (known->name == policy) return engine_flags(known->engine_flags, rules, of);
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

TEST(EngineFlags, GiveWholeGibibytesWhereTheEngineTakesNoOther) {
  EXPECT_NE(flags_of("pinned_copy", {.cpu_offload_gb = 7.5}).find("SGLang --cpu-offload-gb 8"),
            std::string::npos);
}

TEST(EngineFlags, SayHowManyGpusShareTheModelWhereAnEngineCan) {
  const OffloadRules rules{.cpu_offload_gb = 2};
  EXPECT_EQ(
      engine_flags("vLLM --x --cpu-offload-gb X; SGLang --cpu-offload-gb X", rules, model(32), 4),
      "vLLM --x --cpu-offload-gb 2 --tensor-parallel-size 4; SGLang --cpu-offload-gb 2 "
      "--tp-size 4");
  EXPECT_EQ(engine_flags("llama.cpp -ngl N", rules, model(32), 4), "");
  EXPECT_EQ(engine_flags("no offload flags (default)", rules, model(32), 4),
            "no offload flags (default)");
  EXPECT_EQ(engine_flags("SGLang --y", rules, model(32), 1), "SGLang --y");
}

TEST(EngineFlags, NameTheGroups) {
  const OffloadRules rules{
      .group_size = 8, .num_in_group = 2, .prefetch_step = 3, .offload_params = {"down_proj"}};
  EXPECT_EQ(flags_of("pinned_prefetch_copy", rules),
            "vLLM --offload-backend prefetch --offload-group-size 8 --offload-num-in-group 2 "
            "--offload-prefetch-step 3 --offload-params down_proj");
}

TEST(EngineFlags, NameTheLayersThatTheCpuComputes) {
  EXPECT_EQ(flags_of("host_compute", {.n_cpu_moe = 24}), "llama.cpp -ncmoe 24 --no-op-offload");
  EXPECT_EQ(flags_of("host_compute", {.n_cpu_moe = 0}), "llama.cpp -ncmoe 0 --no-op-offload");
}

/// llama.cpp keeps layer i on the CPU where i < n_layer + 1 - ngl, and layer n_layer is the output.
TEST(EngineFlags, CountTheOutputLayerAmongThoseOnTheGpu) {
  for (std::uint64_t offloaded = 0; offloaded <= 32; ++offloaded) {
    const ModelSlice of = model(offloaded);
    const std::string ngl = std::to_string(of.layers + 1 - offloaded);
    EXPECT_EQ(flags_of("host_compute", {}, of), "llama.cpp -ngl " + ngl + " --no-op-offload");
  }
  // What half a layer more would take is offloaded as a whole one.
  ModelSlice more = model(8);
  more.offloaded_bytes += gib / 2;
  more.resident_bytes -= gib / 2;
  EXPECT_EQ(flags_of("host_compute", {.cpu_offload_gb = 8}, more),
            "llama.cpp -ngl 24 --no-op-offload");
}

TEST(EngineFlags, NameTheLayersOnTheGpuAsTheyWereGiven) {
  EXPECT_EQ(flags_of("host_compute", {.n_gpu_layers = 20}, model(13)),
            "llama.cpp -ngl 20 --no-op-offload");
  EXPECT_EQ(flags_of("host_compute", {.n_gpu_layers = 99}, model(0)),
            "llama.cpp -ngl 99 --no-op-offload");
  EXPECT_EQ(flags_of("host_compute", {.n_cpu_moe = 24, .n_gpu_layers = 99}, model(8)),
            "llama.cpp -ngl 99 -ncmoe 24 --no-op-offload");
  EXPECT_EQ(flags_of("pinned_zero_copy", {.n_gpu_layers = 25}, model(8)),
            "vLLM --offload-backend uva --cpu-offload-gb 8");
}

TEST(EngineFlags, OffloadAsMuchWhereNoRuleWasGiven) {
  EXPECT_EQ(flags_of("pinned_zero_copy", {}), "vLLM --offload-backend uva --cpu-offload-gb 32");
  EXPECT_EQ(flags_of("pinned_prefetch_copy", {}),
            "vLLM --offload-backend prefetch --offload-group-size 1 --offload-num-in-group 1 "
            "--offload-prefetch-step 1");
}

TEST(EngineFlags, OffloadAtLeastAsMuchWhereTheRuleIsAnothers) {
  // Two of eight layers are 8 GiB of 32.
  const OffloadRules groups{.group_size = 8, .num_in_group = 2};
  EXPECT_EQ(flags_of("pinned_zero_copy", groups, model(8)),
            "vLLM --offload-backend uva --cpu-offload-gb 8");
  EXPECT_EQ(flags_of("host_compute", groups, model(8)), "llama.cpp -ngl 25 --no-op-offload");
  const OffloadRules budget{.cpu_offload_gb = 8, .prefetch_step = 2};
  EXPECT_EQ(flags_of("pinned_prefetch_copy", budget, model(8)),
            "vLLM --offload-backend prefetch --offload-group-size 4 --offload-num-in-group 1 "
            "--offload-prefetch-step 2");
}

TEST(EngineFlags, LeaveNoLetterInAnyPolicysFlags) {
  for (const OffloadRules& rules :
       {OffloadRules{}, OffloadRules{.cpu_offload_gb = 30}, OffloadRules{.group_size = 4},
        OffloadRules{.n_cpu_moe = 3}, OffloadRules{.n_gpu_layers = 3},
        OffloadRules{.n_cpu_moe = 3, .n_gpu_layers = 9}}) {
    for (const Policy* policy : make_catalog().policies) {
      const std::string flags = ' ' + engine_flags(policy->engine_flags, rules, model(8)) + ' ';
      for (const char* letter : {" X", " G ", " N ", " S "}) {
        EXPECT_EQ(flags.find(letter), std::string::npos) << flags;
      }
    }
  }
}

TEST(EngineFlags, AreNoneWhereNoEngineHasThePolicy) {
  EXPECT_EQ(flags_of("pinned_ring_copy", {.cpu_offload_gb = 30}), "");
  EXPECT_EQ(flags_of("managed_prefetch_each", {.group_size = 2}), "");
}

}  // namespace
}  // namespace offload
