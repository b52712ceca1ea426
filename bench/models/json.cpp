// SPDX-License-Identifier: Apache-2.0
#include "bench/models/json.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {

namespace {

using nlohmann::json;

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
  constexpr std::size_t max_length = 160;
  std::string result;
  for (const char c : text.substr(0, max_length)) result += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > max_length ? result + "..." : result;
}

/// The end of the string in quotes that begins at `begin`.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return text.size();
}

/// Python's json module writes numbers for which JSON has no word, and config files hold them:
/// "time_step_limit": [0.0, Infinity]. No count or size is one of them, so each becomes null. What
/// follows keeps its line and, but for NaN, its column. "" where there are none.
std::string with_null_for_python_numbers(std::string_view text) {
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos) return {};
  constexpr auto words = std::to_array<std::string_view>({"NaN", "Infinity", "-Infinity"});
  std::string result;
  std::size_t copied = 0;
  // None of them is a document of its own.
  for (std::size_t at = std::min(text.find_first_of("[{"), text.size()); at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    const auto* const word = std::find_if(words.begin(), words.end(), [&](std::string_view known) {
      return text.substr(at).starts_with(known);
    });
    if (word == words.end()) {
      ++at;
      continue;
    }
    constexpr std::string_view null = "null";
    result.append(text.substr(copied, at - copied)).append(null);
    if (word->size() > null.size()) result.append(word->size() - null.size(), ' ');
    at += word->size();
    copied = at;
  }
  return result.append(text.substr(copied));
}

}  // namespace

/// Makes the tree while the text is read, so that limits hold before memory is asked for and what
/// is not kept takes none. (The library's own callback, which could do this, looks through all
/// members of an object after each of them; and of names given twice its tree keeps one.)
class JsonReader final : public nlohmann::json_sax<json> {
 public:
  /// Members for which `keeps` says no are read over. Those of the object whose name is `of`, ""
  /// for the document's, are given to `take`.
  JsonReader(std::string_view text, const std::string& source, JsonLimits limits, JsonFilter keeps,
             std::string_view of = "", TakeMember take = {})
      : text_(text),
        source_(source),
        limits_(limits),
        keeps_(std::move(keeps)),
        take_(std::move(take)),
        taking_depth_(!take_       ? 0
                      : of.empty() ? 1
                                   : 2) {}

  JsonValue read() {
    // The parser would take a zero byte for the end and leave the rest unread.
    const std::size_t zero = text_.find('\0');
    if (zero != text_.npos) fail("not JSON: a zero byte", zero);
    const CountingIterator begin{text_.data(), &taken_};
    const CountingIterator end{text_.data() + text_.size(), &taken_};
    json::sax_parse(begin, end, this);
    return shared(std::move(root_));
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string& /*text*/) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // not in JSON text
  bool start_object(std::size_t /*unknown*/) override { return open(json::object()); }
  bool start_array(std::size_t /*unknown*/) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool end_object() override {
    refuse_repeated(open_.back().names);
    return close();
  }
  bool key(std::string& name) override {
    Open& object = open_.back();
    object.names.push_back(lasting(name));
    object.keeps_member = object.kept && keeps(object.names.back());
    if (takes()) member_values_ = 0;
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

 private:
  /// A list or an object whose end has not been read.
  struct Open {
    json value;
    bool kept = true;
    bool keeps_member = true;             // the one that comes next
    std::vector<std::string_view> names;  // of an object's members so far
  };

  static JsonValue shared(json value) {
    return JsonValue(std::make_shared<const json>(std::move(value)));
  }

  /// Of those that are kept: others take no memory.
  void count_value() {
    if (!keeps_next()) return;
    if (++values_ > limits_.values) {
      fail("more than " + std::to_string(limits_.values) + " values", last_taken());
    }
    if (++member_values_ > limits_.member_values) {
      fail("more than " + std::to_string(limits_.member_values) + " values in one member",
           last_taken());
    }
  }

  bool keeps_next() const {
    return open_.empty() || (open_.back().kept && open_.back().keeps_member);
  }

  bool keeps(std::string_view member) const {
    if (!keeps_ || open_.size() > 2 || !open_.front().value.is_object()) return true;
    return open_.size() == 1 ? keeps_("", member) : keeps_(open_.front().names.back(), member);
  }

  /// Of an object that is open: whether its members are the ones to take.
  bool takes() const { return open_.size() == taking_depth_ && open_.front().value.is_object(); }

  /// A value that is whole. What is not kept may be of any kind.
  bool add(json value) {
    count_value();
    if (keeps_next()) put(std::move(value));
    return true;
  }

  void put(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.is_array()) {
      parent.value.push_back(std::move(value));
    } else if (takes()) {
      take_(parent.names.back(), shared(std::move(value)));
    } else {
      parent.value.emplace(parent.names.back(), std::move(value));
    }
  }

  bool open(json value) {
    count_value();
    if (open_.size() >= limits_.depth) {
      fail("nested more than " + std::to_string(limits_.depth) + " deep", last_taken());
    }
    const bool kept = keeps_next();
    open_.push_back({std::move(value), kept, true, {}});
    return true;
  }

  bool close() {
    Open last = std::move(open_.back());
    open_.pop_back();
    if (last.kept) put(std::move(last.value));
    return true;
  }

  /// `name`, just read, as it stands in the text; one that is written otherwise there is kept.
  std::string_view lasting(const std::string& name) {
    const std::size_t quote = last_taken();
    if (quote >= name.size()) {
      const std::string_view written = text_.substr(quote - name.size(), name.size());
      if (written == name) return written;
    }
    return rewritten_.emplace_back(name);
  }

  void refuse_repeated(std::vector<std::string_view>& names) const {
    std::sort(names.begin(), names.end());
    const auto repeated = std::adjacent_find(names.begin(), names.end());
    if (repeated == names.end()) return;
    fail("'" + shown(*repeated) + "' is given twice in the object that ends here", last_taken());
  }

  [[noreturn]] void fail(const std::string& fault, std::size_t position) const {
    const std::string_view before = text_.substr(0, position);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 = 0
    throw UsageError(source_ + ": line " + std::to_string(line) + ", column " +
                     std::to_string(before.size() - start + 1) + ": " + shown(fault));
  }

  std::size_t last_taken() const { return taken_ == 0 ? 0 : taken_ - 1; }

  std::string_view text_;
  const std::string& source_;
  JsonLimits limits_;
  JsonFilter keeps_;
  TakeMember take_;
  std::size_t taking_depth_;  // 0: none
  std::size_t taken_ = 0;
  std::size_t values_ = 0;
  std::size_t member_values_ = 0;  // since the last one to take began
  std::vector<Open> open_;         // outermost first
  std::deque<std::string> rewritten_;
  json root_;
};

namespace {

const json& json_of(const std::shared_ptr<const void>& node) {
  return *static_cast<const json*>(node.get());
}

}  // namespace

bool JsonValue::is_null() const { return json_of(node_).is_null(); }
bool JsonValue::is_object() const { return json_of(node_).is_object(); }
bool JsonValue::is_list() const { return json_of(node_).is_array(); }

std::optional<bool> JsonValue::flag() const {
  const json& value = json_of(node_);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

std::optional<std::string_view> JsonValue::text() const {
  const json& value = json_of(node_);
  if (!value.is_string()) return std::nullopt;
  return value.get_ref<const std::string&>();
}

std::optional<double> JsonValue::number() const {
  const json& value = json_of(node_);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<std::uint64_t> JsonValue::whole_number() const {
  const json& value = json_of(node_);
  const bool whole = value.is_number_unsigned() ||
                     (value.is_number_integer() && value.get<std::int64_t>() >= 0);  // -0
  return whole ? std::optional(value.get<std::uint64_t>()) : std::nullopt;
}

std::vector<JsonValue> JsonValue::items() const {
  const json& value = json_of(node_);
  std::vector<JsonValue> result;
  if (!value.is_array()) return result;
  result.reserve(value.size());
  for (const json& item : value) result.push_back(JsonValue({node_, &item}));
  return result;
}

std::vector<JsonMember> JsonValue::members() const {
  const json& value = json_of(node_);
  std::vector<JsonMember> result;
  if (!value.is_object()) return result;
  result.reserve(value.size());
  for (const auto& [name, member] : value.items()) {
    result.push_back({name, JsonValue({node_, &member})});
  }
  return result;
}

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
  const json& value = json_of(node_);
  if (!value.is_object()) return std::nullopt;
  const auto found = value.find(name);
  if (found == value.end()) return std::nullopt;
  return JsonValue({node_, &*found});
}

std::string JsonValue::description() const {
  const json& value = json_of(node_);
  if (value.is_string()) return in_quotes(*text());
  if (value.is_array()) return "a list";
  return value.is_object() ? "an object" : value.dump();
}

JsonValue parse_json(std::string_view text, const std::string& source, JsonLimits limits,
                     const JsonFilter& keeps) {
  const std::string replaced = with_null_for_python_numbers(text);
  return JsonReader(replaced.empty() ? text : replaced, source, limits, keeps).read();
}

void read_members(std::string_view text, const std::string& source, JsonLimits limits,
                  std::string_view of, const TakeMember& take) {
  const std::string replaced = with_null_for_python_numbers(text);
  const auto keeps = [of](std::string_view object, std::string_view member) {
    return of.empty() || object == of || (object.empty() && member == of);
  };
  JsonReader(replaced.empty() ? text : replaced, source, limits, keeps, of, take).read();
}

}  // namespace offload
