// SPDX-License-Identifier: Apache-2.0
// Advice for Llama-3.1-8B, whose figures are known: 32 layers of 416 MiB of linear weights.
#include "bench/measure/advice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bench/measure/crossovers.hpp"
#include "bench/models/kv_cache.hpp"
#include "bench/models/presets.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

constexpr std::uint64_t layer_bytes = 436'207'616;

Rates rates() {
  Rates rates;
  rates.copy_h2d = 50e9;
  rates.copy_start = 3e-6;
  rates.batch_start = 0;
  rates.sm_read_pinned = 45e9;
  rates.device_read = 1e12;
  rates.launch = 4e-6;
  rates.host_read = 100e9;
  rates.host_read_beside_copy = 80e9;
  rates.copy_h2d_beside_host = 45e9;
  rates.hand_over = 15e-6;
  for (const std::size_t tokens : {std::size_t{1}, std::size_t{512}}) {
    const ProductShape shape{DType::bf16, 4096, 4096, tokens};
    rates.products.push_back(
        {shape, Rereads::as_engines_do, tokens == 1 ? 40e-6 : 80e-6, tokens == 1 ? 1U : 2U});
    rates.products.push_back({shape, Rereads::none, tokens == 1 ? 40e-6 : 90e-6, 1});
  }
  rates.host_products = {{{DType::bf16, 4096, 4096, 1}, Rereads::as_engines_do, 400e-6, 1},
                         {{DType::bf16, 4096, 4096, 256}, Rereads::as_engines_do, 10e-3, 1}};
  return rates;
}

Advice advice(std::uint64_t gpu_memory, Question question = {}) {
  static const Catalog catalog = make_catalog();
  question.gpu_memory = gpu_memory;
  if (question.host_memory == 0) question.host_memory = 64 * GiB;
  return advise(preset_model("llama3.1-8b"), catalog, question, rates(), testing::gpu_machine());
}

const Configuration* configuration_of(const Advice& advice, std::string_view policy) {
  const auto found = std::ranges::find_if(
      advice.configurations, [&](const Configuration& one) { return one.policy->name == policy; });
  return found == advice.configurations.end() ? nullptr : &*found;
}

/// Why a policy is none of the answers; "" where it is one.
std::string misfit_of(const Advice& advice, std::string_view policy) {
  const auto found = std::ranges::find_if(
      advice.misfits, [&](const Misfit& one) { return one.policy->name == policy; });
  return found == advice.misfits.end() ? "" : found->reason;
}

TEST(Advice, CountsWhatIsNeverOffloaded) {
  const FixedMemory fixed = advice(80 * GiB).fixed;
  // 8 heads of 128 for keys and for values, 2 bytes each, in 32 layers: 128 KiB a token.
  EXPECT_EQ(fixed.kv_cache, 4096U * 128 * 1024);
  EXPECT_TRUE(fixed.kv_known);
  EXPECT_EQ(advice(80 * GiB).weight_bytes, 32 * layer_bytes);
}

TEST(Advice, CountsWhatLatentAttentionCaches) {
  // 512 + 64 values a layer, whatever scales its projection has.
  EXPECT_EQ(kv_bytes_per_token(preset_model("deepseek-v3")),
            std::vector<std::uint64_t>(61, 576UL * 2));
}

TEST(Advice, CountsWhatQuantisedProjectionsCache) {
  // Keys of 8 heads of 128, and values likewise, out of a state of 4096; 4 bits in words of 32.
  const auto cached =
      [](std::initializer_list<std::pair<const char*, std::vector<std::uint64_t>>> stored) {
        Model model;
        ModelLayer& layer = model.layers.emplace_back();
        for (const char* matrix : {"k_proj", "v_proj"}) {
          for (const auto& [suffix, shape] : stored) {
            layer.tensors.push_back(
                {std::string("model.layers.0.self_attn.") + matrix + suffix, "I32", shape});
          }
        }
        return kv_bytes_per_token(model);
      };
  const std::vector<std::uint64_t> expected{2 * 1024 * 2};
  EXPECT_EQ(cached({{".qweight", {512, 1024}}, {".scales", {32, 1024}}}), expected) << "GPTQ";
  EXPECT_EQ(cached({{".qweight", {4096, 128}}, {".scales", {32, 1024}}}), expected) << "AWQ";
  EXPECT_EQ(cached({{".weight_packed", {1024, 512}}, {".weight_scale", {1024, 32}}}), expected);
  EXPECT_EQ(cached({{".weight", {1024, 2048}}, {".weight_scale", {1024, 256}}}), expected)
      << "ModelOpt";
  EXPECT_EQ(cached({{".weight", {1024, 512}}, {".scales", {1024, 64}}, {".biases", {1024, 64}}}),
            expected)
      << "MLX";
  EXPECT_EQ(cached({{".weight", {2097152, 1}}, {".weight.absmax", {65536}}}), std::nullopt)
      << "bitsandbytes";
}

TEST(Advice, LetsWhatOffloadsNothingWinATie) {
  Question question;
  question.policies = {"device_resident", "pinned_prefetch2_copy"};
  EXPECT_EQ(advice(80 * GiB, question).configurations.front().policy->name, "device_resident");
}

TEST(Advice, SaysWhyAPolicyThatWasNamedIsNoAnswer) {
  Question question;
  question.policies = {"managed_demand"};
  const Advice moving = advice(8 * GiB, question);
  ASSERT_EQ(moving.misfits.size(), 1U);
  EXPECT_NE(moving.misfits[0].reason.find("has to go home again"), std::string::npos);
  question.policies = {"host_compute"};
  question.engine = "vLLM";
  const Advice other = advice(8 * GiB, question);
  ASSERT_EQ(other.misfits.size(), 1U);
  EXPECT_EQ(other.misfits[0].reason, "vLLM has no setting for it");
}

TEST(Advice, TellsWhatIsNotKnownFromWhatDoesNotFit) {
  static const Catalog catalog = make_catalog();
  Question question;
  question.gpu_memory = 8 * GiB;
  question.host_memory = 64 * GiB;
  const Advice found =
      advise(preset_model("llama3.1-8b"), catalog, question, {}, testing::gpu_machine());
  EXPECT_TRUE(found.configurations.empty());
  EXPECT_EQ(misfit_of(found, "pinned_prefetch_copy"), "a rate that it takes is not known here");
}

TEST(Advice, OffloadsNothingWhereAllFits) {
  const Advice found = advice(80 * GiB);
  EXPECT_TRUE(found.all_fits);
  EXPECT_EQ(found.configurations.front().policy->name, "device_resident");
  EXPECT_EQ(found.best_of_engines, 0U);
  // 13.96 GB over 1 TB/s, by products of 40 us for 33.6 MB: 16.7 ms, and the head of 1.05 GB.
  EXPECT_NEAR(found.configurations.front().step->seconds, 16.64e-3 + 1.6e-3, 0.5e-3);
}

TEST(Advice, OffloadsAsLittleAsFits) {
  const Advice found = advice(12 * GiB);
  EXPECT_FALSE(found.all_fits);
  EXPECT_EQ(configuration_of(found, "device_resident"), nullptr);
  const Configuration* const uva = configuration_of(found, "pinned_zero_copy");
  ASSERT_NE(uva, nullptr);
  EXPECT_LE(uva->memory.device, 12 * GiB);
  EXPECT_GT(uva->memory.device, 10 * GiB);
  // A budget of a GiB less would not fit.
  EXPECT_LE(uva->offloaded_bytes, 32 * layer_bytes - (12 * GiB - found.fixed.bytes()) + 2 * GiB);
  EXPECT_NE(uva->flags.find("vLLM --offload-backend uva --cpu-offload-gb"), std::string::npos);
  EXPECT_EQ(uva->bottleneck, Bottleneck::link);
}

TEST(Advice, RanksBySpeedAndNamesTheFirstWithFlags) {
  const Advice found = advice(8 * GiB);
  ASSERT_GT(found.configurations.size(), 3U);
  for (std::size_t i = 1; i < found.configurations.size(); ++i) {
    EXPECT_LE(found.configurations[i - 1].step->seconds, found.configurations[i].step->seconds);
  }
  EXPECT_EQ(found.configurations.front().policy->name, "hybrid_split");
  ASSERT_TRUE(found.best_of_engines);
  EXPECT_FALSE(found.configurations[*found.best_of_engines].flags.empty());
}

TEST(Advice, KeepsToAnEngine) {
  Question question;
  question.engine = "llama.cpp";
  const Advice found = advice(8 * GiB, question);
  ASSERT_FALSE(found.configurations.empty());
  for (const Configuration& configuration : found.configurations) {
    EXPECT_TRUE(configuration.flags.starts_with("llama.cpp")) << configuration.flags;
  }
}

const Configuration& only_of_llama_cpp(const Advice& found) {
  EXPECT_EQ(found.configurations.size(), 1U);
  return found.configurations.at(0);
}

TEST(Advice, LeavesToTheHostWhatLlamaCppKeepsThere) {
  Question question;
  question.engine = "llama.cpp";
  question.context = 32768;
  const Advice found = advice(12 * GiB, question);
  const Configuration& one = only_of_llama_cpp(found);
  ASSERT_TRUE(one.rules.n_gpu_layers);
  const std::uint64_t on_cpu = 33 - *one.rules.n_gpu_layers;
  const std::uint64_t kv_of_layer = 32768UL * 4096;  // 8 heads of 128, keys and values, 2 bytes
  const std::uint64_t embedding = 128256UL * 4096 * 2;
  EXPECT_EQ(one.offloaded_bytes, on_cpu * layer_bytes);
  EXPECT_EQ(one.memory.host / 4096, (on_cpu * (layer_bytes + kv_of_layer) + embedding) / 4096);
  EXPECT_EQ(one.memory.device, (32 - on_cpu) * (layer_bytes + kv_of_layer) + found.fixed.workspace +
                                   found.fixed.other - embedding);
  // A layer more would not fit.
  EXPECT_GT(one.memory.device + layer_bytes + kv_of_layer, 12 * GiB);
  // 13 products of 4096x4096 a layer, 400 us each by the CPU and 40 us by the GPU; the rest is read
  // at 100 GB/s and 1 TB/s.
  const double cpu = static_cast<double>(on_cpu);
  const double gpu = 32 - cpu;
  const double kv = static_cast<double>(kv_of_layer);
  const double head = static_cast<double>(embedding);
  const double weights = 13 * (cpu * 400e-6 + gpu * 40e-6);
  EXPECT_NEAR(one.step->seconds, weights + cpu * kv / 100e9 + (gpu * kv + head) / 1e12, 0.5e-3);
}

TEST(Advice, CopiesWeightsForEachMicroBatchOfLlamaCpp) {
  Question question;
  question.engine = "llama.cpp";
  question.prompt = 512;
  const Configuration once = only_of_llama_cpp(advice(12 * GiB, question));
  EXPECT_NE(once.flags.find("--no-mmap"), std::string::npos) << once.flags;
  ASSERT_TRUE(once.prompt);
  const double copied = static_cast<double>(once.offloaded_bytes) / 50e9;
  EXPECT_GT(once.prompt->seconds, copied);
  EXPECT_LT(once.prompt->seconds, 1.5 * copied);
  EXPECT_FALSE(once.prompt_at_once) << "it is one micro-batch";
  question.prompt = 2000;
  const Configuration again = only_of_llama_cpp(advice(12 * GiB, question));
  ASSERT_TRUE(again.prompt && again.prompt_at_once);
  EXPECT_NEAR(again.prompt->seconds, 4 * once.prompt->seconds, 0.01);
  EXPECT_LT(again.prompt_at_once->seconds, 0.7 * again.prompt->seconds);
}

TEST(Advice, LetsTheCpuComputeAShortPromptOfLlamaCpp) {
  Question question;
  question.engine = "llama.cpp";
  question.prompt = 16;
  const Configuration one = only_of_llama_cpp(advice(12 * GiB, question));
  EXPECT_EQ(one.flags.find("--no-mmap"), std::string::npos) << one.flags;
  EXPECT_TRUE(one.prompt);
}

TEST(Advice, GivesLlamaCppNoWeightsThatItHasNoTypeFor) {
  static const Catalog catalog = make_catalog();
  Question question;
  question.gpu_memory = 80 * GiB;
  question.host_memory = 1024 * GiB;
  const Advice found =
      advise(preset_model("deepseek-v3"), catalog, question, rates(), testing::gpu_machine());
  EXPECT_NE(misfit_of(found, "host_compute").find("no type for fp8"), std::string::npos);
  for (const Configuration& one : found.configurations) {
    EXPECT_FALSE(one.flags.starts_with("llama.cpp")) << one.flags;
  }
}

TEST(Advice, SaysByHowMuchAPolicyMisses) {
  Question question;
  question.host_memory = 2 * GiB;
  const Advice found = advice(8 * GiB, question);
  EXPECT_TRUE(found.configurations.empty());
  const std::string host = misfit_of(found, "pinned_zero_copy");
  EXPECT_NE(host.find("of host memory, "), std::string::npos) << host;
  const Advice tiny = advice(1 * GiB);
  EXPECT_TRUE(tiny.configurations.empty());
  EXPECT_NE(tiny.misfits.back().reason.find("GPU memory"), std::string::npos);
}

TEST(Advice, LeavesThePromptOutWhereNothingMultipliesItsWeights) {
  static const Catalog catalog = make_catalog();
  Question question;
  question.gpu_memory = 20 * GiB;
  question.host_memory = 64 * GiB;
  const Advice found =
      advise(preset_model("gpt-oss-120b"), catalog, question, rates(), testing::gpu_machine());
  ASSERT_FALSE(found.configurations.empty());
  for (const Configuration& one : found.configurations) {
    EXPECT_TRUE(one.step) << one.policy->name;
    EXPECT_FALSE(one.prompt) << one.policy->name;
  }
}

TEST(Advice, FindsWhereACopyBeatsTheCpu) {
  // 33.6 MB take 671 us to copy and at least 40 us to multiply; the CPU has 400 us for one token
  // and 10 ms for 256, which a line of logarithms crosses between 2 and 4.
  EXPECT_EQ(tokens_to_copy_from({DType::bf16, 4096, 4096, 1}, rates()), 4U);
  EXPECT_FALSE(tokens_to_copy_from({DType::bf16, 4096, 4096, 1}, {}));
  // (3 + 4) us over 1/45 - 1/50 ns per byte
  EXPECT_NEAR(*bytes_to_copy_from(rates()), 7e-6 / (1 / 45e9 - 1 / 50e9), 1);
}

TEST(Crossovers, SayUpToWhichSizeABatchOfCopiesGains) {
  Rates machine;
  machine.copy_h2d = 50e9;
  machine.copy_start = 3e-6;
  EXPECT_FALSE(bytes_to_batch_to(machine));
  machine.batch_start = 1e-6;
  // 1 us + b / 50 GB/s is 95 % of 3 us + b / 50 GB/s.
  EXPECT_NEAR(*bytes_to_batch_to(machine), 1.85e6, 1);
  machine.batch_start = 3e-6;
  EXPECT_FALSE(bytes_to_batch_to(machine));
}

TEST(Crossovers, SayFromWhichSizeFaultsAreWorthIt) {
  Rates machine;
  machine.copy_h2d = 50e9;
  machine.copy_start = 3e-6;
  EXPECT_FALSE(bytes_to_fault_from(machine));
  machine.fault = 10e9;
  EXPECT_TRUE(std::isinf(*bytes_to_fault_from(machine)));
  machine.fault = 100e9;
  machine.fault_run_start = 13e-6;
  EXPECT_NEAR(*bytes_to_fault_from(machine), 1e6, 1);  // 10 us later, and twice as fast
}

TEST(Crossovers, CountTheThreadsThatSaturateMemory) {
  Rates machine;
  EXPECT_FALSE(threads_to_read(machine));
  machine.host_read = 100e9;
  machine.host_read_by_threads = {{1, 12e9}, {4, 48e9}, {8, 98e9}, {16, 100e9}};
  EXPECT_EQ(threads_to_read(machine), 8U);
}

}  // namespace
}  // namespace offload
