// SPDX-License-Identifier: Apache-2.0
// What the writers of the results document share.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "offload/platform.hpp"

namespace offload::json_values {

using Json = nlohmann::ordered_json;

/// A name or text that is empty because it does not exist is null in the document.
inline Json text_or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

inline Json named_texts_json(const NamedTexts& texts) {
  Json object = Json::object();
  for (const auto& [name, value] : texts) object[name] = value;
  return object;
}

}  // namespace offload::json_values
