// SPDX-License-Identifier: Apache-2.0
// What people read: rows under titles as aligned text, Markdown or CSV, and pages of them. Whatever
// names are in it, the only control sequences of a page are the colors of its tones.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

/// What the eye is to find first; a color where there are any.
enum class Tone : std::uint8_t { plain, good, attention, bad, strong };

class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
    Tone (*tone)(std::string_view cell) = nullptr;  // of each cell; plain without
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Throws std::logic_error unless there is one cell per column.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// Columns two spaces apart; no trailing spaces. Cells of a left-aligned last column go on below
  /// themselves where a line would be longer than `width`.
  std::string text(std::size_t width, bool colored = false) const;
  std::string markdown() const;
  /// RFC 4180 quoting, LF line ends.
  std::string csv() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

class Page {
 public:
  enum class Style : std::uint8_t { terminal, colored, markdown };
  static constexpr std::size_t width = 100;

  static constexpr Style style(bool markdown, bool colored) {
    if (markdown) return Style::markdown;
    return colored ? Style::colored : Style::terminal;
  }

  explicit Page(Style style) : style_(style) {}

  void heading(std::string_view text, Tone tone = Tone::plain);
  void paragraph(std::string_view text, Tone tone = Tone::plain);
  void table(const Table& table);
  /// One item of a list; ends its paragraph with end_list().
  void item(std::string_view text, Tone tone = Tone::plain);
  /// One that is to be copied: all in one line.
  void line(std::string_view text, Tone tone = Tone::plain);
  void end_list() { out_ += '\n'; }

  /// Everything so far, ending in one newline.
  std::string text() const;

 private:
  std::string toned(const std::string& text, Tone tone) const;

  Style style_;
  std::string out_;
};

}  // namespace offload
