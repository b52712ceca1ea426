// SPDX-License-Identifier: Apache-2.0
#include "bench/models/shape_expression.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

namespace offload {
namespace {

// Any product of two of them fits.
constexpr std::uint64_t max_value = std::uint64_t{1} << 31;
constexpr int max_depth = 64;  // of parentheses: each takes stack
// Of numbers or letters for each layer; longer ones, looked through for each, would take seconds.
constexpr std::size_t max_text = std::size_t{8} << 10;

[[noreturn]] void reject(const std::string& fault) { throw std::invalid_argument(fault); }

bool is_given(const ShapeValue& value) { return value.index() != 0; }

ShapeValue first_given(ShapeValue value, ShapeValue other) {
  auto* missing = std::get_if<NotGiven>(&value);
  if (missing == nullptr) return value;
  const auto* also = std::get_if<NotGiven>(&other);
  if (also == nullptr) return other;
  missing->names.insert(missing->names.end(), also->names.begin(), also->names.end());
  return value;
}

std::uint64_t number_of(const ShapeValue& value) {
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
  const auto* fraction = std::get_if<JsonValue>(&value);
  if (fraction != nullptr && fraction->number()) {
    reject("no whole number: " + fraction->description());
  }
  reject("a list or text where a number is meant");
}

double factor_of(const ShapeValue& value) {
  const auto* fraction = std::get_if<JsonValue>(&value);
  if (fraction != nullptr && fraction->number()) return *fraction->number();
  return static_cast<double>(number_of(value));
}

std::uint64_t combine(char operation, std::uint64_t left, std::uint64_t right) {
  if ((operation == '/' || operation == '%') && right == 0) reject("a division by 0");
  if (operation == '-' && left < right) reject("a length below 0");
  switch (operation) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '&':
      return left != 0 && right != 0 ? 1 : 0;
    default:
      return left < right ? 1 : 0;
  }
}

/// "3,4,5" holds 4.
bool holds_number(std::string_view text, std::uint64_t number) {
  const std::string listed = "," + std::string(text) + ",";
  return listed.find("," + std::to_string(number) + ",") != listed.npos;
}

class Parser {
 public:
  Parser(std::string_view text, const NamedValues& names) : rest_(text), names_(names) {}

  ShapeValue whole() {
    ShapeValue value = alternatives();
    if (!rest_.empty()) reject("no expression: " + std::string(rest_));
    return value;
  }

 private:
  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) reject("no " + std::string(token) + " before " + std::string(rest_));
  }

  ShapeValue alternatives() {
    ShapeValue value = conjunction();
    while (take("|")) {
      const bool outer = std::exchange(skipping_, skipping_ || is_given(value));
      ShapeValue other = conjunction();
      skipping_ = outer;
      value = first_given(std::move(value), std::move(other));
    }
    return value;
  }

  ShapeValue conjunction() {
    ShapeValue value = comparison();
    while (take("&")) value = operation('&', value, comparison());
    return value;
  }

  ShapeValue comparison() {
    ShapeValue left = sum();
    const bool unequal = take("!=");
    if (unequal || take("=")) {
      ShapeValue right = sum();
      if (!is_given(left)) return left;
      if (!is_given(right)) return right;
      return std::uint64_t{same(left, right) != unequal ? 1U : 0U};
    }
    return take("<") ? operation('<', left, sum()) : left;
  }

  ShapeValue sum() { return chain("+-", &Parser::product); }
  ShapeValue product() { return chain("*/%", &Parser::factor); }

  ShapeValue chain(std::string_view operators, ShapeValue (Parser::*operand)()) {
    ShapeValue value = (this->*operand)();
    while (!rest_.empty() && operators.find(rest_.front()) != operators.npos) {
      const char name = rest_.front();
      rest_.remove_prefix(1);
      value = operation(name, value, (this->*operand)());
    }
    return value;
  }

  ShapeValue factor() {
    if (++depth_ > max_depth) reject("nested more deeply than " + std::to_string(max_depth));
    ShapeValue value = innermost();
    --depth_;
    return value;
  }

  ShapeValue innermost() {
    if (take("!")) {
      const ShapeValue value = factor();
      return is_given(value) ? ShapeValue(std::uint64_t{number_of(value) == 0 ? 1U : 0U}) : value;
    }
    if (take("(")) {
      ShapeValue value = alternatives();
      expect(")");
      return value;
    }
    if (take("'")) {
      const std::string_view text = rest_.substr(0, rest_.find('\''));
      rest_.remove_prefix(text.size());
      expect("'");
      return std::string(text);
    }
    return name_or_number();
  }

  ShapeValue name_or_number() {
    const auto* end = std::find_if(rest_.begin(), rest_.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '.';
    });
    const auto length = static_cast<std::size_t>(end - rest_.begin());
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (word.empty()) reject("no name before " + std::string(rest_));
    if (std::isdigit(static_cast<unsigned char>(word.front())) != 0) {
      std::uint64_t number = 0;
      std::from_chars(word.data(), word.data() + word.size(), number);
      return skipping_ ? ShapeValue() : number;
    }
    if (!take("(")) return skipping_ ? ShapeValue() : names_(word);
    const ShapeValue first = alternatives();
    const ShapeValue second = take(",") ? alternatives() : ShapeValue();
    expect(")");
    return function(word, first, second);
  }

  static ShapeValue function(std::string_view name, const ShapeValue& first,
                             const ShapeValue& second) {
    if (!is_given(first)) return first;
    if (name == "up" || name == "divisor") return division(name, first, second);
    if (name == "scaled") return scaled(first, second);
    if (const auto* text = std::get_if<std::string>(&first); text != nullptr && name == "at") {
      const std::uint64_t index = number_of(second);
      return index < text->size() ? ShapeValue(text->substr(index, 1)) : ShapeValue();
    }
    if (const auto* text = std::get_if<std::string>(&first); text != nullptr && name == "has") {
      return std::uint64_t{holds_number(*text, number_of(second)) ? 1U : 0U};
    }
    const auto* list = std::get_if<JsonValue>(&first);
    if (list == nullptr || !list->is_list()) reject("no list where one is meant");
    const std::vector<JsonValue> items = list->items();
    if (name == "size") return std::uint64_t{items.size()};
    if (name == "at") {
      const std::uint64_t index = number_of(second);
      return index < items.size() ? as_shape_value(items[index]) : ShapeValue();
    }
    const auto found = std::find_if(items.begin(), items.end(), [&](const JsonValue& item) {
      return same(as_shape_value(item), second);
    });
    if (name == "has") return std::uint64_t{found != items.end() ? 1U : 0U};
    if (name != "index") reject("no function " + std::string(name));
    if (found == items.end()) return {};
    return static_cast<std::uint64_t>(found - items.begin());
  }

  static ShapeValue division(std::string_view name, const ShapeValue& first,
                             const ShapeValue& second) {
    if (!is_given(second)) return second;
    const std::uint64_t a = number_of(first);
    const std::uint64_t b = number_of(second);
    if (name == "up") return operation('/', a + (b == 0 ? 0 : b - 1), second);
    if (combine('%', b, a) != 0) {
      reject(std::to_string(b) + " is not a multiple of " + std::to_string(a));
    }
    return first;
  }

  static ShapeValue scaled(const ShapeValue& length, const ShapeValue& factor) {
    if (!is_given(factor)) return factor;
    const double product = static_cast<double>(number_of(length)) * factor_of(factor);
    if (product > static_cast<double>(max_value)) reject("a length above any model's");
    return static_cast<std::uint64_t>(product);
  }

  static bool same(const ShapeValue& left, const ShapeValue& right) {
    if (const auto* text = std::get_if<std::string>(&left)) {
      const auto* other = std::get_if<std::string>(&right);
      return other != nullptr && *text == *other;
    }
    const auto* number = std::get_if<std::uint64_t>(&left);
    const auto* other = std::get_if<std::uint64_t>(&right);
    return number != nullptr && other != nullptr && *number == *other;
  }

  static ShapeValue operation(char name, const ShapeValue& left, const ShapeValue& right) {
    if (!is_given(left)) return left;
    if (!is_given(right)) return right;
    const std::uint64_t result = combine(name, number_of(left), number_of(right));
    if (result > max_value) reject("a length above any model's");
    return result;
  }

  std::string_view rest_;
  const NamedValues& names_;
  int depth_ = 0;
  bool skipping_ = false;  // an alternative that is not needed, where nothing is given
};

}  // namespace

ShapeValue evaluate(std::string_view expression, const NamedValues& names) {
  return Parser(expression, names).whole();
}

ShapeValue as_shape_value(const JsonValue& value) {
  if (value.is_null()) return {};
  if (const auto flag = value.flag()) return std::uint64_t{*flag ? 1U : 0U};
  if (const auto text = value.text()) {
    if (text->size() > max_text) reject("longer than any model's");
    return std::string(*text);
  }
  if (value.is_list() || value.is_object()) return value;
  const double number = value.number().value_or(-1);  // some write 1.0
  if (!(number >= 0 && number <= static_cast<double>(max_value))) {
    reject("no whole number: " + value.description());
  }
  if (std::floor(number) != number) return value;
  return static_cast<std::uint64_t>(number);
}

}  // namespace offload
