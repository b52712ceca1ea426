// SPDX-License-Identifier: Apache-2.0
// Which modules a config leaves alone, and what of its quantisation is refused.
#include "bench/models/quantization.hpp"

#include <gtest/gtest.h>

#include <string>

#include "bench/models/hf_config.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

const std::string layer = "model.layers.0.";

Quantization read(const std::string& json) {
  const ConfigFields fields(parse_json(json, "config.json"), "config.json");
  return quantization_by(fields.text("quant_method").value(), fields, "config.json").value();
}

std::string complaint(const std::string& json) {
  return testing::message_of<UsageError>([&] { read(json); });
}

std::string group(const std::string& weights, const std::string& more = "") {
  return R"({"targets":["Linear"],"weights":{)" + weights + "}" + more + "}";
}
const std::string four_bits = R"("num_bits":4,"strategy":"group","group_size":128)";

/// compressed-tensors, with one group unless `groups` has others.
std::string compressed(const std::string& more, const std::string& groups = "") {
  const std::string one = groups.empty() ? R"("group_0":)" + group(four_bits) : groups;
  return R"({"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{)" +
         one + "}," + more + "}";
}
std::string ignoring(const std::string& names) {
  return compressed(R"("ignore":["lm_head",)" + names + "]");
}

TEST(Quantization, ModulesAreKeptByExpression) {
  const Quantization end = read(ignoring(R"("re:.*mlp\\.down_proj$")"));
  EXPECT_TRUE(end.kept_modules.holds(layer + "mlp.down_proj"));
  EXPECT_FALSE(end.kept_modules.holds(layer + "mlp.down_proj_too"));
  EXPECT_FALSE(end.kept_modules.holds(layer + "mlp.up_proj"));
  const Quantization open = read(ignoring(R"("re:^model.layers.0.self_attn")"));
  EXPECT_TRUE(open.kept_modules.holds(layer + "self_attn.q_proj"));
  EXPECT_FALSE(open.kept_modules.holds("model.layers.1.self_attn.q_proj"));
  EXPECT_FALSE(open.kept_modules.holds("outer." + layer + "self_attn.q_proj"));
  EXPECT_TRUE(read(ignoring(R"("model.layers.0.mlp.up_proj")")).kept_modules.holds(layer + "mlp.up_proj"));
  EXPECT_TRUE(says(complaint(ignoring(R"("re:.*layers\\.(0|1)\\..*")")),
                   "ignore with the expression '.*layers\\.(0|1)\\..*' is not supported; give"));
}

TEST(Quantization, ModulesAreKeptByTheListOfEachMethod) {
  const auto kept = [](const std::string& json) {
    return read(json).kept_modules.holds(layer + "self_attn.o_proj");
  };
  EXPECT_TRUE(kept(R"({"quant_method":"awq","bits":4,"group_size":128,)"
                   R"("modules_to_not_convert":["self_attn"]})"));
  EXPECT_FALSE(kept(R"({"quant_method":"awq","bits":4,"group_size":128})"));
  EXPECT_TRUE(kept(R"({"quant_method":"bitsandbytes","load_in_4bit":true,)"
                   R"("llm_int8_skip_modules":["lm_head","o_proj"]})"));
  EXPECT_FALSE(kept(R"({"quant_method":"bitsandbytes","llm_int8_skip_modules":null})"));
}

TEST(Quantization, WhatIsNotOneGroupOfAllLinearModulesIsRefused) {
  const std::string head = R"("ignore":["lm_head"])";
  EXPECT_EQ(complaint(compressed(head)), "");
  const auto refused = [&](const std::string& json, const std::string& what) {
    EXPECT_TRUE(says(complaint(json), what + " is not supported; give the model's safetensors"))
        << json;
  };
  refused(compressed(R"("ignore":[])"), "ignore without 'lm_head'");
  refused(compressed(head + R"(,"sparsity_config":{"format":"sparse-24-bitmask"})"),
          "sparsity_config");
  refused(compressed(head + R"(,"kv_cache_scheme":{"num_bits":8})"), "kv_cache_scheme");
  refused(compressed(head, R"("a":)" + group(four_bits) + R"(,"b":)" + group(four_bits)),
          "anything but one group in config_groups");
  refused(compressed(head, R"("a":{"targets":["re:.*mlp.*"],"weights":{}})"),
          "targets other than 'Linear'");
  refused(compressed(head, R"("a":)" + group(R"("num_bits":4,"strategy":"odd")")),
          "strategy 'odd'");
  refused(compressed(head, R"("a":)" + group(four_bits, R"(,"format":"marlin-24")")),
          "format 'marlin-24'");
  refused(compressed(head, R"("a":)" + group(R"("num_bits":8,"strategy":"channel",)"
                                             R"("symmetric":false)",
                                             R"(,"format":"int-quantized")")),
          "format 'int-quantized' with zero points");
}

}  // namespace
}  // namespace offload
