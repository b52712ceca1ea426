// SPDX-License-Identifier: Apache-2.0
// What a config says of a model whose shapes are read from its tensors.
#include <array>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/hf_config.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// The config and the objects in it that say more of the language model, innermost last.
std::vector<JsonValue> language_parts(const JsonValue& config) {
  constexpr auto names = std::to_array<std::string_view>(
      {"text_config", "language_config", "llm_config", "thinker_config", "ffn_config"});
  std::vector<JsonValue> parts{config};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const std::string_view name : names) {
      const std::optional<JsonValue> part = given(parts[i], name);
      if (part && part->is_object()) parts.push_back(*part);
    }
  }
  return parts;
}

struct Field {
  std::string_view name;
  JsonValue value;
};

/// The first of `names` that any of `parts` gives, the innermost of them first.
std::optional<Field> find_field(const std::vector<JsonValue>& parts,
                                std::span<const std::string_view> names) {
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    for (const std::string_view name : names) {
      if (std::optional<JsonValue> value = given(*part, name)) return Field{name, *value};
    }
  }
  return std::nullopt;
}

/// By the names in use; some architectures say it of each layer, in a list.
std::size_t experts_per_token(const ConfigFields& fields, const std::vector<JsonValue>& parts,
                              std::size_t experts) {
  constexpr auto names = std::to_array<std::string_view>(
      {"num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_k", "moe_topk",
       "moe_top_k", "top_k_experts", "moe_router_topk", "num_selected_experts",
       "n_activated_experts", "moe_num_active_primary_experts"});
  const std::optional<Field> field = find_field(parts, names);
  if (!field) return 0;
  if (!field->value.is_list()) return fields.as_number(field->name, field->value, 1, experts);
  std::set<std::size_t> numbers;
  for (const JsonValue& item : field->value.items()) {
    numbers.insert(fields.as_number(field->name, item, 1, experts));
  }
  if (numbers.size() != 1) {
    fields.fail(std::string(field->name) +
                " must be one number: layers whose tokens take different numbers of experts are "
                "not supported");
  }
  return *numbers.begin();
}

/// Of all layers alike, where the config says it so.
AttentionHeads heads_of(const std::vector<JsonValue>& parts) {
  const auto number = [&](auto names) {
    const std::optional<Field> field = find_field(parts, names);
    return field ? field->value.whole_number().value_or(0) : 0;
  };
  const std::uint64_t queries = number(std::to_array<std::string_view>(
      {"num_attention_heads", "n_head", "n_heads", "num_heads"}));
  const std::uint64_t keys =
      number(std::to_array<std::string_view>({"num_key_value_heads", "num_kv_heads"}));
  return {queries, keys == 0 ? queries : keys};
}

/// nullopt for an architecture whose shapes the config does not give: that is what the tensors are
/// for.
std::optional<ConfigSummary> known_summary(const JsonValue& json, const std::string& source) {
  try {
    return described_summary(ConfigFields(json, source));
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

}  // namespace

ConfigSummary summarize_config(const JsonValue& json, const std::string& source,
                               std::size_t experts) {
  const ConfigFields fields(json, source);
  refuse_other_models(fields);
  const bool tied = fields.flag_anywhere("tie_word_embeddings", false);
  if (std::optional<ConfigSummary> known = known_summary(json, source)) {
    known->tied = tied;
    return *known;
  }
  ConfigSummary summary;
  summary.tied = tied;
  summary.context = context_of(fields);
  const std::vector<JsonValue> parts = language_parts(json);
  if (experts > 0) summary.experts_per_token = experts_per_token(fields, parts, experts);
  constexpr auto names =
      std::to_array<std::string_view>({"num_hidden_layers", "n_layer", "n_layers", "num_layers"});
  const std::optional<Field> layers = find_field(parts, names);
  if (layers) summary.layers = layers->value.whole_number().value_or(0);
  summary.heads.assign(summary.layers, heads_of(parts));
  return summary;
}

}  // namespace offload
