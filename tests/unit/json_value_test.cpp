// SPDX-License-Identifier: Apache-2.0
// The JSON that others wrote: what is read, and what is refused with what words.
#include "bench/models/json_value.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "offload/error.hpp"

namespace offload {
namespace {

/// What parse_json says about `text`; "" when it takes it.
std::string fault(std::string_view text, JsonLimits limits = {}) {
  try {
    parse_json(text, "file.json", limits);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

template <typename T>
const T& as(const JsonValue* value) {
  if (value == nullptr) throw std::logic_error("no such member");
  return std::get<T>(value->value);
}

TEST(JsonValue, EveryKindOfValueIsRead) {
  const JsonValue root = parse_json(
      R"( {"null": null, "yes": true, "whole": 18446744073709551615, "below": -9223372036854775808,
           "real": 1e-6, "text": "a\u00e9\n", "list": [1, [2, {}], "x"], "empty": [], "": 0} )",
      "file.json");
  EXPECT_EQ(as<std::nullptr_t>(root.find("null")), nullptr);
  EXPECT_TRUE(as<bool>(root.find("yes")));
  EXPECT_EQ(as<std::uint64_t>(root.find("whole")), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(as<std::int64_t>(root.find("below")), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(as<double>(root.find("real")), 1e-6);
  EXPECT_EQ(as<std::string>(root.find("text")), "a\xc3\xa9\n");
  const auto& list = as<JsonValue::Array>(root.find("list"));
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(as<std::uint64_t>(&list[0]), 1U);
  const auto& inner = as<JsonValue::Array>(&list[1]);
  ASSERT_EQ(inner.size(), 2U);
  EXPECT_TRUE(as<JsonValue::Object>(&inner[1]).empty());
  EXPECT_TRUE(as<JsonValue::Array>(root.find("empty")).empty());
  EXPECT_NE(root.find(""), nullptr);
  EXPECT_EQ(root.find("absent"), nullptr);
  EXPECT_EQ(list[0].find("anything"), nullptr) << "a number has no members";
}

TEST(JsonValue, MembersKeepTheOrderOfTheFile) {
  const JsonValue root = parse_json(R"({"z": 1, "a": {"y": 2, "b": 3}, "m": 4})", "file.json");
  const auto& members = std::get<JsonValue::Object>(root.value);
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].first, "z");
  EXPECT_EQ(members[1].first, "a");
  EXPECT_EQ(members[2].first, "m");
}

TEST(JsonValue, AWholeNumberTooLargeForSixtyFourBitsIsNoWholeNumber) {
  const JsonValue root = parse_json("[18446744073709551616, -9223372036854775809]", "file.json");
  for (const JsonValue& value : std::get<JsonValue::Array>(root.value)) {
    EXPECT_TRUE(std::holds_alternative<double>(value.value));
  }
}

TEST(JsonValue, AFaultNamesFileAndPlace) {
  EXPECT_EQ(fault("{\n  \"a\": 1,\n  \"b\" 2\n}").find("file.json: line 3, column 7: not JSON: "),
            0U)
      << fault("{\n  \"a\": 1,\n  \"b\" 2\n}");
  EXPECT_EQ(fault("").find("file.json: line 1, column 1: not JSON: "), 0U) << fault("");
  const std::string twice = fault("{\"a\": {\"x\": 1,\n\"y\": 2, \"x\": 3}}");
  EXPECT_EQ(twice, "file.json: line 2, column 15: 'x' is given twice in the object that ends here");
}

TEST(JsonValue, WhatIsNotJsonIsRefused) {
  const std::string zero("{}\0{}", 5);
  for (const std::string& text :
       {std::string(""), std::string(" "), std::string("{"), std::string("[1,"),
        std::string("{\"a\":}"), std::string("[1,]"), std::string("{} {}"), std::string("nul"),
        std::string("NaN"), std::string("'a'"), std::string("\"\xff\""), std::string("01"),
        std::string("\"\n\""), std::string("// note\n{}"), zero, std::string("1e999"),
        std::string("{1: 2}"), std::string("]")}) {
    EXPECT_NE(fault(text), "") << text;
  }
}

TEST(JsonValue, AFaultIsOneShortPrintableLineWhateverTheFileHolds) {
  const std::string said = fault("[\"" + std::string(1'000'000, '\x01'));
  EXPECT_LT(said.size(), 300U);
  for (const char c : fault("{\"a\n\x1b[31m\xff\": 1}")) EXPECT_TRUE(c >= ' ' && c <= '~');
  const std::string name(1'000'000, 'n');
  EXPECT_LT(fault("{\"" + name + "\":1,\"" + name + "\":2}").size(), 400U);
}

TEST(JsonValue, DepthAndNumberOfValuesHaveLimits) {
  EXPECT_EQ(fault(repeated("[", 64) + repeated("]", 64)), "");
  EXPECT_EQ(fault(repeated("[", 65) + repeated("]", 65)),
            "file.json: line 1, column 65: nested more than 64 deep");
  EXPECT_NE(fault(repeated("{\"a\":", 5'000'000)).find("nested more than 64 deep"),
            std::string::npos);
  EXPECT_EQ(fault("[1, 2, 3]", {.depth = 1, .values = 4}), "");
  EXPECT_EQ(fault("[1, 2, 3]", {.depth = 1, .values = 3}),
            "file.json: line 1, column 9: more than 3 values");
  EXPECT_NE(fault("[]", {.depth = 0, .values = 4}), "");
}

TEST(JsonValue, ManyNamesAreComparedQuickly) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"name" + std::to_string(i) + "\":0,";
  EXPECT_EQ(fault(text + "\"last\":0}"), "");  // would take minutes pair by pair
  EXPECT_NE(fault(text + "\"name77\":0}").find("'name77' is given twice"), std::string::npos);
}

}  // namespace
}  // namespace offload
