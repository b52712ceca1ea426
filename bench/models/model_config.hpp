// SPDX-License-Identifier: Apache-2.0
// What a config.json says about the shapes of a model, with every default and spelling resolved.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/models/json_value.hpp"

namespace offload {

/// Multi-head latent attention: queries and keys go through a low rank.
struct LatentAttention {
  std::uint64_t q_lora_rank = 0;  // 0: queries are projected directly
  std::uint64_t kv_lora_rank = 0;
  std::uint64_t qk_nope_head_dim = 0;
  std::uint64_t qk_rope_head_dim = 0;
  std::uint64_t v_head_dim = 0;
};

struct AttentionConfig {
  std::uint64_t heads = 0;
  std::uint64_t kv_heads = 0;
  std::uint64_t head_dim = 0;
  bool qkv_bias = false;
  bool o_bias = false;
  bool qk_norm = false;                   // a norm over each head of q and k
  bool sinks = false;                     // one learned logit per head
  std::optional<LatentAttention> latent;  // instead of kv_heads and head_dim
};

/// How a checkpoint names and stores the routed experts.
enum class ExpertStorage : std::uint8_t {
  gate_up_down,   // mlp.experts.7.gate_proj.weight, one matrix each
  w1_w2_w3,       // block_sparse_moe.experts.7.w1.weight, one matrix each
  stacked,        // mlp.experts.gate_up_proj: all in one tensor, transposed, with biases
  stacked_mxfp4,  // mlp.experts.gate_up_proj_blocks and _scales, with biases
};

struct ExpertConfig {
  std::uint64_t count = 0;
  std::uint64_t per_token = 0;
  std::uint64_t intermediate = 0;
  std::uint64_t shared_intermediate = 0;  // of all shared experts together; 0 without any
  bool correction_bias = false;           // a float per expert that corrects the routing
  bool router_bias = false;
  ExpertStorage storage = ExpertStorage::gate_up_down;
};

/// fp8 e4m3 weights with one float scale per block of rows x cols.
struct Fp8Blocks {
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  std::vector<std::string> modules_to_not_convert;
};

struct ModelConfig {
  std::string architecture;  // model_type
  std::string prefix;        // of every name but the head's: "model."
  std::string head_prefix;   // ""
  std::uint64_t hidden = 0;
  std::uint64_t intermediate = 0;  // of dense layers
  std::uint64_t vocab = 0;
  bool tied = false;  // the embedding is the head
  bool mlp_bias = false;
  std::string dtype;  // of everything that is not quantised, as safetensors spells it
  AttentionConfig attention;
  std::optional<ExpertConfig> experts;
  std::optional<Fp8Blocks> fp8;
  std::vector<bool> sparse;  // one per layer: whether its feed-forward is the experts
};

/// Throws UsageError naming `source` for what is missing, senseless or not supported. Layers that
/// predict further tokens (num_nextn_predict_layers) are none of the model's and left out.
ModelConfig read_model_config(const JsonValue& config, const std::string& source);

}  // namespace offload
