// SPDX-License-Identifier: Apache-2.0
// Text for people, for a terminal or as Markdown.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/report/table.hpp"

namespace offload {

class Page {
 public:
  enum class Style : std::uint8_t { terminal, markdown };
  static constexpr std::size_t width = 100;

  explicit Page(Style style) : style_(style) {}

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  void table(const Table& table);
  /// One item of a list; ends its paragraph with end_list().
  void item(std::string_view text);
  void end_list() { out_ += '\n'; }

  /// Everything so far, ending in one newline.
  std::string text() const;

 private:
  Style style_;
  std::string out_;
};

}  // namespace offload
