// SPDX-License-Identifier: Apache-2.0
#include "bench/report/page.hpp"

#include <algorithm>
#include <stdexcept>

#include "bench/core/text.hpp"

namespace offload {
namespace {

std::string padded(std::string_view text, std::size_t width, Table::Align align) {
  const std::string space(width - std::min(width, display_width(text)), ' ');
  return align == Table::Align::left ? std::string(text) + space : space + std::string(text);
}

std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) throw std::logic_error("table: one cell per column");
  for (std::string& cell : cells) cell = printable(cell, "\n");
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = display_width(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, display_width(row[i]));
    widths.push_back(widest);
  }
  std::size_t last_begin = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) last_begin += widths[i] + 2;
  constexpr std::size_t narrowest = 20;
  if (columns_.back().align == Align::left && width >= last_begin + narrowest) {
    widths.back() = std::min(widths.back(), width - last_begin);
  }

  std::string out;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i + 1 < columns_.size(); ++i) {
      line += padded(cell_of(i), widths[i], columns_[i].align) + "  ";
    }
    std::string last(cell_of(columns_.size() - 1));
    if (display_width(last) > widths.back()) {
      last = wrap(last, last_begin + widths.back(), last_begin, last_begin);
    }
    line += padded(last, widths.back(), columns_.back().align);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  add_line([&](std::size_t i) { return std::string_view(columns_[i].title); });
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) { return printable(row[i]); });
  }
  return out;
}

std::string Table::markdown() const {
  std::string out;
  std::string rule;
  for (const auto& column : columns_) {
    out += "| " + markdown_cell(column.title) + ' ';
    rule += column.align == Align::left ? "|---" : "|---:";
  }
  out += "|\n" + rule + "|\n";
  for (const auto& row : rows_) {
    for (const auto& cell : row) out += "| " + markdown_cell(cell) + ' ';
    out += "|\n";
  }
  return out;
}

std::string Table::csv() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    out += (i > 0 ? "," : "") + csv_cell(columns_[i].title);
  }
  out += '\n';
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) out += (i > 0 ? "," : "") + csv_cell(row[i]);
    out += '\n';
  }
  return out;
}

void Page::heading(std::string_view text) {
  if (style_ == Style::markdown) {
    out_ += "### " + std::string(text) + "\n\n";
  } else {
    out_ += wrap(text, width) + '\n';
  }
}

void Page::paragraph(std::string_view text) {
  out_ += (style_ == Style::markdown ? std::string(text) : wrap(text, width)) + "\n\n";
}

void Page::table(const Table& table) {
  out_ += (style_ == Style::markdown ? table.markdown() : table.text(width)) + '\n';
}

void Page::item(std::string_view text) {
  if (style_ == Style::markdown) {
    out_ += "- " + printable(text) + '\n';
  } else {
    out_ += wrap("  " + printable(text), width, 4) + '\n';
  }
}

void Page::line(std::string_view text) {
  out_ += (style_ == Style::markdown ? "- " : "  ") + std::string(text) + '\n';
}

std::string Page::text() const {
  std::string text = out_;
  text.erase(text.find_last_not_of('\n') + 1);
  return text + '\n';
}

}  // namespace offload
