// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/procfs.hpp"

#include "bench/core/files.hpp"

namespace offload {

std::string NotedFiles::text(std::string_view field, std::string_view file) {
  std::string found(trimmed(read_text(root_ / file)));
  if (found.empty()) note(field, "/" + std::string(file) + " is missing or empty");
  return found;
}

std::optional<std::size_t> NotedFiles::number(std::string_view field, std::string_view file) {
  const std::string found = text(field, file);
  if (found.empty()) return std::nullopt;
  const auto number = exact_number(found);
  if (!number) nonsense(field, file, found);
  return number;
}

void NotedFiles::nonsense(std::string_view field, std::string_view file, std::string_view found) {
  // Enough to recognise it by, whatever it is.
  constexpr std::size_t longest = 40;
  note(field, "/" + std::string(file) + " says \"" + std::string(found.substr(0, longest)) + "\"");
}

void NotedFiles::note(std::string_view field, std::string reason) {
  notes_.push_back({std::string(field), std::move(reason)});
}

}  // namespace offload
