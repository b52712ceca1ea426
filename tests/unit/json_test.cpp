// SPDX-License-Identifier: Apache-2.0
// The JSON that others wrote: what is read, and what is refused with what words.
#include "bench/models/json.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"

namespace offload {
namespace {

/// What parse_json says about `text`; "" when it takes it.
std::string fault(std::string_view text, JsonLimits limits = {}) {
  return testing::message_of<UsageError>([&] { parse_json(text, "file.json", limits); });
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(JsonValue, EveryKindOfValueIsRead) {
  const JsonValue root = parse_json(
      R"( {"null": null, "yes": true, "whole": 18446744073709551615, "below": -9223372036854775808,
           "real": 1e-6, "text": "a\u00e9\n", "list": [1, [2, {}], "x"], "empty": [], "": 0} )",
      "file.json");
  EXPECT_TRUE(root.find("null")->is_null());
  EXPECT_EQ(root.find("yes")->flag(), true);
  EXPECT_EQ(root.find("whole")->whole_number(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(root.find("below")->description(), "-9223372036854775808");
  EXPECT_EQ(root.find("below")->whole_number(), std::nullopt);
  EXPECT_EQ(root.find("real")->number(), 1e-6);
  EXPECT_EQ(root.find("real")->whole_number(), std::nullopt);
  EXPECT_EQ(root.find("text")->text(), "a\xc3\xa9\n");
  ASSERT_TRUE(root.find("list")->is_list());
  const std::vector<JsonValue> list = root.find("list")->items();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].whole_number(), 1U);
  const std::vector<JsonValue> inner = list[1].items();
  ASSERT_EQ(inner.size(), 2U);
  EXPECT_TRUE(inner[1].is_object());
  EXPECT_TRUE(inner[1].members().empty());
  EXPECT_TRUE(root.find("empty")->is_list());
  EXPECT_TRUE(root.find("empty")->items().empty());
  EXPECT_TRUE(root.find("").has_value());
  EXPECT_FALSE(root.find("absent").has_value());
  EXPECT_FALSE(list[0].find("anything").has_value()) << "a number has no members";
}

TEST(JsonValue, AValueOfAnotherKindIsNotTaken) {
  const JsonValue text = parse_json("\"1\"", "file.json");
  EXPECT_EQ(text.whole_number(), std::nullopt);
  EXPECT_EQ(text.number(), std::nullopt);
  EXPECT_EQ(text.flag(), std::nullopt);
  EXPECT_TRUE(text.items().empty());
  EXPECT_TRUE(text.members().empty());
  EXPECT_EQ(parse_json("1", "file.json").text(), std::nullopt);
  EXPECT_EQ(parse_json("1", "file.json").flag(), std::nullopt);
}

TEST(JsonValue, MembersAreInTheOrderOfTheirNames) {
  const JsonValue root = parse_json(R"({"z": 1, "a": {"y": 2, "b": 3}, "m": 4})", "file.json");
  const std::vector<JsonMember> members = root.members();
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[1].name, "m");
  EXPECT_EQ(members[2].name, "z");
  EXPECT_EQ(members[2].value.whole_number(), 1U);
}

TEST(JsonValue, AValueKeepsItsDocumentAlive) {
  std::optional<JsonValue> inner;
  {
    const JsonValue root = parse_json(R"({"a": {"b": ["deep inside"]}})", "file.json");
    inner = root.find("a")->find("b")->items().at(0);
  }
  EXPECT_EQ(inner->text(), "deep inside");
}

TEST(JsonValue, PythonsNumbersThatJsonLacksAreNull) {
  const JsonValue root = parse_json(
      R"({"limit": [0.0, Infinity], "low":-Infinity,"none": NaN, "text": "\"NaN, -Infinity\\",
          "NaN": {"Infinity": "Infinity"}, "last": [NaN,NaN]})",
      "file.json");
  EXPECT_EQ(root.find("limit")->items().at(0).number(), 0.0);
  EXPECT_TRUE(root.find("limit")->items().at(1).is_null());
  EXPECT_TRUE(root.find("low")->is_null());
  EXPECT_TRUE(root.find("none")->is_null());
  EXPECT_EQ(root.find("text")->text(), "\"NaN, -Infinity\\");
  EXPECT_EQ(root.find("NaN")->find("Infinity")->text(), "Infinity");
  EXPECT_EQ(root.find("last")->items().size(), 2U);
  // As Python itself, nothing near them.
  for (const char* text :
       {"[nan]", "[-NaN]", "[+Infinity]", "[Inf]", "[infinity]", "[NaN0]", "[1Infinity]",
        "[NaN NaN]", "[Infinity", "{NaN: 1}", "[\"NaN]", "Infinity", "-Infinity", "[- Infinity]"}) {
    EXPECT_NE(fault(text), "") << text;
  }
  EXPECT_EQ(fault("[Infinity,\n-Infinity, 1 2]").find("file.json: line 2, column 14: not JSON: "),
            0U)
      << fault("[Infinity,\n-Infinity, 1 2]");
}

TEST(JsonValue, AWholeNumberTooLargeForSixtyFourBitsIsNoWholeNumber) {
  const JsonValue root = parse_json("[18446744073709551616, -9223372036854775809]", "file.json");
  ASSERT_EQ(root.items().size(), 2U);
  for (const JsonValue& value : root.items()) {
    EXPECT_EQ(value.whole_number(), std::nullopt);
    EXPECT_TRUE(value.number().has_value());
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

TEST(JsonValue, WhatIsNotKeptIsReadOver) {
  const auto keeps = [](std::string_view object, std::string_view member) {
    return object.empty() ? member != "c" : object != "a" || member == "x";
  };
  const std::string text =
      R"({"a": {"x": {"y": [1]}, "y": {"x": 2}}, "b": {"y": 3}, "c": [{"x": 4}], "d": [[5]]})";
  const JsonValue root = parse_json(text, "file.json", {}, keeps);
  EXPECT_EQ(root.find("a")->find("x")->find("y")->items().at(0).whole_number(), 1U);
  EXPECT_FALSE(root.find("a")->find("y").has_value());
  EXPECT_EQ(root.find("b")->find("y")->whole_number(), 3U);
  EXPECT_FALSE(root.find("c").has_value());
  EXPECT_EQ(root.find("d")->items().at(0).items().at(0).whole_number(), 5U);
  // It is held to the rules all the same.
  for (const char* wrong : {R"({"c": {"x": 1, "x": 2}})", R"({"c": [1,]})", R"({"c": [[[0]]]})"}) {
    EXPECT_THROW(parse_json(wrong, "file.json", {.depth = 3, .values = 100}, keeps), UsageError)
        << wrong;
  }
}

/// The members that are taken, each as "name=number ".
std::string taken(std::string_view text, std::string_view of) {
  std::string all;
  read_members(text, "file.json", {}, of, [&](std::string_view name, const JsonValue& value) {
    all += std::string(name) + "=" + std::to_string(value.whole_number().value_or(0)) + " ";
  });
  return all;
}

TEST(JsonMembers, AreTakenInTheOrderOfTheFile) {
  const std::string text = R"({"z": 1, "m": {"b": 2, "\u0061": 3, "m": {"x": 4}}, "n": {"b": 5}})";
  EXPECT_EQ(taken(text, "m"), "b=2 a=3 m=0 ");
  EXPECT_EQ(taken(text, ""), "z=1 m=0 n=0 ");
  EXPECT_EQ(taken(text, "z"), "");
  EXPECT_EQ(taken(text, "absent"), "");
  EXPECT_EQ(taken("[{\"m\": {\"b\": 1}}]", "m"), "");
  EXPECT_THROW(taken(R"({"m": {"a": 1, "\u0061": 2}})", "m"), UsageError);
  EXPECT_THROW(taken(R"({"n": {"a": 1, "a": 2}, "m": {}})", "m"), UsageError);
}

TEST(JsonValue, ManyNamesAreComparedQuickly) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"name" + std::to_string(i) + "\":0,";
  EXPECT_EQ(fault(text + "\"last\":0}"), "");  // would take minutes pair by pair
  EXPECT_NE(fault(text + "\"name77\":0}").find("'name77' is given twice"), std::string::npos);
}

TEST(JsonValue, ManyObjectsInOneAreReadQuickly) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += "\"name" + std::to_string(i) + "\":{\"a\":[0]},";
  const JsonValue root = parse_json(text + "\"last\":0}", "file.json");
  EXPECT_EQ(root.members().size(), 100'001U);
}

}  // namespace
}  // namespace offload
