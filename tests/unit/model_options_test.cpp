// SPDX-License-Identifier: Apache-2.0
// The options that choose models, tokens and what is offloaded: from the command line to the plan.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "bench/cli/command_line.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/suites.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

using testing::cpu_machine;
using testing::gib;
using testing::gpu_machine;
using testing::message_of;
using testing::mib;
using Args = std::vector<const char*>;
using Names = std::vector<std::string>;

const Catalog& catalog() {
  static const Catalog made = make_catalog();
  return made;
}

Options parse(Args args) {
  args.insert(args.begin(), "offload_bench");
  return std::get<Options>(
      parse_command_line(static_cast<int>(args.size()), args.data(), catalog()));
}

Plan plan_of(const Args& args, const Platform& platform = gpu_machine()) {
  return make_plan(parse(args), catalog(), platform);
}

/// What stops `args` on the way to a plan.
std::string refusal(const Args& args) {
  return message_of<UsageError>([&] { plan_of(args); });
}

/// Names of the cases under one policy.
Names cases(const Args& args, const std::string& policy = "device_resident") {
  Args all = args;
  all.insert(all.end(), {"--policies", policy.c_str()});
  Names names;
  for (const Case& item : plan_of(all).cases) names.push_back(item.name());
  return names;
}

TEST(ModelOptions, AreRead) {
  const Options options = parse({"--suite",
                                 "decode",
                                 "--cpu-offload-gb",
                                 "2.5",
                                 "--cpu-offload-params",
                                 "mlp,self_attn",
                                 "--cpu-offload-params",
                                 "o_proj",
                                 "--slice=1GiB",
                                 "--checkpoint-shapes",
                                 "--panel",
                                 "4MiB",
                                 "--slots",
                                 "5",
                                 "--host-share",
                                 "0.25",
                                 "--offload-prefetch-step",
                                 "3",
                                 "--graph",
                                 "--tokens",
                                 "1,64"});
  EXPECT_EQ(options.rules.cpu_offload_gb, 2.5);
  EXPECT_EQ(options.rules.cpu_offload_params, (Names{"mlp", "self_attn", "o_proj"}));
  EXPECT_EQ(options.slice_bytes, gib);
  EXPECT_TRUE(options.checkpoint_shapes);
  EXPECT_EQ(options.tuning.panel_bytes, 4 * mib);
  EXPECT_EQ(options.tuning.slots, 5U);
  EXPECT_EQ(options.tuning.host_share, 0.25);
  EXPECT_EQ(options.tuning.prefetch_step, 3U);
  EXPECT_EQ(options.rules.prefetch_step, 3U);
  EXPECT_TRUE(options.graph);
  EXPECT_EQ(options.tokens, (std::vector<std::size_t>{1, 64}));

  const Options groups = parse({"--suite", "decode", "--offload-group-size", "8",
                                "--offload-num-in-group", "2", "--offload-params", "mlp"});
  EXPECT_EQ(groups.rules.group_size, 8U);
  EXPECT_EQ(groups.rules.num_in_group, 2U);
  EXPECT_EQ(groups.rules.offload_params, (Names{"mlp"}));

  const Options experts =
      parse({"--suite", "decode", "--model", "qwen3-30b-a3b", "--n-cpu-moe", "12"});
  EXPECT_EQ(experts.rules.n_cpu_moe, std::size_t{12});
  EXPECT_FALSE(experts.rules.n_gpu_layers);

  for (const Args& layers : {Args{"--n-gpu-layers", "20"}, Args{"-ngl", "20"}, Args{"-ngl=20"},
                             Args{"--gpu-layers=20"}}) {
    EXPECT_EQ(parse(layers).rules.n_gpu_layers, std::size_t{20}) << layers[0];
  }
  const Options both = parse({"-ngl", "99", "-ncmoe", "12"});
  EXPECT_EQ(both.rules.n_gpu_layers, std::size_t{99});
  EXPECT_EQ(both.rules.n_cpu_moe, std::size_t{12});
}

TEST(ModelOptions, HaveTheEnginesDefaults) {
  const Options options = parse({});
  EXPECT_EQ(options.rules.cpu_offload_gb, 0);
  EXPECT_EQ(options.rules.group_size, 0U);
  EXPECT_EQ(options.rules.num_in_group, 1U);
  EXPECT_EQ(options.rules.prefetch_step, 1U);
  EXPECT_FALSE(options.rules.n_cpu_moe);
  EXPECT_EQ(options.slice_bytes, 2 * gib);
  EXPECT_FALSE(options.tuning.panel_bytes);
  EXPECT_FALSE(options.tuning.host_share);
  EXPECT_EQ(options.tuning.slots, 3U);
  EXPECT_EQ(options.tuning.prefetch_step, 1U);
  EXPECT_FALSE(options.graph);
}

TEST(ModelOptions, SamplesAreTheSuitesUnlessGiven) {
  EXPECT_EQ(parse({"--suite", "quick"}).samples, 10U);
  EXPECT_EQ(parse({"--suite", "full"}).samples, 15U);
  for (const Suite& suite : suites()) {
    const std::string name(suite.name);
    EXPECT_EQ(parse({"--suite", name.c_str()}).samples, suite.samples) << name;
    EXPECT_EQ(parse({"--suite", name.c_str(), "--samples", "4"}).samples, 4U) << name;
    EXPECT_EQ(parse({"--samples", "15", "--suite", name.c_str()}).samples, 15U) << name;
  }
}

TEST(ModelOptions, EachMistakeGetsOneClearLine) {
  struct Mistake {
    Args args;
    const char* expected;
  };
  const std::vector<Mistake> mistakes{
      {{"--workloads", "gmm/tokens:512"}, "unknown workload 'gmm': did you mean 'gemm'?"},
      {{"--workloads", "gemm.m512"}, "unknown workload 'gemm.m512': did you mean 'gemm'?"},
      {{"--workloads", "gemm/tokens:x", "--sizes", "1MiB"},
       "gemm/tokens:x: gemm takes 1 to 65536 tokens"},
      {{"--workloads", "gemv/tokens:5"}, "gemv/tokens:5: gemv has no parameter 'tokens'"},
      {{"--suite", "gemm", "--workloads", "gemm/tokens:0"}, "gemm takes 1 to 65536 tokens"},
      {{"--suite", "decode", "--workloads", "decode/tokens:300"},
       "decode/tokens:300: decode takes 1 to 256 tokens"},
      {{"--suite", "decode", "--tokens", "300"}, "--tokens 300: decode takes 1 to 256"},
      {{"--suite", "decode", "--tokens", "32,300"}, "--tokens 300: decode takes 1 to 256"},
      {{"--suite", "prefill", "--tokens", "32"}, "--tokens 32: prefill takes 512 to 8192"},
      {{"--workloads", "decode,prefill", "--tokens", "300"},
       "--tokens 300: decode takes 1 to 256 tokens, prefill takes 512 to 8192 tokens"},
      {{"--weights", "llama3.1-8b.up_proj"}, "unknown weights 'llama3.1-8b.up_proj': did you mean"},
      {{"--weights", "llama3.1-8b-fp8"},
       "unknown weights 'llama3.1-8b-fp8': its name says fp8; another dtype follows a projection"},
      {{"--weights", "llama3.1-8b.down_proj.int4"}, "its name says int4; another dtype follows"},
      {{"--model", "llama3.1-8b.o_proj"}, "unknown model 'llama3.1-8b.o_proj'"},
      {{"--tensor", "a:3x5:bf16,a:3x6:bf16"}, "two different weights are named 'a'"},
      {{"explain", "gemv/host_compute"}, "a case is named <workload>/<policy>/<weights>/<start>"},
      {{"explain", "gemv/host_compute/1MiB/hot"}, "unknown start 'hot'"},
      {{"--tokens", "16"}, "--tokens: none of gemv, stream_read, pointer_chase has a choice"},
      {{"--tokens", "0"}, "--tokens: must be a whole number from 1 to 65536, not '0'"},
      {{"--tokens", "65537"}, "--tokens: must be a whole number from 1 to 65536"},
      {{"--tokens", "1,,2"}, "--tokens: has an empty item"},
      {{"--suite", "gemm", "--workloads", "gemm/chunk:512"},
       "gemm/chunk:512: gemm has no parameter 'chunk'"},
      {{"--suite", "gemm", "--workloads", "gemm/chunk:512", "--tokens", "5"},
       "gemm/chunk:512: gemm has no parameter 'chunk'"},
      {{"--workloads", "row_gather/chunk:768", "--sizes", "1MiB"},
       "row_gather/chunk:768: row_gather takes chunks of 512B to 2MiB, powers of two"},
      {{"--workloads", "expert_gather/skew:2", "--weights", "mixtral-8x7b.experts"},
       "expert_gather/skew:2: expert_gather takes a skew of 0 to 1.5"},
      {{"--chunks", "4KiB"}, "--chunks: none of gemv, stream_read, pointer_chase has a choice of"},
      {{"--workloads", "row_gather", "--sizes", "1MiB", "--chunks", "4KiB,3KiB"},
       "--chunks 3KiB: row_gather takes chunks of 512B to 2MiB, powers of two"},
      {{"--chunks", "4KB"}, "write 4KiB"},
      {{"--skew", "1"}, "--skew: none of gemv, stream_read, pointer_chase has a choice of skew"},
      {{"--skew", "1.51"},
       "--skew: must be a number from 0 to 1.5 with at most two decimals, not '1.51'"},
      {{"--skew", "1.234"}, "--skew: must be a number"},
      {{"--skew", "-0.5"}, "--skew: must be a number"},
      {{"--skew", "1."}, "--skew: must be a number"},
      {{"--skew", ".5"}, "--skew: must be a number"},
      {{"--skew", "184467440737095517"}, "--skew: must be a number"},
      {{"--workloads", "expert_gather", "--sizes", "1MiB"},
       "expert_gather cannot read 1MiB: expert_gather reads stacked experts"},
      {{"--suite", "decode", "--tensor", "a:16x16:bf16"}, "suite decode walks a model"},
      {{"--suite", "decode", "--sizes", "1MiB"}, "walks a model"},
      {{"--workloads", "decode", "--weights", "llama3.1-8b.o_proj"}, "--model"},
      {{"--suite", "decode", "--model", "llama3.1-9b"},
       "unknown model 'llama3.1-9b': did you mean 'llama3.1-8b'?"},
      {{"--slice", "0"}, "must be at least 1 byte"},
      {{"--slice", "4GB"}, "write 4GiB"},
      {{"--panel", "0"}, "must be at least 1 byte"},
      {{"--panel", "2MB"}, "write 2MiB"},
      {{"--panel", "2048GiB"}, "--panel: must be at most 1024GiB, not '2048GiB'"},
      {{"--panel", "288230376151711744"}, "--panel: must be at most"},  // times 64 slots is 2^64
      {{"--slots", "0"}, "--slots: must be a whole number from 1 to 64, not '0'"},
      {{"--slots", "65"}, "--slots: must be a whole number from 1 to 64"},
      {{"--host-share", "1.5"}, "--host-share: must be a number from 0 to 1, not '1.5'"},
      {{"--host-share", "-0.1"}, "--host-share: must be a number from 0 to 1"},
      {{"--host-share", "nan"}, "--host-share: must be a number from 0 to 1"},
      {{"--host-share", "half"}, "--host-share: must be a number from 0 to 1"},
      {{"--host-share", "0.5x"}, "--host-share: must be a number from 0 to 1"},
      {{"--offload-prefetch-step", "0"}, "--offload-prefetch-step: must be a whole number from 1"},
      {{"--suite", "decode", "--cpu-offload-gb", "-1"},
       "--cpu-offload-gb: must be a number from 0"},
      {{"--suite", "decode", "--cpu-offload-gb", "inf"}, "--cpu-offload-gb: must be a number"},
      {{"--suite", "decode", "--cpu-offload-gb", "1e9"}, "--cpu-offload-gb: must be a number"},
      {{"--suite", "decode", "--cpu-offload-params", "mlp"},
       "--cpu-offload-params offloads nothing without --cpu-offload-gb"},
      {{"--suite", "decode", "--cpu-offload-gb", "1", "--cpu-offload-params", "w2"},
       "--cpu-offload-params 'w2'"},
      {{"--suite", "decode", "--offload-num-in-group", "2"},
       "offload nothing without --offload-group-size"},
      {{"--suite", "decode", "--offload-params", "mlp"},
       "offload nothing without --offload-group-size"},
      {{"--suite", "decode", "--offload-group-size", "2", "--offload-num-in-group", "3"},
       "--offload-num-in-group must be from 1 to --offload-group-size, 2"},
      {{"--suite", "decode", "--offload-group-size", "0"}, "--offload-group-size: must be a whole"},
      {{"--suite", "decode", "--n-cpu-moe", "3"}, "--n-cpu-moe: llama3.1-8b has no experts"},
      {{"--suite", "decode", "--model", "qwen3-30b-a3b", "--n-cpu-moe", "3", "--cpu-offload-gb",
        "4"},
       "give those of one engine"},
      {{"--suite", "decode", "-ngl", "8", "--cpu-offload-gb", "4"},
       "--n-gpu-layers is llama.cpp's rule, --cpu-offload-gb and --offload-group-size are vLLM's"},
      {{"--suite", "decode", "-ngl", "8", "--offload-group-size", "4"}, "give those of one engine"},
      {{"--suite", "decode", "-ngl", "auto"},
       "--n-gpu-layers: must be a whole number from 0 to 100000, not 'auto'"},
      {{"--suite", "decode", "-ngl"}, "--n-gpu-layers: needs a value"},
      {{"--suite", "decode", "-ngl", "8", "--n-gpu-layers", "9"},
       "--n-gpu-layers: was given more than once"},
      {{"--suite", "decode", "-ngl", "99", "-ncmoe", "4"},
       "--n-cpu-moe: llama3.1-8b has no experts"},
      // Rules for models where none is walked would go unnoticed.
      {{"-ngl", "8"}, "--n-gpu-layers is about whole models"},
      {{"--cpu-offload-gb", "4"}, "--cpu-offload-gb"},
      {{"--suite", "gemm", "--n-cpu-moe", "4"}, "--n-cpu-moe"},
      {{"--offload-group-size", "4"}, "--offload-group-size"},
      {{"--checkpoint-shapes"}, "--checkpoint-shapes"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string text = refusal(mistake.args);
    EXPECT_NE(text.find(mistake.expected), std::string::npos)
        << mistake.args.front() << " " << mistake.args.back() << ": " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(ModelOptions, TokensReplaceThoseOfTheSuite) {
  EXPECT_EQ(cases({"--suite", "decode"}),
            (Names{"decode/tokens:1/device_resident/llama3.1-8b/steady",
                   "decode/tokens:32/device_resident/llama3.1-8b/steady"}));
  EXPECT_EQ(cases({"--suite", "decode", "--tokens", "7"}),
            (Names{"decode/tokens:7/device_resident/llama3.1-8b/steady"}));
  EXPECT_EQ(cases({"--workloads", "decode,prefill", "--tokens", "8,512"}),
            (Names{"decode/tokens:8/device_resident/llama3.1-8b/steady",
                   "prefill/tokens:512/device_resident/llama3.1-8b/steady"}));
  EXPECT_EQ(cases({"--workloads", "GEMM/tokens:48", "--sizes", "1MiB"}),
            (Names{"gemm/tokens:48/device_resident/1MiB/steady"}));
  EXPECT_EQ(cases({"--workloads", "gemm,gemv", "--tokens", "48", "--sizes", "1MiB"}).size(), 2U)
      << "a workload without a parameter goes with one that has it";
}

TEST(ModelOptions, ChunksAndSkewReplaceThoseOfTheSuite) {
  EXPECT_EQ(parse({"--suite", "micro", "--skew", "0,0.5,1.25,1.5"}).skews,
            (std::vector<std::size_t>{0, 50, 125, 150}));
  EXPECT_EQ(parse({"--suite", "micro", "--chunks", "512..32KiB*8"}).chunks,
            (std::vector<std::size_t>{512, 4096, 32768}));
  EXPECT_EQ(cases({"--workloads", "row_gather", "--sizes", "1MiB", "--chunks", "8KiB"}),
            (Names{"row_gather/chunk:8192/device_resident/1MiB/steady"}));
  EXPECT_EQ(cases({"--workloads", "expert_gather", "--weights", "mixtral-8x7b.experts", "--skew",
                   "0.75"}),
            (Names{"expert_gather/skew:0.75/device_resident/mixtral-8x7b.experts/steady"}));
  EXPECT_EQ(cases({"--workloads", "expert_gather/skew:0.50", "--weights", "mixtral-8x7b.experts"}),
            (Names{"expert_gather/skew:0.5/device_resident/mixtral-8x7b.experts/steady"}));
  EXPECT_EQ(cases({"--suite", "micro", "--workloads", "row_gather"}).size(), 4U);
  EXPECT_EQ(cases({"--suite", "micro", "--workloads", "expert_gather,row_gather/chunk:512"}).size(),
            5U);
}

TEST(ModelOptions, AWorkloadWithoutATokenCountTakesTheSuites) {
  EXPECT_EQ(cases({"--suite", "gemm", "--workloads", "gemm"}).size(), 8U);
  EXPECT_EQ(cases({"--suite", "quick", "--workloads", "gemm", "--sizes", "1MiB"}),
            (Names{"gemm/tokens:512/device_resident/1MiB/steady"}));
}

TEST(ModelOptions, EveryModelNamedIsWalked) {
  EXPECT_EQ(cases({"--suite", "decode", "--tokens", "1", "--model", "llama3.1-8b,qwen3-30b-a3b"}),
            (Names{"decode/tokens:1/device_resident/llama3.1-8b/steady",
                   "decode/tokens:1/device_resident/qwen3-30b-a3b/steady"}));
  // Single matrices of a model, for workloads that take them.
  EXPECT_EQ(cases({"--workloads", "gemv", "--model", "llama3.1-8b"}).size(), 4U);
}

TEST(ModelOptions, SaysWhichPresetStandsForAModel) {
  const Args decode{"--suite", "decode", "--tokens", "1", "--model", "llama-3.3-70b"};
  EXPECT_EQ(cases(decode), (Names{"decode/tokens:1/device_resident/llama3.1-70b/steady"}));
  const std::string note = "llama3.3-70b has the shapes of llama3.1-70b";
  EXPECT_EQ(plan_of(decode).warnings(), Names{note});
  EXPECT_EQ(plan_of({"--workloads", "gemv", "--model", "llama3.3-70b"}).warnings(), Names{note});
  EXPECT_EQ(plan_of({"--weights", "llama3.3-70b.down_proj,llama3.3-70b.o_proj"}).warnings(),
            Names{note});
  EXPECT_TRUE(plan_of({"--weights", "llama3.1-70b.down_proj"}).warnings().empty());
  EXPECT_TRUE(plan_of({"--suite", "decode", "--model", "llama3.1-8b"}).warnings().empty());
}

TEST(ModelOptions, ExpertsOfATokenAreTheFilesOrElseTheFlags) {
  Checkpoint experts;
  experts.add("model.layers.0.mlp.gate.weight", "BF16", "4,16", 128);
  for (const std::string number : {"0", "1", "2", "3"}) {
    experts.add("model.layers.0.mlp.experts." + number + ".up_proj.weight", "BF16", "8,16", 256);
  }
  const TempDirectory directory;
  const std::string path = directory.write("Four/model.safetensors", experts.header()).string();
  const auto decode = [](const std::string& model, const char* experts_per_token) {
    return Args{"--suite",         "decode",  "--tokens",   "1", "--experts-per-token",
                experts_per_token, "--model", model.c_str()};
  };
  const Plan plan = plan_of(decode(path, "2"));
  ASSERT_EQ(plan.weights.size(), 1U);
  EXPECT_EQ(plan.weights[0]->slice->experts_per_token, 2U);
  EXPECT_TRUE(
      says(refusal({"--suite", "decode", "--model", path.c_str()}), "give --experts-per-token"));
  EXPECT_TRUE(says(refusal(decode(path, "5")), "--experts-per-token 5: Four has 4 experts"));
  EXPECT_TRUE(says(refusal(decode("llama3.1-8b", "2")), "llama3.1-8b has 0 experts"));
  EXPECT_TRUE(says(refusal(decode("mixtral-8x7b", "4")), "a token takes 2 by the files of"));
  EXPECT_EQ(plan_of(decode("mixtral-8x7b", "2")).weights[0]->slice->experts_per_token, 2U);
  EXPECT_TRUE(says(refusal({"--workloads", "gemv", "--experts-per-token", "2"}),
                   "--experts-per-token is about whole models"));
}

TEST(ModelOptions, RulesDecideWhatIsResident) {
  const Plan plan = plan_of({"--suite", "decode", "--tokens", "1", "--offload-group-size", "4",
                             "--offload-num-in-group", "1", "--policies", "pinned_copy"});
  ASSERT_EQ(plan.weights.size(), 1U);
  ASSERT_TRUE(plan.weights[0]->slice);
  // The last of each four of 32 layers, of 436,207,616 bytes each.
  EXPECT_EQ(plan.weights[0]->slice->offloaded_bytes, 8U * 436'207'616);
  for (const WeightTensor& tensor : plan.weights[0]->tensors) {
    EXPECT_EQ(tensor.resident, tensor.layer % 4 != 3) << tensor.name;
  }
}

TEST(ModelOptions, LayersOnTheGpuAreTheLastOnes) {
  const Plan plan = plan_of({"--suite", "decode", "--tokens", "1", "-ngl", "25", "--policies",
                             "host_compute,pinned_copy"});
  ASSERT_EQ(plan.weights.size(), 1U);
  EXPECT_EQ(plan.weights[0]->slice->offloaded_bytes, 8U * 436'207'616);
  for (const WeightTensor& tensor : plan.weights[0]->tensors) {
    EXPECT_EQ(tensor.resident, tensor.layer >= 8) << tensor.name;
  }
  EXPECT_TRUE(plan.warnings().empty());
  EXPECT_EQ(plan_of({"--suite", "decode", "-ngl", "0"}).warnings().size(), 1U);
}

TEST(ModelOptions, WhatIsWhollyResidentHasOnePolicy) {
  Platform platform = gpu_machine();
  MemoryModel& can = platform.gpu->memory_model;
  can.pageable_memory_access = can.host_register = can.host_numa_vmm = can.batched_copies = true;
  const Plan plan = plan_of(
      {"--suite", "decode", "--tokens", "1", "--model", "qwen3-30b-a3b", "--n-cpu-moe", "0"},
      platform);
  std::set<std::string> policies;
  for (const Case& item : plan.cases) policies.emplace(item.policy->name);
  EXPECT_EQ(policies, std::set<std::string>{"device_resident"});
  for (const SkippedCase& skipped : plan.skipped) {
    EXPECT_EQ(skipped.reason, "nothing is offloaded: qwen3-30b-a3b is resident as a whole")
        << skipped.name;
  }
  EXPECT_FALSE(plan.skipped.empty());
}

TEST(ModelOptions, TheCpuSkipsWhatIsTooMuchForIt) {
  const Plan plan = plan_of({"--suite", "prefill", "--policies", "host_compute"}, cpu_machine());
  EXPECT_TRUE(plan.cases.empty());
  ASSERT_EQ(plan.skipped.size(), 2U);
  EXPECT_EQ(plan.skipped[0].reason, "too many tokens for the CPU: prefill/tokens:512");
}

TEST(ModelOptions, AChainIsNotDivided) {
  const Plan plan = plan_of({"--workloads", "pointer_chase,stream_read", "--sizes", "64MiB",
                             "--policies", "pinned_ring_copy"});
  ASSERT_EQ(plan.cases.size(), 1U);
  EXPECT_EQ(plan.cases[0].workload->name(), "stream_read");
  ASSERT_EQ(plan.skipped.size(), 1U);
  EXPECT_EQ(plan.skipped[0].reason,
            "pointer_chase needs tensors whole, and pinned_ring_copy shows them in parts");
}

}  // namespace
}  // namespace offload
