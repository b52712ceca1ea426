// SPDX-License-Identifier: Apache-2.0
#include "bench/models/tensor_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace offload {
namespace {

using Words = std::span<const std::string_view>;

std::vector<std::string_view> components_of(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto dot = name.find('.');
    parts.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    name.remove_prefix(dot + 1);
  }
}

bool is_one_of(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
bool holds_one_of(std::string_view text, Words words) {
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

constexpr auto layer_words =
    std::to_array<std::string_view>({"layers", "layer", "h", "blocks", "block", "blk"});
constexpr auto other_towers =
    std::to_array<std::string_view>({"visual", "vision", "image", "audio", "speech", "multi_modal",
                                     "mm_projector", "talker", "token2wav"});
constexpr auto drafting = std::to_array<std::string_view>({"mtp", "draft"});
constexpr auto gguf_towers = std::to_array<std::string_view>({"v", "a", "mm"});

bool is_norm(std::string_view component) {
  if (component == "norm_attn_norm") return false;  // DBRX: around its attention
  return component.find("norm") != std::string_view::npos || component.substr(0, 3) == "ln_" ||
         component == "ln1" || component == "ln2";
}

bool is_router(std::string_view component) {
  return component == "gate" || component.substr(0, 6) == "router" ||
         component == "shared_expert_gate" || component.substr(0, 12) == "ffn_gate_inp" ||
         component == "exp_probs_b" || component == "e_score_correction_bias";
}

bool is_shared_expert(std::string_view component) {
  return component.substr(0, 13) == "shared_expert" || component.substr(0, 10) == "shared_mlp" ||
         component.find("_shexp") != std::string_view::npos;
}

bool is_experts(std::string_view component) {
  constexpr auto words = std::to_array<std::string_view>({"experts", "local_experts", "expert"});
  return is_one_of(component, words) || component.find("_exps") != std::string_view::npos ||
         component.find("_chexps") != std::string_view::npos;
}

// The token mixer, whatever its kind: attention, a linear one, a state space, a convolution.
bool is_attention(std::string_view component) {
  constexpr auto words = std::to_array<std::string_view>(
      {"attn", "attention", "ssm_", "mamba", "time_mix", "temporal_block", "shortconv",
       "short_conv", "indexer", "query_key_value"});
  constexpr auto leaves = std::to_array<std::string_view>(
      {"q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "Wqkv", "conv", "W_down", "W_up"});
  return holds_one_of(component, words) || is_one_of(component, leaves);
}

bool is_mlp(std::string_view component) {
  constexpr auto words = std::to_array<std::string_view>(
      {"mlp", "ffn", "feed_forward", "feedforward", "channel_mix", "block_sparse_moe"});
  constexpr auto leaves = std::to_array<std::string_view>(
      {"gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2", "w1", "w2", "w3", "c_fc",
       "dense_h_to_4h", "dense_4h_to_h", "per_layer_input_gate", "per_layer_projection",
       "linear_left", "linear_right", "correction_coefs", "prediction_coefs", "modality_router"});
  return holds_one_of(component, words) || is_one_of(component, leaves);
}

/// What says most of a tensor is what stands closest to its end: norm_attn_norm.attn.Wqkv is no
/// norm.
bool ends_in_norm(const std::vector<std::string_view>& components) {
  for (auto part = components.rbegin(); part != components.rend(); ++part) {
    if (is_norm(*part)) return true;
    if (is_attention(*part) || is_mlp(*part)) return false;
  }
  return false;
}

template <class Rule>
bool any(const std::vector<std::string_view>& components, Rule rule) {
  return std::any_of(components.begin(), components.end(), rule);
}

}  // namespace

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  constexpr std::size_t max_digits = 9;
  std::uint64_t number = 0;
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

TensorPlace place_of(std::string_view name) {
  const auto parts = components_of(name);
  for (std::size_t i = 0; i + 2 < parts.size(); ++i) {
    if (!is_one_of(parts[i], layer_words)) continue;
    const auto number = parse_digits(parts[i + 1]);
    if (!number) continue;
    const auto stack_end = static_cast<std::size_t>(parts[i].end() - name.begin());
    const auto rest_begin = static_cast<std::size_t>(parts[i + 2].begin() - name.begin());
    return {name.substr(0, stack_end), number, name.substr(rest_begin)};
  }
  return {{}, std::nullopt, name};
}

bool is_text(std::string_view stack_or_name) {
  const auto parts = components_of(stack_or_name);
  return !is_one_of(parts.front(), gguf_towers) && !names_tower(stack_or_name) &&
         !any(parts, [](std::string_view part) { return holds_one_of(part, drafting); });
}

bool names_tower(std::string_view name) {
  return any(components_of(name),
             [](std::string_view part) { return holds_one_of(part, other_towers); });
}

Part part_in_layer(std::string_view rest) {
  const auto parts = components_of(rest);
  // A gate inside the attention is not a router: self_attn.gate.
  const bool named_router = is_one_of("router", parts);
  if (any(parts, is_router) && (named_router || !is_attention(parts.front()))) return Part::router;
  if (ends_in_norm(parts)) return Part::norm;
  if (any(parts, is_shared_expert)) return Part::shared_expert;
  if (any(parts, is_experts) || expert_of(rest)) return Part::experts;
  if (is_one_of("ape", parts)) return Part::embedding;  // positions, which are added
  if (any(parts, is_attention)) return Part::attention;
  if (any(parts, is_mlp)) return Part::mlp;
  if (parts.front() == "mixer") return Part::attention;
  const bool is_table = rest.find("embed") != std::string_view::npos;  // looked up, not multiplied
  return is_table ? Part::embedding : Part::other;
}

Part part_outside(std::string_view name) {
  constexpr auto embeddings = std::to_array<std::string_view>(
      {"embed_tokens", "token_embd", "wte", "wpe", "embed_in", "word_embeddings", "position_embd",
       "tok_embeddings", "embeddings", "embed"});
  constexpr auto heads = std::to_array<std::string_view>(
      {"lm_head", "output", "embed_out", "score", "head", "unembed"});
  const auto parts = components_of(name);
  if (!is_text(name)) {
    const bool drafts =
        any(parts, [](std::string_view part) { return holds_one_of(part, drafting); });
    return drafts ? Part::drafting : Part::tower;
  }
  if (any(parts, is_norm)) return Part::norm;
  if (any(parts, [&](std::string_view part) { return is_one_of(part, embeddings); })) {
    return Part::embedding;
  }
  if (any(parts, [&](std::string_view part) { return is_one_of(part, heads); })) return Part::head;
  return Part::other;
}

std::optional<std::uint64_t> expert_of(std::string_view rest) {
  constexpr auto before = std::to_array<std::string_view>(
      {"experts", "local_experts", "expert", "ffn_gate", "ffn_up", "ffn_down"});
  const auto parts = components_of(rest);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!is_one_of(parts[i], before)) continue;
    if (const auto number = parse_digits(parts[i + 1])) return number;
  }
  return std::nullopt;
}

std::string plain_model_name(std::string_view text) {
  std::string plain;
  for (const char letter : text.substr(0, 96)) {
    const bool kept = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') ||
                      std::string_view("._-+").find(letter) != std::string_view::npos;
    plain += kept ? letter : '-';
  }
  const bool speaks = plain.find_first_not_of("-.") != std::string::npos;
  return speaks ? plain : "model";
}

bool has_name_segments(std::string_view name, std::string_view segments) {
  if (segments.empty()) return false;
  for (std::size_t at = name.find(segments); at != name.npos; at = name.find(segments, at + 1)) {
    const std::size_t end = at + segments.size();
    const bool begins = at == 0 || name[at - 1] == '.';
    const bool ends = end == name.size() || name[end] == '.';
    if (begins && ends) return true;
  }
  return false;
}

std::string_view name_in_layer(std::string_view name) {
  std::string_view rest = name;
  for (std::size_t dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
    const std::string_view segment = rest.substr(0, dot);
    rest.remove_prefix(dot + 1);
    const bool number = !segment.empty() && std::all_of(segment.begin(), segment.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
    if (number) return rest;
  }
  return name;
}

}  // namespace offload
