// SPDX-License-Identifier: Apache-2.0
#include "bench/models/family_table.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace offload {
namespace {

/// All that is described: families, parts that they share, what holds where a family says nothing.
struct FamilyTable {
  std::vector<JsonValue> families;
  JsonValue parts;
  JsonValue defaults;
  JsonValue wrappers;

  std::optional<JsonValue> family(std::string_view type) const {
    for (const JsonValue& family : families) {
      const std::vector<std::string> types = words_of(family.find("types")->text().value());
      if (std::find(types.begin(), types.end(), type) != types.end()) return family;
    }
    return std::nullopt;
  }
};

FamilyTable read_table() {
  std::vector<JsonValue> families;
  std::optional<JsonValue> common;
  for (const FamilyFile& file : family_files()) {
    const JsonValue json = parse_json(file.json, std::string(file.name));
    if (json.find("parts")) common = json;
    const std::optional<JsonValue> list = json.find("families");
    if (!list) continue;
    for (const JsonValue& family : list->items()) families.push_back(family);
  }
  return {std::move(families), common->find("parts").value(), common->find("defaults").value(),
          common->find("wrappers").value()};
}

const FamilyTable& table() {
  static const FamilyTable read = read_table();
  return read;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> lines_of(const JsonValue& list) {
  std::vector<std::string> lines;
  for (const JsonValue& item : list.items()) lines.emplace_back(item.text().value());
  return lines;
}

std::optional<FamilyDescription> FamilyDescription::of(std::string_view type) {
  const std::optional<JsonValue> family = table().family(type);
  if (!family) return std::nullopt;
  return FamilyDescription(*family);
}

FamilyDescription::FamilyDescription(const JsonValue& family) {
  std::optional<JsonValue> next = family;
  while (next) {
    entries_.push_back(*next);
    const std::optional<JsonValue> like = next->find("like");
    next = like ? table().family(like->text().value()) : std::nullopt;
  }
  entries_.push_back(table().defaults);
}

std::string FamilyDescription::text(std::string_view name) const {
  return std::string(find(name).text().value());
}

std::vector<std::string> FamilyDescription::lines(std::string_view name) const {
  return lines_of(find(name));
}

JsonValue FamilyDescription::find(std::string_view name) const {
  for (const JsonValue& entry : entries_) {
    if (std::optional<JsonValue> value = entry.find(name)) return *value;
  }
  throw std::invalid_argument("no " + std::string(name));
}

std::optional<std::string> FamilyDescription::within(std::string_view object,
                                                     std::string_view name) const {
  for (const JsonValue& entry : entries_) {
    const std::optional<JsonValue> values = entry.find(object);
    const std::optional<JsonValue> value = values ? values->find(name) : std::nullopt;
    if (value) return std::string(value->text().value());
  }
  return std::nullopt;
}

std::vector<std::string> family_part(std::string_view name) {
  return lines_of(table().parts.find(name).value());
}

std::optional<std::vector<std::string>> wrapper_prefixes(std::string_view type) {
  const std::optional<JsonValue> wrapper = table().wrappers.find(type);
  return wrapper ? std::optional(lines_of(*wrapper)) : std::nullopt;
}

}  // namespace offload
