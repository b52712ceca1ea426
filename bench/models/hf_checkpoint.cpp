// SPDX-License-Identifier: Apache-2.0
// The tensors of a Hugging Face checkpoint, by name and shape, as its config implies them.
#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "bench/models/family_table.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;

std::uint64_t elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

std::uint64_t element_bytes(std::string_view dtype) {
  if (dtype == "I64") return 8;
  if (dtype == "F32") return 4;
  return dtype == "BF16" || dtype == "F16" ? 2 : 1;
}

ModelTensor tensor(std::string name, std::string_view dtype, Shape shape, Part part) {
  const std::uint64_t count = elements(shape);
  return {std::move(name), std::string(dtype),           std::move(shape),
          count,           count * element_bytes(dtype), part};
}

/// Tensors that say how to read others: no parameters of the model.
ModelTensor scales(std::string name, std::string_view dtype, Shape shape, Part part) {
  ModelTensor result = tensor(std::move(name), dtype, std::move(shape), part);
  result.parameters = 0;
  return result;
}

std::uint64_t blocks(std::uint64_t length, std::uint64_t block) {
  return (length + block - 1) / block;
}

/// How the matrix of `module` is quantised; nullptr when it is not.
const Quantization* quantization_of(const ModelConfig& config, const std::string& module) {
  if (!config.quantization) return nullptr;
  const std::vector<std::string>& kept = config.quantization->kept_modules;
  const bool is_kept = std::any_of(kept.begin(), kept.end(), [&](const std::string& name) {
    return has_name_segments(module, name) || matches_pattern(module, name);
  });
  return is_kept ? nullptr : &*config.quantization;
}

/// Collects one layer's tensors under the layer's prefix.
class LayerBuilder {
 public:
  LayerBuilder(const ModelConfig& config, std::string prefix)
      : config_(config), prefix_(std::move(prefix)) {}

  ModelLayer take() { return std::move(layer_); }
  const ModelConfig& config() const { return config_; }

  void add(ModelTensor&& part) {
    part.name = prefix_ + part.name;
    layer_.tensors.push_back(std::move(part));
  }

  void norm(const std::string& module, std::uint64_t length) {
    add(tensor(module + ".weight", config_.dtype, {length}, Part::norm));
  }

  /// A matrix that quantisation leaves alone.
  void plain(const std::string& name, Shape shape, Part part) {
    add(tensor(name, config_.dtype, std::move(shape), part));
  }

  /// A projection: its matrix, quantised where the checkpoint is, and its bias.
  void linear(const std::string& module, std::uint64_t rows, std::uint64_t cols, Part part,
              bool bias = false) {
    if (const Quantization* quantization = quantization_of(config_, prefix_ + module)) {
      quantized(module, rows, cols, part, *quantization);
    } else {
      plain(module + ".weight", {rows, cols}, part);
    }
    if (bias) plain(module + ".bias", {rows}, part);
  }

 private:
  void quantized(const std::string& module, std::uint64_t rows, std::uint64_t cols, Part part,
                 const Quantization& quantization) {
    const Shape scalar;
    switch (quantization.form) {
      case QuantizedForm::fp8_blocks:
        add(tensor(module + ".weight", "F8_E4M3", {rows, cols}, part));
        add(scales(module + ".weight_scale_inv", "F32",
                   {blocks(rows, quantization.rows), blocks(cols, quantization.cols)}, part));
        return;
      case QuantizedForm::fp8_tensors:
        add(tensor(module + ".weight", "F8_E4M3", {rows, cols}, part));
        add(scales(module + ".weight_scale", "F32", scalar, part));
        break;
      case QuantizedForm::nvfp4: {
        ModelTensor packed = tensor(module + ".weight", "U8", {rows, blocks(cols, 2)}, part);
        packed.parameters = rows * cols;
        add(std::move(packed));
        add(scales(module + ".weight_scale", "F8_E4M3", {rows, blocks(cols, 16)}, part));
        add(scales(module + ".weight_scale_2", "F32", scalar, part));
        break;
      }
    }
    add(scales(module + ".input_scale", "F32", scalar, part));
    if (!quantization.kv_scales) return;
    if (module == "self_attn.k_proj") add(scales(module + ".k_scale", "F32", scalar, part));
    if (module == "self_attn.v_proj") add(scales(module + ".v_scale", "F32", scalar, part));
  }

  const ModelConfig& config_;
  std::string prefix_;
  ModelLayer layer_;
};

void add_attention(LayerBuilder& layer) {
  const std::uint64_t hidden = layer.config().hidden;
  const AttentionConfig& attention = layer.config().attention;
  const std::uint64_t query = attention.heads * attention.head_dim;
  const std::uint64_t key_value = attention.kv_heads * attention.head_dim;
  const Part part = Part::attention;
  layer.linear("self_attn.q_proj", query, hidden, part, attention.qkv_bias);
  layer.linear("self_attn.k_proj", key_value, hidden, part, attention.qkv_bias);
  layer.linear("self_attn.v_proj", key_value, hidden, part, attention.qkv_bias);
  if (attention.qk_norm) {
    layer.norm("self_attn.q_norm", attention.head_dim);
    layer.norm("self_attn.k_norm", attention.head_dim);
  }
  if (attention.sinks) layer.plain("self_attn.sinks", {attention.heads}, part);
  layer.linear("self_attn.o_proj", hidden, query, part, attention.o_bias);
}

void add_latent_attention(LayerBuilder& layer) {
  const std::uint64_t hidden = layer.config().hidden;
  const std::uint64_t heads = layer.config().attention.heads;
  const LatentAttention& latent = *layer.config().attention.latent;
  const std::uint64_t query = heads * (latent.qk_nope_head_dim + latent.qk_rope_head_dim);
  const Part part = Part::attention;
  if (latent.q_lora_rank > 0) {
    layer.linear("self_attn.q_a_proj", latent.q_lora_rank, hidden, part);
    layer.norm("self_attn.q_a_layernorm", latent.q_lora_rank);
    layer.linear("self_attn.q_b_proj", query, latent.q_lora_rank, part);
  } else {
    layer.linear("self_attn.q_proj", query, hidden, part);
  }
  layer.linear("self_attn.kv_a_proj_with_mqa", latent.kv_lora_rank + latent.qk_rope_head_dim,
               hidden, part);
  layer.norm("self_attn.kv_a_layernorm", latent.kv_lora_rank);
  layer.linear("self_attn.kv_b_proj", heads * (latent.qk_nope_head_dim + latent.v_head_dim),
               latent.kv_lora_rank, part);
  layer.linear("self_attn.o_proj", hidden, heads * latent.v_head_dim, part);
}

void add_gated(LayerBuilder& layer, const std::string& module, std::uint64_t intermediate,
               Part part, bool bias = false) {
  const std::uint64_t hidden = layer.config().hidden;
  layer.linear(module + ".gate_proj", intermediate, hidden, part, bias);
  layer.linear(module + ".up_proj", intermediate, hidden, part, bias);
  layer.linear(module + ".down_proj", hidden, intermediate, part, bias);
}

void add_stacked_experts(LayerBuilder& layer) {
  const ExpertConfig& experts = *layer.config().experts;
  const std::uint64_t hidden = layer.config().hidden;
  const std::string module = "mlp.experts.";
  const auto matrix = [&](const std::string& name, std::uint64_t rows, std::uint64_t cols) {
    if (experts.storage == ExpertStorage::stacked) {
      layer.plain(module + name, {experts.count, cols, rows}, Part::experts);
    } else {  // 32 values of 4 bits in 16 bytes, with one scale byte
      ModelTensor packed = tensor(module + name + "_blocks", "U8",
                                  {experts.count, rows, cols / 32, 16}, Part::experts);
      packed.parameters = experts.count * rows * cols;
      layer.add(std::move(packed));
      layer.add(
          scales(module + name + "_scales", "U8", {experts.count, rows, cols / 32}, Part::experts));
    }
    layer.plain(module + name + "_bias", {experts.count, rows}, Part::experts);
  };
  matrix("gate_up_proj", 2 * experts.intermediate, hidden);
  matrix("down_proj", hidden, experts.intermediate);
}

void add_experts(LayerBuilder& layer) {
  const ExpertConfig& experts = *layer.config().experts;
  const std::uint64_t hidden = layer.config().hidden;
  const bool mixtral = experts.storage == ExpertStorage::w1_w2_w3;
  const std::string block = mixtral ? "block_sparse_moe" : "mlp";
  const std::string router = block + (experts.router_bias ? ".router" : ".gate");
  layer.plain(router + ".weight", {experts.count, hidden}, Part::router);
  if (experts.router_bias) layer.plain(router + ".bias", {experts.count}, Part::router);
  if (experts.correction_bias) {
    layer.add(tensor(router + ".e_score_correction_bias", "F32", {experts.count}, Part::router));
  }
  if (experts.shared_intermediate > 0) {
    add_gated(layer, "mlp.shared_experts", experts.shared_intermediate, Part::shared_expert);
  }
  if (experts.storage == ExpertStorage::stacked ||
      experts.storage == ExpertStorage::stacked_mxfp4) {
    add_stacked_experts(layer);
    return;
  }
  for (std::uint64_t i = 0; i < experts.count; ++i) {
    const std::string expert = block + ".experts." + std::to_string(i);
    if (mixtral) {
      layer.linear(expert + ".w1", experts.intermediate, hidden, Part::experts);
      layer.linear(expert + ".w3", experts.intermediate, hidden, Part::experts);
      layer.linear(expert + ".w2", hidden, experts.intermediate, Part::experts);
    } else {
      add_gated(layer, expert, experts.intermediate, Part::experts);
    }
  }
}

/// Embedding, last norm and, unless tied, head.
std::vector<ModelTensor> checkpoint_ends(const ModelConfig& config) {
  const Shape table{config.vocab, config.hidden};
  std::vector<ModelTensor> ends;
  ends.push_back(
      tensor(config.prefix + "embed_tokens.weight", config.dtype, table, Part::embedding));
  ends.push_back(tensor(config.prefix + "norm.weight", config.dtype, {config.hidden}, Part::norm));
  if (!config.tied) {
    ends.push_back(tensor(config.head_prefix + "lm_head.weight", config.dtype, table, Part::head));
  }
  return ends;
}

}  // namespace

ModelLayer checkpoint_layer(const ModelConfig& config, std::size_t index) {
  LayerBuilder layer(config, config.prefix + "layers." + std::to_string(index) + ".");
  layer.norm("input_layernorm", config.hidden);
  if (config.attention.latent) {
    add_latent_attention(layer);
  } else {
    add_attention(layer);
  }
  layer.norm("post_attention_layernorm", config.hidden);
  if (config.sparse.at(index)) {
    add_experts(layer);
  } else {
    add_gated(layer, "mlp", config.intermediate, Part::mlp, config.mlp_bias);
  }
  return layer.take();
}

std::vector<ModelTensor> linear_tensors(const ModelConfig& config, const std::string& prefix,
                                        const std::string& module, std::uint64_t rows,
                                        std::uint64_t cols, Part part, bool bias) {
  LayerBuilder layer(config, prefix);
  layer.linear(module, rows, cols, part, bias);
  return layer.take().tensors;
}

ModelTensor plain_tensor(std::string name, std::string_view dtype, Shape shape) {
  return tensor(std::move(name), dtype, std::move(shape), Part::other);
}

Model model_from_config(const JsonValue& json, const std::string& name, const std::string& source,
                        const std::optional<QuantizationFile>& beside) {
  if (auto described = described_model(ConfigFields(json, source), source, beside)) {
    described->name = name;
    return std::move(*described);
  }
  const ModelConfig config = read_model_config(json, source, beside);
  Model model;
  model.name = name;
  model.architecture = config.architecture;
  model.source = source;
  model.context = config.context;
  model.ends = checkpoint_ends(config);
  model.layers.reserve(config.sparse.size());
  for (std::size_t i = 0; i < config.sparse.size(); ++i) {
    model.layers.push_back(checkpoint_layer(config, i));
  }
  if (config.experts) {
    model.experts = config.experts->count;
    model.experts_per_token = config.experts->per_token;
  }
  return model;
}

}  // namespace offload
