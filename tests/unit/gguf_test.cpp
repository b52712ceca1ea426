// SPDX-License-Identifier: Apache-2.0
// GGUF headers: what is read from sound ones, and what is said of broken ones.
#include "bench/models/gguf.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;
using Names = std::vector<std::string>;

GgufHeader read(const std::string& content) {
  std::istringstream in(content);
  return read_gguf_header(in, content.size(), "test.gguf");
}

/// What the reader says of `content`; "" when it takes it.
std::string complaint(const std::string& content) {
  return testing::message_of<UsageError>([&] { read(content); });
}
std::string complaint(const GgufWriter& file) { return complaint(file.header()); }

GgufWriter with_tensor(GgufWriter::Tensor tensor) {
  GgufWriter file;
  file.tensors.push_back(std::move(tensor));
  return file;
}

TEST(Gguf, ReadsValuesAndTensors) {
  GgufWriter file = small_gguf();
  file.key("negative", GgufWriter::i8, little_endian(0xfe, 1))
      .key("wide", GgufWriter::u64, little_endian(1ULL << 63U, 8))
      .key("yes", GgufWriter::boolean, little_endian(1, 1))
      .key("half", GgufWriter::f32, little_endian(0x3f000000, 4))
      .key("third", GgufWriter::f64, little_endian(0x3fd5555555555555, 8));
  const GgufHeader header = read(file.header());
  EXPECT_EQ(header.version, 3U);
  EXPECT_EQ(header.text("general.architecture"), "llama");
  EXPECT_EQ(header.count("llama.block_count", 10), 1U);
  EXPECT_EQ(header.values.at("negative"), GgufHeader::Value(std::int64_t{-2}));
  EXPECT_EQ(header.values.at("wide"), GgufHeader::Value(std::uint64_t{1} << 63U));
  EXPECT_EQ(header.values.at("yes"), GgufHeader::Value(true));
  EXPECT_EQ(header.values.at("half"), GgufHeader::Value(0.5));
  EXPECT_EQ(header.values.at("third"), GgufHeader::Value(1.0 / 3.0));
  ASSERT_EQ(header.tensors.size(), 5U);
  EXPECT_EQ(header.tensors[3].name, "blk.0.attn_q.weight");
  EXPECT_EQ(header.tensors[3].shape, (Shape{8, 256}));
  EXPECT_EQ(header.tensors[3].weights, 2048U);
  EXPECT_EQ(header.tensors[3].bytes, 8U * (2 + 2 + 12 + 128));
  EXPECT_EQ(header.header_bytes, file.header().size());
}

TEST(Gguf, ReadsVersion2AndNamesOthers) {
  GgufWriter file = small_gguf();
  file.version = 2;
  EXPECT_EQ(read(file.header()).version, 2U);
  file.version = 1;
  EXPECT_TRUE(says(complaint(file), "GGUF version 1"));
  file.version = 4;
  EXPECT_TRUE(says(complaint(file), "GGUF version 4"));
  file.version = 0x03000000;
  EXPECT_TRUE(says(complaint(file), "big-endian"));
  EXPECT_TRUE(says(complaint("PK\3\4 and so on"), "not a GGUF file"));
}

TEST(Gguf, SkipsArraysOfEveryKind) {
  const std::string texts = little_endian(GgufWriter::text, 4) + little_endian(2, 8) +
                            GgufWriter::counted("one") + GgufWriter::counted("");
  const std::string numbers =
      little_endian(GgufWriter::u16, 4) + little_endian(3, 8) + little_endian(0, 6);
  const std::string nested =
      little_endian(GgufWriter::array, 4) + little_endian(2, 8) + texts + numbers;
  GgufWriter file;
  file.key("texts", GgufWriter::array, texts)
      .key("numbers", GgufWriter::array, numbers)
      .key("nested", GgufWriter::array, nested)
      .key_text("long", std::string(10'000, 'x'))
      .key_u32("after", 7);
  EXPECT_EQ(read(file.header()).count("after", 7), 7U);
}

TEST(Gguf, KnowsTheBytesOfEveryType) {
  // Weights and bytes of a block, from the fields of ggml's block structures: a half-precision
  // scale is 2 bytes, K-quants are blocks of 256 weights.
  struct Case {
    std::uint32_t id;
    std::string_view name;
    std::uint64_t weights;
    std::uint64_t bytes;
  };
  const Case cases[] = {
      {0, "F32", 1, 4},
      {1, "F16", 1, 2},
      {2, "Q4_0", 32, 2 + 16},
      {3, "Q4_1", 32, 2 + 2 + 16},
      {6, "Q5_0", 32, 2 + 4 + 16},
      {7, "Q5_1", 32, 2 + 2 + 4 + 16},
      {8, "Q8_0", 32, 2 + 32},
      {9, "Q8_1", 32, 2 + 2 + 32},
      {10, "Q2_K", 256, 16 + 64 + 2 + 2},
      {11, "Q3_K", 256, 32 + 64 + 12 + 2},
      {12, "Q4_K", 256, 2 + 2 + 12 + 128},
      {13, "Q5_K", 256, 2 + 2 + 12 + 32 + 128},
      {14, "Q6_K", 256, 128 + 64 + 16 + 2},
      {15, "Q8_K", 256, 4 + 256 + 32},
      {16, "IQ2_XXS", 256, 2 + 64},
      {17, "IQ2_XS", 256, 2 + 64 + 8},
      {18, "IQ3_XXS", 256, 2 + 96},
      {19, "IQ1_S", 256, 2 + 32 + 16},
      {20, "IQ4_NL", 32, 2 + 16},
      {21, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4},
      {22, "IQ2_S", 256, 2 + 64 + 8 + 8},
      {23, "IQ4_XS", 256, 2 + 2 + 4 + 128},
      {24, "I8", 1, 1},
      {25, "I16", 1, 2},
      {26, "I32", 1, 4},
      {27, "I64", 1, 8},
      {28, "F64", 1, 8},
      {29, "IQ1_M", 256, 32 + 16 + 8},
      {30, "BF16", 1, 2},
      {34, "TQ1_0", 256, 48 + 4 + 2},
      {35, "TQ2_0", 256, 64 + 2},
      {39, "MXFP4", 32, 1 + 16},
      {40, "NVFP4", 64, 4 + 32},
      {41, "Q1_0", 128, 2 + 16},
  };
  for (const Case& type : cases) {
    const auto header = read(with_tensor({"x", {512, 3}, type.id, 0}).header());
    EXPECT_EQ(header.tensors[0].type.name, type.name);
    EXPECT_EQ(header.tensors[0].bytes, 512UL * 3 / type.weights * type.bytes) << type.name;
    EXPECT_EQ(header.tensors[0].weights, 512U * 3U);
  }
  for (const std::uint32_t id : {4U, 5U, 31U, 36U, 38U, 42U, 0xffffffffU}) {
    EXPECT_TRUE(
        says(complaint(with_tensor({"x", {512}, id, 0})), "the ggml type " + std::to_string(id)));
  }
}

TEST(Gguf, RefusesAnyTruncation) {
  GgufWriter file = small_gguf();
  file.key("texts", GgufWriter::array,
           little_endian(GgufWriter::text, 4) + little_endian(2, 8) + GgufWriter::counted("one") +
               GgufWriter::counted("two"));
  const std::string whole = file.header();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(complaint(whole.substr(0, length)), "") << "cut at " << length;
  }
  EXPECT_EQ(complaint(whole), "");
  EXPECT_EQ(complaint(whole + std::string(100, '\0')), "") << "data cut off";
}

TEST(Gguf, RefusesCountsBeyondTheFile) {
  GgufWriter file = small_gguf();
  file.claimed_tensors = 1ULL << 60U;
  EXPECT_TRUE(says(complaint(file), "claims 1152921504606846976 tensors"));
  file.claimed_tensors = 90'000;
  EXPECT_TRUE(says(complaint(file), "more than fit"));
  file = small_gguf();
  file.claimed_keys = 1ULL << 60U;
  EXPECT_TRUE(says(complaint(file), "claims 1152921504606846976 keys"));
  file.claimed_keys = 60'000;
  EXPECT_TRUE(says(complaint(file), "more than fit"));
}

TEST(Gguf, RefusesTextsLongerThanTheFile) {
  const std::string huge = little_endian(1ULL << 60U, 8);
  GgufWriter file;
  file.key("text", GgufWriter::text, huge);
  EXPECT_TRUE(says(complaint(file), "ends inside the text of key 'text'"));
  EXPECT_TRUE(says(complaint("GGUF" + little_endian(3, 4) + little_endian(0, 8) +
                             little_endian(1, 8) + huge + std::string(64, 'k')),
                   "a key is 1152921504606846976 bytes long"));
  file = GgufWriter();
  file.key("texts", GgufWriter::array,
           little_endian(GgufWriter::text, 4) + little_endian(1, 8) + huge);
  EXPECT_TRUE(says(complaint(file), "ends inside the text of key 'texts'"));
  EXPECT_TRUE(says(complaint(with_tensor({std::string(300, 'n'), {1}, 0, 0})),
                   "a tensor's name is 300 bytes long"));
}

TEST(Gguf, RefusesArraysOfImpossibleLengthOrDepth) {
  GgufWriter file;
  file.key("numbers", GgufWriter::array,
           little_endian(GgufWriter::f64, 4) + little_endian(1ULL << 61U, 8));
  EXPECT_TRUE(says(complaint(file), "claims an array of 2305843009213693952 values"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += little_endian(GgufWriter::array, 4) + little_endian(1, 8);
  }
  file = GgufWriter();
  file.key("deep", GgufWriter::array, deep);
  EXPECT_TRUE(says(complaint(file), "nests arrays deeper than 4"));
  file = GgufWriter();
  file.key("odd", 13, "");
  EXPECT_TRUE(says(complaint(file), "unknown value type 13"));
}

TEST(Gguf, RefusesDuplicates) {
  GgufWriter file = small_gguf();
  file.key_u32("llama.block_count", 1);
  EXPECT_TRUE(says(complaint(file), "the key 'llama.block_count' twice"));
  file = small_gguf();
  file.tensors.push_back({"output.weight", {1}, 0, 65536});
  EXPECT_TRUE(says(complaint(file), "tensor 'output.weight' twice"));
}

TEST(Gguf, RefusesOddAlignments) {
  for (const std::uint32_t alignment : {0U, 24U, 33U}) {
    GgufWriter file = small_gguf();
    file.key_u32("general.alignment", alignment);
    EXPECT_TRUE(says(complaint(file), "general.alignment is " + std::to_string(alignment)));
  }
  GgufWriter file = small_gguf();
  file.key_text("general.alignment", "32");
  EXPECT_TRUE(says(complaint(file), "general.alignment is not a whole number"));
  file = small_gguf();
  file.key_u32("general.alignment", 8192);
  EXPECT_TRUE(says(complaint(file), "not a multiple of the alignment 8192"));
}

TEST(Gguf, RefusesImpossibleShapes) {
  EXPECT_TRUE(says(complaint(with_tensor({"x", {}, 0, 0})), "has 0 dimensions"));
  EXPECT_TRUE(says(complaint(with_tensor({"x", std::vector<std::uint64_t>(1000, 1), 0, 0})),
                   "has 1000 dimensions"));
  EXPECT_TRUE(
      says(complaint(with_tensor({"x", {1ULL << 32U, 1ULL << 32U}, 0, 0})), "impossible shape"));
  EXPECT_TRUE(says(complaint(with_tensor({"x", {~0ULL}, 24, 0})), "impossible shape"));
  EXPECT_TRUE(says(complaint(with_tensor({"x", {255, 2}, 12, 0})), "rows of 255 weights"));
}

TEST(Gguf, RefusesTensorsThatOverlapOrLieNowhere) {
  GgufWriter file = with_tensor({"a", {64}, 0, 0});
  file.tensors.push_back({"b", {64}, 0, 224});
  EXPECT_TRUE(says(complaint(file), "'b' lies at offset 224, inside the tensor before it"));
  file.tensors[1].offset = 257;
  EXPECT_TRUE(says(complaint(file), "not a multiple of the alignment 32"));
  file.tensors[1].offset = (1ULL << 63U) + 256;
  EXPECT_TRUE(says(complaint(file), "beyond any file"));
  file.tensors[1].offset = 256;
  EXPECT_EQ(complaint(file), "");
}

TEST(Gguf, KeepsErrorsToOnePrintableLine) {
  GgufWriter file;
  file.key_u32("a\n\x1b[31mred", 1).key_u32("a\n\x1b[31mred", 1);
  EXPECT_TRUE(says(complaint(file), "'a??[31mred' twice"));
}

}  // namespace
}  // namespace offload
