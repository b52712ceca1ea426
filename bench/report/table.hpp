// SPDX-License-Identifier: Apache-2.0
// Rows under titles, written as aligned text, Markdown or CSV.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Throws std::logic_error unless there is one cell per column.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  /// Columns two spaces apart; no trailing spaces. Cells of a left-aligned last column go on below
  /// themselves where a line would be longer than `width`.
  std::string text(std::size_t width) const;
  std::string markdown() const;
  /// RFC 4180 quoting, LF line ends.
  std::string csv() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace offload
