// SPDX-License-Identifier: Apache-2.0
// Families of models, as bench/models/families/*.json describes them: which tensors they have, and
// of which lengths, as expressions over the fields of their config.json.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"

namespace offload {

struct FamilyFile {
  std::string_view name;
  std::string_view json;
};

std::span<const FamilyFile> family_files();

/// What the descriptions are written in: words with spaces between them, lines in a list.
std::vector<std::string> words_of(std::string_view text);
std::vector<std::string> lines_of(const JsonValue& list);

/// A family's description: its own, then that of the family it is like, then the defaults.
class FamilyDescription {
 public:
  /// nullopt for a model_type of no family.
  static std::optional<FamilyDescription> of(std::string_view type);

  std::string text(std::string_view name) const;
  std::vector<std::string> lines(std::string_view name) const;
  /// The meaning of a length or condition; nullopt where it is the config's field of that name.
  std::optional<std::string> value(std::string_view name) const { return within("values", name); }
  /// What a field of the config must be; nullopt where only its use tells.
  std::optional<std::string> field(std::string_view name) const { return within("fields", name); }

 private:
  explicit FamilyDescription(const JsonValue& family);
  JsonValue find(std::string_view name) const;
  std::optional<std::string> within(std::string_view object, std::string_view name) const;

  std::vector<JsonValue> entries_;
};

/// The lines that families share under that name.
std::vector<std::string> family_part(std::string_view name);

/// The prefixes of the language model's tensors and of its head in a model of `type` that nests its
/// config; nullopt for a type without any of its own, none where they are not known.
std::optional<std::vector<std::string>> wrapper_prefixes(std::string_view type);

}  // namespace offload
