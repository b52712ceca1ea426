// SPDX-License-Identifier: Apache-2.0
// What expressions over a config's fields come to, and what is none.
#include "bench/models/shape_expression.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace offload {
namespace {

ShapeValue value_of(std::string_view expression) {
  const JsonValue fields = parse_json(
      R"({"hidden": 64, "heads": 8, "tied": true, "untied": false, "none": null, "wide": 1.0,
          "half": 0.5, "kinds": ["full", "linear"], "pattern": "M-*"})",
      "fields");
  return evaluate(expression, [&](std::string_view name) {
    const std::optional<JsonValue> field = fields.find(name);
    const ShapeValue value = field ? as_shape_value(*field) : ShapeValue();
    return value.index() == 0 ? NotGiven{{std::string(name)}} : value;
  });
}

std::uint64_t number(std::string_view expression) {
  return std::get<std::uint64_t>(value_of(expression));
}

bool is_given(std::string_view expression) { return value_of(expression).index() != 0; }

TEST(ShapeExpression, CalculatesWholeNumbers) {
  EXPECT_EQ(number("hidden/heads"), 8U);
  EXPECT_EQ(number("2+3*4"), 14U);
  EXPECT_EQ(number("(2+3)*4-10%4"), 18U);
  EXPECT_EQ(number("7/2"), 3U);
  EXPECT_EQ(number("up(7,2)"), 4U);
  EXPECT_EQ(number("wide*hidden"), 64U);
  EXPECT_EQ(number("divisor(heads,hidden)"), 8U);
  EXPECT_EQ(number("scaled(7,half)"), 3U);
  EXPECT_EQ(number("scaled(hidden,wide)"), 64U);
}

TEST(ShapeExpression, ComparesAndJoinsConditions) {
  EXPECT_EQ(number("heads<hidden&!(hidden<heads)"), 1U);
  EXPECT_EQ(number("heads=8"), 1U);
  EXPECT_EQ(number("heads!=8"), 0U);
  EXPECT_EQ(number("tied&untied"), 0U);
  EXPECT_EQ(number("!untied"), 1U);
}

TEST(ShapeExpression, LooksIntoListsAndTexts) {
  EXPECT_EQ(number("at(kinds,1)='linear'"), 1U);
  EXPECT_EQ(number("at(pattern,2)='*'"), 1U);
  EXPECT_EQ(number("has(kinds,'full')"), 1U);
  EXPECT_EQ(number("has(kinds,'other')"), 0U);
  EXPECT_EQ(number("has('3,14',14)"), 1U);
  EXPECT_EQ(number("has('3,14',4)"), 0U);
  EXPECT_EQ(number("index(kinds,'linear')"), 1U);
  EXPECT_FALSE(is_given("index(kinds,'other')"));
  EXPECT_EQ(number("size(kinds)"), 2U);
  EXPECT_FALSE(is_given("at(kinds,2)"));
}

TEST(ShapeExpression, WhatIsNotGivenIsReplacedByTheAlternative) {
  EXPECT_EQ(number("absent|none|heads"), 8U);
  EXPECT_EQ(number("absent*2|3"), 3U);
  EXPECT_EQ(number("at(absent,0)='full'|1"), 1U);
  EXPECT_EQ(number("heads|half|hidden/0"), 8U) << "an alternative that is not needed is not read";
  EXPECT_EQ(number("(heads|half)+(absent|hidden)"), 72U);
  EXPECT_FALSE(is_given("absent"));
  EXPECT_FALSE(is_given("hidden+absent"));
  EXPECT_FALSE(is_given("!absent"));
}

TEST(ShapeExpression, SaysWhatWouldHaveDone) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(std::get<NotGiven>(value_of("absent|none")).names, (Names{"absent", "none"}));
  EXPECT_EQ(std::get<NotGiven>(value_of("(absent|2)*missing")).names, Names{"missing"});
  EXPECT_EQ(std::get<NotGiven>(value_of("absent=missing")).names, Names{"absent"});
}

TEST(ShapeExpression, TextsAreNoLongerThanAnyModels) {
  const auto text = [](std::size_t letters) {
    return parse_json('"' + std::string(letters, 'M') + '"', "text");
  };
  EXPECT_EQ(std::get<std::string>(as_shape_value(text(8192))).size(), 8192U);
  EXPECT_THROW(as_shape_value(text(8193)), std::invalid_argument);
}

TEST(ShapeExpression, NestsAsDeeplyAsTheStackAllows) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '(') + "7" + std::string(levels, ')');
  };
  EXPECT_EQ(std::get<std::uint64_t>(value_of(nested(60))), 7U);
  EXPECT_THROW(value_of(nested(64)), std::invalid_argument);
  EXPECT_THROW(value_of(nested(100'000)), std::invalid_argument);
  EXPECT_THROW(value_of(std::string(100'000, '!') + "7"), std::invalid_argument);
}

TEST(ShapeExpression, WhatIsNoneIsRejected) {
  for (const char* expression :
       {"", "1+", "(1", "1)", "'a", "hidden heads", "hidden/0", "hidden%0", "1-2", "kinds+1",
        "half*hidden", "scaled(half,2)", "scaled(hidden,kinds)", "divisor(3,hidden)",
        "divisor(0,hidden)", "has(hidden,1)", "other(kinds,1)",
        "hidden*hidden*hidden*hidden*hidden*hidden"}) {
    EXPECT_THROW(value_of(expression), std::invalid_argument) << expression;
  }
}

}  // namespace
}  // namespace offload
