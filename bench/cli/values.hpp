// SPDX-License-Identifier: Apache-2.0
// What the value of a flag may be: numbers, sizes, rates and names, as users type them.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offload::values {

/// How a value is read: what is put in its place. Throws UsageError for what it may not be.
class Read {
 public:
  Read() = default;
  // Implicit: where there are no names, a function is all of it.
  template <std::invocable<const std::string&> Text>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Read(Text text, const std::vector<std::string_view>& names = {}, bool or_path = false)
      : text_(std::move(text)), names_(names.begin(), names.end()), or_path_(or_path) {}

  explicit operator bool() const { return text_ != nullptr; }
  std::string operator()(const std::string& text) const { return text_(text); }
  /// What a shell offers for the value, beside paths where these are read too.
  const std::vector<std::string>& names() const { return names_; }
  bool or_path() const { return or_path_; }

 private:
  std::function<std::string(const std::string&)> text_;
  std::vector<std::string> names_;
  bool or_path_ = false;
};

std::string given(const std::string& text);  // not left out
Read directory();                            // that there is

/// From `min` to `max`, strictly read: no sign, no white space, nothing after it.
Read number(double min, double max);
Read whole_number(std::uint64_t min, std::uint64_t max);

Read rate();  // bytes per second
Read skew();  // 0 to 1.5, in hundredths
Read size(std::size_t max = std::numeric_limits<std::size_t>::max());
Read memory();  // that a model may take

Read gpu_or_all();  // "all" or a number
Read host_node();   // "local", "remote" or a number

/// One of `known` in any case, as it is spelled there.
Read name_among(const std::string& kind, const std::vector<std::string_view>& known);

/// One of `known`, or what is found elsewhere.
Read name_or(const std::vector<std::string_view>& known);
Read name_or_path(const std::vector<std::string_view>& known);
/// The path of what is to be written or read; where it is used, that is checked.
Read path();

std::vector<std::string_view> engine_names();

/// One of each group of policies: "uva", not its family's longer name.
std::string group_names();

}  // namespace offload::values
