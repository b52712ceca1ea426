// SPDX-License-Identifier: Apache-2.0
#include "bench/report/page.hpp"

#include "bench/core/text.hpp"

namespace offload {

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
    out_ += "- " + std::string(text) + '\n';
  } else {
    out_ += wrap("  " + std::string(text), width, 4) + '\n';
  }
}

std::string Page::text() const {
  std::string text = out_;
  text.erase(text.find_last_not_of('\n') + 1);
  return text + '\n';
}

}  // namespace offload
