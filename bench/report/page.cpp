// SPDX-License-Identifier: Apache-2.0
#include "bench/report/page.hpp"

#include <algorithm>
#include <stdexcept>

#include "bench/core/text.hpp"

namespace offload {
namespace {

/// Which of the terminal's own colors: they suit its background.
std::string_view color_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "\x1b[32m";
    case Tone::attention:
      return "\x1b[33m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::strong:
      return "\x1b[1m";
    case Tone::plain:
      break;
  }
  return "";
}

/// Line by line, for pagers that begin anew with each.
std::string in_color(std::string_view text, Tone tone) {
  if (tone == Tone::plain || text.empty()) return std::string(text);
  constexpr std::string_view end = "\x1b[0m";
  std::string colored(color_of(tone));
  for (const char c : text) {
    if (c == '\n') colored += end;
    colored += c;
    if (c == '\n') colored += color_of(tone);
  }
  return colored.append(end);
}

std::string padded(std::string_view text, std::size_t width, Table::Align align, Tone tone) {
  const std::string space(width - std::min(width, display_width(text)), ' ');
  const std::string shown = in_color(text, tone);
  return align == Table::Align::left ? shown + space : space + shown;
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

std::string Table::text(std::size_t width, bool colored) const {
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
  const auto tone = [&](std::size_t i, std::string_view cell) {
    return colored && columns_[i].tone != nullptr ? columns_[i].tone(cell) : Tone::plain;
  };
  const auto add_line = [&](const auto& cell_of, const auto& tone_of) {
    std::string line;
    for (std::size_t i = 0; i + 1 < columns_.size(); ++i) {
      const std::string cell(cell_of(i));
      line += padded(cell, widths[i], columns_[i].align, tone_of(i, cell)) + "  ";
    }
    std::string last(cell_of(columns_.size() - 1));
    const Tone last_tone = tone_of(columns_.size() - 1, last);
    if (display_width(last) > widths.back()) {
      last = wrap(last, last_begin + widths.back(), last_begin, last_begin);
    }
    line += padded(last, widths.back(), columns_.back().align, last_tone);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  add_line([&](std::size_t i) { return std::string_view(columns_[i].title); },
           [](std::size_t, std::string_view) { return Tone::plain; });
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) { return printable(row[i]); }, tone);
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

std::string Page::toned(const std::string& text, Tone tone) const {
  return style_ == Style::colored ? in_color(text, tone) : text;
}

void Page::heading(std::string_view text, Tone tone) {
  const std::string shown = printable(text, "\n");
  if (style_ == Style::markdown) {
    out_ += "### " + shown + "\n\n";
  } else {
    out_ += toned(wrap(shown, width), tone) + '\n';
  }
}

void Page::paragraph(std::string_view text, Tone tone) {
  const std::string shown = printable(text, "\n");
  out_ += (style_ == Style::markdown ? shown : toned(wrap(shown, width), tone)) + "\n\n";
}

void Page::table(const Table& table) {
  out_ +=
      (style_ == Style::markdown ? table.markdown() : table.text(width, style_ == Style::colored)) +
      '\n';
}

void Page::item(std::string_view text, Tone tone) {
  if (style_ == Style::markdown) {
    out_ += "- " + printable(text) + '\n';
  } else {
    out_ += toned(wrap("  " + printable(text), width, 4), tone) + '\n';
  }
}

void Page::line(std::string_view text, Tone tone) {
  const std::string shown = printable(text, "\n");
  out_ += (style_ == Style::markdown ? "- " + shown : toned("  " + shown, tone)) + '\n';
}

std::string Page::text() const {
  std::string text = out_;
  text.erase(text.find_last_not_of('\n') + 1);
  return text + '\n';
}

}  // namespace offload
