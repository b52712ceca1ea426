// SPDX-License-Identifier: Apache-2.0
// safetensors headers: what is read from sound ones, and what is said of broken ones.
#include "bench/models/safetensors.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

SafetensorsHeader read(const std::string& content) {
  std::istringstream in(content);
  return read_safetensors_header(in, content.size(), "test.safetensors");
}

/// What the reader says of `content`; "" when it takes it.
std::string complaint(const std::string& content) {
  return testing::message_of<UsageError>([&] { read(content); });
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

/// What the reader says of a file with this one tensor.
std::string complaint_of(const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
  return complaint(safetensors_file("{" + entry("x", dtype, shape, offsets) + "}"));
}

const std::string two_tensors = "{" + entry("b", "BF16", "[3,4]", "[4,28]") + "," +
                                entry("a", "F32", "[]", "[0,4]") +
                                R"(,"__metadata__":{"format":"pt"}}  )";

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirData) {
  const SafetensorsHeader header = read(safetensors_file(two_tensors, 28));
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_EQ(header.tensors[0].elements, 1U);
  EXPECT_EQ(header.tensors[1].name, "b");
  EXPECT_EQ(header.tensors[1].dtype, "BF16");
  EXPECT_EQ(header.tensors[1].shape, (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(header.tensors[1].begin, 4U);
  EXPECT_EQ(header.tensors[1].end, 28U);
}

TEST(Safetensors, NeedsNothingAfterTheHeader) {
  EXPECT_EQ(complaint(safetensors_file(two_tensors)), "");
  EXPECT_EQ(complaint(safetensors_file(two_tensors, 10)), "");
  EXPECT_TRUE(says(complaint(safetensors_file(two_tensors, 29)), "1 bytes after its last tensor"));
}

TEST(Safetensors, RefusesAnyTruncationOfTheHeader) {
  const std::string whole = safetensors_file(two_tensors);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(says(complaint(whole.substr(0, length)), "ends inside")) << "cut at " << length;
  }
}

TEST(Safetensors, RefusesAnyTruncationOfTheJson) {
  const std::string json = two_tensors.substr(0, two_tensors.find_last_not_of(' ') + 1);
  for (std::size_t length = 0; length < json.size(); ++length) {
    EXPECT_NE(complaint(safetensors_file(json.substr(0, length))), "") << "cut at " << length;
  }
}

TEST(Safetensors, KnowsTheBitsOfEveryDtype) {
  struct Case {
    const char* names;
    unsigned bits;
  };
  const Case cases[] = {{"F4", 4},          {"F6_E2M3", 6},     {"F6_E3M2", 6}, {"BOOL", 8},
                        {"U8", 8},          {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8},
                        {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F8_E8M0", 8}, {"I16", 16},
                        {"U16", 16},        {"F16", 16},        {"BF16", 16},   {"I32", 32},
                        {"U32", 32},        {"F32", 32},        {"C64", 64},    {"F64", 64},
                        {"I64", 64},        {"U64", 64}};
  for (const Case& type : cases) {
    EXPECT_EQ(complaint_of(type.names, "[4,2]", "[0," + std::to_string(type.bits) + "]"), "");
    EXPECT_TRUE(says(complaint_of(type.names, "[4,2]", "[0,1]"),
                     std::to_string(type.bits) + " by its shape"));
  }
  EXPECT_TRUE(says(complaint_of("F4", "[3]", "[0,2]"), "3 elements of 4 bits"));
  EXPECT_TRUE(says(complaint_of("F128", "[1]", "[0,16]"), "unknown dtype 'F128'"));
  EXPECT_TRUE(says(complaint_of("bf16", "[1]", "[0,2]"), "unknown dtype 'bf16'"));
}

TEST(Safetensors, RefusesHeaderLengthsThatLie) {
  const std::string json = "{}";
  EXPECT_EQ(complaint(little_endian(2, 8) + json), "");
  EXPECT_TRUE(says(complaint(little_endian(1ULL << 63U, 8) + json),
                   "claims a header of 9223372036854775808 bytes"));
  EXPECT_TRUE(says(complaint(little_endian(100'000'001, 8) + json), "more than the 100000000"));
  EXPECT_TRUE(says(complaint(little_endian(100'000'000, 8) + json), "ends inside the header"));
  EXPECT_TRUE(says(complaint(little_endian(3, 8) + json), "ends inside the header"));
  EXPECT_TRUE(says(complaint(little_endian(0, 8)), "does not begin with '{'"));
  EXPECT_TRUE(says(complaint("1234567"), "ends inside the length of the header"));
}

TEST(Safetensors, RefusesOffsetsThatOverlapOrLeaveHoles) {
  const std::string first = "{" + entry("a", "U8", "[8]", "[0,8]") + ",";
  EXPECT_TRUE(says(complaint(safetensors_file(first + entry("b", "U8", "[8]", "[4,12]") + "}")),
                   "'b' begins at 4, inside the tensor that ends at 8"));
  EXPECT_TRUE(says(complaint(safetensors_file(first + entry("b", "U8", "[8]", "[0,8]") + "}")),
                   "begins at 0, inside the tensor that ends at 8"));
  EXPECT_TRUE(says(complaint(safetensors_file(first + entry("b", "U8", "[8]", "[9,17]") + "}")),
                   "'b' begins at 9, not at the end of the tensor before, 8"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[1,9]"), "begins at 1"));
  EXPECT_EQ(complaint(safetensors_file(first + entry("b", "U8", "[0]", "[8,8]") + "}")), "");
}

TEST(Safetensors, RefusesOffsetsThatAreNone) {
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[8,0]"), "not a beginning and an end"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[0]"), "not a beginning and an end"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[0,8,16]"), "not a beginning and an end"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "{}"), "the data_offsets of tensor 'x' is missing"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[-8,0]"), "something other than whole numbers"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[0.0,8.0]"), "something other than whole numbers"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[9223372036854775808,9223372036854775816]"),
                   "beyond any file"));
  EXPECT_TRUE(says(complaint_of("U8", "[8]", "[18446744073709551616,18446744073709551624]"),
                   "something other than whole numbers"));
}

TEST(Safetensors, RefusesShapesThatAreNone) {
  EXPECT_TRUE(says(complaint_of("U8", "[-8]", "[0,8]"), "the shape of tensor 'x'"));
  EXPECT_TRUE(says(complaint_of("U8", "[2.5]", "[0,8]"), "the shape of tensor 'x'"));
  EXPECT_TRUE(says(complaint_of("U8", "[\"8\"]", "[0,8]"), "the shape of tensor 'x'"));
  EXPECT_TRUE(says(complaint_of("U8", "8", "[0,8]"), "the shape of tensor 'x'"));
  EXPECT_TRUE(says(complaint_of("U8", "[4294967296,4294967296,8]", "[0,8]"), "impossible shape"));
  EXPECT_TRUE(says(complaint_of("F64", "[2305843009213693952]", "[0,0]"), "impossible shape"));
  std::string many = "[1";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_TRUE(says(complaint_of("U8", many + "]", "[0,1]"), "101 numbers, more than 64"));
}

TEST(Safetensors, RefusesHeadersOfAnotherForm) {
  EXPECT_TRUE(says(complaint(safetensors_file("[]")), "does not begin with '{'"));
  EXPECT_TRUE(says(complaint(safetensors_file(R"({"x":1})")), "'x' has no dtype"));
  EXPECT_TRUE(says(complaint(safetensors_file(R"({"x":{"dtype":3}})")), "'x' has no dtype"));
  EXPECT_TRUE(says(complaint(safetensors_file(R"({"__metadata__":{"a":1}})")), "__metadata__"));
  EXPECT_TRUE(says(complaint(safetensors_file("{" + entry("", "U8", "[1]", "[0,1]") + "}")),
                   "without a name"));
  const std::string twice = entry("x", "U8", "[1]", "[0,1]");
  EXPECT_TRUE(says(complaint(safetensors_file("{" + twice + "," + twice + "}")), "twice"));
  EXPECT_NE(complaint(safetensors_file(R"({"x":)" + std::string(1'000'000, '['))), "");
  EXPECT_NE(complaint(safetensors_file("{} {}")), "");
  EXPECT_NE(complaint(safetensors_file("{\"\xff\":1}")), "");
}

}  // namespace
}  // namespace offload
