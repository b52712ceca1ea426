// SPDX-License-Identifier: Apache-2.0
// The parser is nlohmann/json's; the tree is built from its events, so that limits hold while the
// text is read and not after.
#include "bench/models/json_value.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "offload/error.hpp"

namespace offload {
namespace {

/// Characters of the text, and how many of them the parser has taken.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  std::size_t* taken;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*taken;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

/// Short and printable, whatever the file held.
std::string shown(std::string_view text) {
  constexpr std::size_t most = 160;
  std::string result;
  for (const char c : text.substr(0, most)) {
    const bool printable = c >= ' ' && c <= '~';
    result += printable ? c : '?';
  }
  return text.size() > most ? result + "..." : result;
}

class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  TreeBuilder(std::string_view text, const std::string& source, JsonLimits limits)
      : text_(text), source_(source), limits_(limits) {}

  std::size_t* taken() { return &taken_; }
  JsonValue take() { return std::move(root_); }

  bool null() override { return add({nullptr}); }
  bool boolean(bool value) override { return add({value}); }
  bool number_integer(std::int64_t value) override { return add({value}); }
  bool number_unsigned(std::uint64_t value) override { return add({value}); }
  bool number_float(double value, const std::string& /*text*/) override { return add({value}); }
  bool string(std::string& value) override { return add({std::move(value)}); }
  bool binary(binary_t& /*value*/) override { return false; }  // not in JSON text
  bool start_object(std::size_t /*unknown*/) override { return open({JsonValue::Object{}}); }
  bool start_array(std::size_t /*unknown*/) override { return open({JsonValue::Array{}}); }
  bool end_array() override { return close(); }
  bool end_object() override {
    refuse_repeated_names(std::get<JsonValue::Object>(open_.back().value));
    return close();
  }
  bool key(std::string& name) override {
    std::get<JsonValue::Object>(open_.back().value).push_back({std::move(name), {}});
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: the fault"
    const std::string_view what = error.what();
    const std::size_t tag = what.find("] ");
    const std::size_t place = what.find(": ");
    const std::size_t skip = what.find("parse error at") == tag + 2 ? place : tag;
    fail("not JSON: " + std::string(skip == what.npos ? what : what.substr(skip + 2)),
         position == 0 ? 0 : position - 1);
  }

  [[noreturn]] void fail(const std::string& fault, std::size_t position) const {
    const std::string_view before = text_.substr(0, position);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 = 0
    throw UsageError(source_ + ": line " + std::to_string(line) + ", column " +
                     std::to_string(before.size() - start + 1) + ": " + shown(fault));
  }

 private:
  [[noreturn]] void fail_here(const std::string& fault) const {
    fail(fault, taken_ == 0 ? 0 : taken_ - 1);
  }

  bool count_value() {
    if (++values_ > limits_.values) {
      fail_here("more than " + std::to_string(limits_.values) + " values");
    }
    return true;
  }

  /// Where the next complete value belongs.
  void place(JsonValue&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* array = std::get_if<JsonValue::Array>(&open_.back().value)) {
      array->push_back(std::move(value));
    } else {
      std::get<JsonValue::Object>(open_.back().value).back().second = std::move(value);
    }
  }

  bool add(JsonValue&& value) {
    count_value();
    place(std::move(value));
    return true;
  }

  bool open(JsonValue&& container) {
    count_value();
    if (open_.size() >= limits_.depth) {
      fail_here("nested more than " + std::to_string(limits_.depth) + " deep");
    }
    open_.push_back(std::move(container));
    return true;
  }

  bool close() {
    JsonValue done = std::move(open_.back());
    open_.pop_back();
    place(std::move(done));
    return true;
  }

  void refuse_repeated_names(const JsonValue::Object& object) const {
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const auto& member : object) names.push_back(member.first);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice == names.end()) return;
    fail_here("'" + shown(*twice) + "' is given twice in the object that ends here");
  }

  std::string_view text_;
  const std::string& source_;
  JsonLimits limits_;
  std::size_t taken_ = 0;
  std::size_t values_ = 0;
  JsonValue root_;
  std::vector<JsonValue> open_;  // the containers around the next value, outermost first
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto* object = std::get_if<Object>(&value);
  if (object == nullptr) return nullptr;
  const auto found = std::find_if(object->begin(), object->end(),
                                  [&](const auto& member) { return member.first == name; });
  return found == object->end() ? nullptr : &found->second;
}

JsonValue parse_json(std::string_view text, const std::string& source, JsonLimits limits) {
  TreeBuilder builder(text, source, limits);
  // The parser would take a zero byte for the end and leave the rest unread.
  const std::size_t zero = text.find('\0');
  if (zero != text.npos) builder.fail("not JSON: a zero byte", zero);
  const CountingIterator begin{text.data(), builder.taken()};
  const CountingIterator end{text.data() + text.size(), builder.taken()};
  nlohmann::json::sax_parse(begin, end, &builder);
  return builder.take();
}

}  // namespace offload
