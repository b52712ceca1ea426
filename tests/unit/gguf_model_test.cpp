// SPDX-License-Identifier: Apache-2.0
// From GGUF files to a model.
#include "bench/models/gguf.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;
using Names = std::vector<std::string>;

std::vector<std::string> names_of(const std::vector<ModelTensor>& tensors) {
  std::vector<std::string> names;
  names.reserve(tensors.size());
  for (const ModelTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}

std::string complaint(const std::filesystem::path& path) {
  return testing::message_of<UsageError>([&] { read_gguf(path); });
}

constexpr std::uint32_t q8_0 = 8;
constexpr std::uint32_t mxfp4 = 39;

/// A mixture of experts, its tensors in an order nobody executes.
GgufWriter moe_gguf() {
  GgufWriter file;
  file.key_text("general.architecture", "gpt-oss")
      .key_u32("gpt-oss.block_count", 2)
      .key_u32("gpt-oss.context_length", 131072)
      .key_u32("gpt-oss.expert_count", 4)
      .key_u32("gpt-oss.expert_used_count", 2);
  std::uint64_t offset = 0;
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> dimensions,
                       std::uint32_t type, std::uint64_t bytes) {
    file.tensors.push_back({name, std::move(dimensions), type, offset});
    offset += (bytes + 31) / 32 * 32;
  };
  for (const std::string layer : {"blk.1.", "blk.0."}) {
    add(layer + "ffn_down_exps.weight", {32, 64, 4}, mxfp4, 4UL * 64 * 17);
    add(layer + "ffn_gate_exps.weight", {64, 32, 4}, mxfp4, 4UL * 32 * 34);
    add(layer + "ffn_up_exps.weight", {64, 32, 4}, mxfp4, 4UL * 32 * 34);
    add(layer + "ffn_gate_inp.weight", {64, 4}, 0, 1024);
    add(layer + "attn_output.weight", {64, 64}, q8_0, 64UL * 68);
    add(layer + "attn_k.weight", {64, 32}, q8_0, 32UL * 68);
    add(layer + "attn_q.weight", {64, 64}, q8_0, 64UL * 68);
    add(layer + "attn_v.weight", {64, 32}, q8_0, 32UL * 68);
    add(layer + "attn_q.bias", {64}, 0, 256);
    add(layer + "post_attention_norm.weight", {64}, 0, 256);
    add(layer + "attn_norm.weight", {64}, 0, 256);
  }
  add("output.weight", {64, 100}, q8_0, 100UL * 68);
  add("output_norm.weight", {64}, 0, 256);
  add("token_embd.weight", {64, 100}, q8_0, 100UL * 68);
  return file;
}

TEST(GgufModel, PutsLayersInTheOrderTheyRun) {
  const TempDirectory directory;
  const Model model = read_gguf(directory.write("oss.gguf", moe_gguf().header()));
  EXPECT_EQ(model.name, "oss");
  EXPECT_EQ(model.architecture, "gpt-oss");
  EXPECT_EQ(model.experts, 4U);
  EXPECT_EQ(model.experts_per_token, 2U);
  EXPECT_EQ(model.context, 131072U);
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(names_of(model.layers[0].tensors),
            (Names{"blk.0.attn_norm.weight", "blk.0.attn_q.weight", "blk.0.attn_q.bias",
                   "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_output.weight",
                   "blk.0.post_attention_norm.weight", "blk.0.ffn_gate_inp.weight",
                   "blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_exps.weight",
                   "blk.0.ffn_down_exps.weight"}));
  const ModelTensor& down = model.layers[0].tensors.back();
  EXPECT_EQ(down.part, Part::experts);
  EXPECT_EQ(down.dtype, "MXFP4");
  EXPECT_EQ(down.shape, (Shape{4, 64, 32}));
  EXPECT_EQ(down.parameters, 4U * 64 * 32);
  EXPECT_EQ(down.bytes, 4U * 64 * 17);
  ASSERT_EQ(model.ends.size(), 3U);
  EXPECT_EQ(model.ends[0].part, Part::head);
  EXPECT_EQ(model.ends[1].part, Part::norm);
  EXPECT_EQ(model.ends[2].part, Part::embedding);
}

TEST(GgufModel, MakesAPlainNameOfTheGivenOne) {
  const TempDirectory directory;
  const Model model = read_gguf(directory.write("small.gguf", small_gguf().header()));
  EXPECT_EQ(model.name, "Small-Llama-1--tuned");
  EXPECT_EQ(model.source, (directory.path() / "small.gguf").string());
}

TEST(GgufModel, RefusesKeysThatContradictTheTensors) {
  const TempDirectory directory;
  GgufWriter file = small_gguf();
  file.tensors.push_back({"blk.2.attn_q.weight", {256, 2}, 12, 65536});
  EXPECT_TRUE(
      says(complaint(directory.write("hole.gguf", file.header())), "has layer 2 but no layer 1"));
  file.tensors.back().name = "blk.1.attn_q.weight";
  EXPECT_TRUE(says(complaint(directory.write("more.gguf", file.header())),
                   "block_count is 1, but there are tensors for 2"));
  file.tensors.back().name = "blk.999999999.attn_q.weight";
  EXPECT_TRUE(says(complaint(directory.write("far.gguf", file.header())),
                   "has layer 999999999 but no layer 1"));
  file = small_gguf();
  file.tensors.push_back({"blk.0.ffn_up_exps.weight", {256, 2, 8}, 12, 65536});
  file.key_u32("llama.expert_count", 16);
  EXPECT_TRUE(says(complaint(directory.write("experts.gguf", file.header())),
                   "expert_count is 16, but the tensors hold 8"));
  for (const std::string number : {"1000000000", "99999999999999999999999"}) {
    file = small_gguf();
    file.tensors.resize(1);
    file.tensors.back().name = "blk." + number + ".attn_q.weight";
    EXPECT_TRUE(says(complaint(directory.write("long.gguf", file.header())),
                     "layer number of tensor '" + file.tensors.back().name + "' is too large"));
  }
  file = small_gguf();
  file.tensors.resize(1);
  file.tensors.back().name = "blk.0.attn_q.weight";
  file.tensors.back().dimensions = {0, 0};
  EXPECT_TRUE(says(complaint(directory.write("nothing.gguf", file.header())),
                   "'blk.0.attn_q.weight' holds nothing"));
  file = small_gguf();
  file.tensors.resize(1);
  EXPECT_TRUE(says(complaint(directory.write("none.gguf", file.header())),
                   "no tensor is named after a layer"));
  EXPECT_TRUE(says(complaint(directory.write("anonymous.gguf", GgufWriter().header())),
                   "no general.architecture"));
  EXPECT_TRUE(says(complaint(directory.path() / "absent.gguf"), "no such file"));
  EXPECT_TRUE(says(complaint(directory.path()), "not a regular file"));
}

/// File `number` (from 1) of `count`: the first has the keys, each has a layer.
GgufWriter split_gguf(std::uint32_t number, std::uint32_t count) {
  GgufWriter file;
  if (number == 1) {
    file.key_text("general.architecture", "llama").key_u32("llama.block_count", count);
  }
  file.key("split.no", GgufWriter::u16, little_endian(number - 1, 2))
      .key("split.count", GgufWriter::u16, little_endian(count, 2));
  file.tensors = {{"blk." + std::to_string(number - 1) + ".attn_q.weight", {64, 64}, 0, 0}};
  return file;
}

TEST(GgufModel, ReadsAllFilesOfASplitModel) {
  const TempDirectory directory;
  const auto first = directory.write("m-00001-of-00002.gguf", split_gguf(1, 2).header());
  EXPECT_TRUE(says(complaint(first), "m-00002-of-00002.gguf is missing"));
  const auto second = directory.write("m-00002-of-00002.gguf", split_gguf(2, 2).header());
  const Model model = read_gguf(first);
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.layers[1].tensors[0].name, "blk.1.attn_q.weight");

  EXPECT_TRUE(says(complaint(second), "give the first, named *-00001-of-00002.gguf"));
  directory.write("m-00002-of-00002.gguf", split_gguf(3, 4).header());
  EXPECT_TRUE(says(complaint(first), "is not file 2 of 2"));
  GgufWriter twice = split_gguf(2, 2);
  twice.tensors[0].name = "blk.0.attn_q.weight";
  directory.write("m-00002-of-00002.gguf", twice.header());
  EXPECT_TRUE(says(complaint(first), "'blk.0.attn_q.weight' is in two"));
}

TEST(GgufModel, RefusesByNameWhatIsNoModel) {
  const TempDirectory directory;
  for (const std::string type : {"adapter", "imatrix", "mmproj", "vocab"}) {
    GgufWriter file;
    file.key_text("general.type", type);
    EXPECT_TRUE(says(complaint(directory.write("a.gguf", file.header())),
                     "its general.type is '" + type + "', so it is not a model"));
  }
  GgufWriter draft;
  draft.key_text("general.architecture", "eagle3");
  EXPECT_TRUE(says(complaint(directory.write("a.gguf", draft.header())),
                   "'eagle3', so it is a "
                   "draft"));
  GgufWriter file = small_gguf();
  file.key_text("general.type", "model");
  EXPECT_EQ(complaint(directory.write("a.gguf", file.header())), "");
}

}  // namespace
}  // namespace offload
