// SPDX-License-Identifier: Apache-2.0
// The fields of a config.json, read strictly: a wrong type or a senseless number is a UsageError
// that names the file and the field.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"
#include "offload/model.hpp"

namespace offload {

/// Behind what is not supported of a config.json.
inline constexpr std::string_view advice =
    "; give the model's safetensors (a directory or model.safetensors.index.json) instead";

class ConfigFields {
 public:
  /// Multimodal models keep the language model's fields in "text_config"; those are meant here.
  ConfigFields(const JsonValue& config, std::string source);

  bool nested() const { return nested_; }
  const JsonValue& object() const { return inner_; }

  /// nullopt when absent or null.
  std::optional<JsonValue> find(std::string_view name) const;
  /// Also beside text_config, where some models say what holds for the whole.
  std::optional<JsonValue> find_anywhere(std::string_view name) const;

  /// The first of `names` that is given: a whole number from `min` to `max`.
  std::optional<std::uint64_t> number(std::initializer_list<std::string_view> names,
                                      std::uint64_t min, std::uint64_t max) const;
  /// The same; absent is an error.
  std::uint64_t required(std::initializer_list<std::string_view> names, std::uint64_t min,
                         std::uint64_t max) const;
  bool flag(std::string_view name, bool otherwise) const;
  bool flag_anywhere(std::string_view name, bool otherwise) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::string> text_anywhere(std::string_view name) const;
  /// Of the whole, where the language model's fields are nested.
  std::optional<std::string> outer_text(std::string_view name) const;
  /// Absent is an empty list.
  std::vector<JsonValue> list(std::string_view name) const;

  /// "<source>: <fault>"
  [[noreturn]] void fail(const std::string& fault) const;
  /// `value` of field `name` as a whole number in a range.
  std::uint64_t as_number(std::string_view name, const JsonValue& value, std::uint64_t min,
                          std::uint64_t max) const;
  std::string as_text(std::string_view name, const JsonValue& value) const;

 private:
  bool as_flag(std::string_view name, const JsonValue& value) const;

  JsonValue outer_;
  JsonValue inner_;
  bool nested_ = false;
  std::string source_;
};

// A model from its config.json, as Hugging Face writes it: what the config says about shapes, with
// every default and every other name resolved, and the tensors of the checkpoint that it implies.

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

/// What a quantised matrix is stored as, and what stands beside it.
enum class QuantizedForm : std::uint8_t {
  fp8_blocks,   // e4m3, one float scale for each block of rows x cols
  fp8_tensors,  // ModelOpt's FP8: e4m3, one float scale for the matrix and one for its inputs
  nvfp4,        // ModelOpt's: two values a byte, an e4m3 scale for each 16, and the two floats
};

struct Quantization {
  QuantizedForm form = QuantizedForm::fp8_blocks;
  std::uint64_t rows = 0;  // of a block
  std::uint64_t cols = 0;
  bool kv_scales = false;                      // of cached keys and values, beside their matrices
  std::vector<std::string> kept_modules = {};  // in the model's dtype; with * for any characters
};

struct ModelConfig {
  std::string architecture;  // model_type
  std::string prefix;        // of every name but the head's: "model."
  std::string head_prefix;   // ""
  std::uint64_t hidden = 0;
  std::uint64_t intermediate = 0;  // of dense layers
  std::uint64_t vocab = 0;
  std::uint64_t context = 0;  // the most tokens of a sequence; 0: not given
  bool tied = false;          // the embedding is the head
  bool mlp_bias = false;
  std::string dtype;  // of everything that is not quantised, as safetensors writes it
  AttentionConfig attention;
  std::optional<ExpertConfig> experts;
  std::optional<Quantization> quantization;  // of linear weights that are not stacked
  std::vector<bool> sparse;  // one per layer: whether its feed-forward is the experts
};

/// A file beside config.json that says how the weights are quantised: some tools write it instead
/// of the config's own quantization_config.
struct QuantizationFile {
  JsonValue json;
  std::string source;
};

/// nullopt where it is not, or null.
std::optional<JsonValue> given(const JsonValue& object, std::string_view name);

/// Throws UsageError for a config of what cannot generate text by itself, or not layer by layer: a
/// draft, an encoder-decoder.
void refuse_other_models(const ConfigFields& fields);

/// Throws UsageError naming `source` for what is missing, senseless or not supported. Layers that
/// predict further tokens (num_nextn_predict_layers) are none of the model's and left out.
ModelConfig read_model_config(const JsonValue& config, const std::string& source,
                              const std::optional<QuantizationFile>& beside = std::nullopt);

/// What a config says of any architecture, for a model whose shapes are read from its tensors; 0
/// and "" where it does not say.
struct ConfigSummary {
  std::string architecture;  // of those that read_model_config knows
  std::size_t layers = 0;
  std::size_t experts_per_token = 0;
  std::size_t context = 0;
  bool tied = false;  // the embedding is the head
};
/// `experts` is the number that the tensors show. Throws UsageError where a field makes no sense.
ConfigSummary summarize_config(const JsonValue& config, const std::string& source,
                               std::size_t experts);

ModelLayer checkpoint_layer(const ModelConfig& config, std::size_t index);

/// The most tokens of a sequence; 0 where it is not said. It bears on no shape, so that what makes
/// no sense is no reason to refuse a model.
std::uint64_t context_of(const ConfigFields& fields);

/// What is read alike of any architecture: its name, dtype, context, quantisation.
ModelConfig shared_fields(const ConfigFields& fields, const std::string& source,
                          const std::optional<QuantizationFile>& beside);

/// The projection `prefix` + `module` as `config` stores it: quantised or not, with its scales.
std::vector<ModelTensor> linear_tensors(const ModelConfig& config, const std::string& prefix,
                                        const std::string& module, std::uint64_t rows,
                                        std::uint64_t cols, Part part, bool bias);
ModelTensor plain_tensor(std::string name, std::string_view dtype,
                         std::vector<std::uint64_t> shape);

/// The checkpoint's own tensors: names, shapes and dtypes as its safetensors hold them. Throws
/// UsageError naming `source` when the config is senseless or of an architecture whose tensors do
/// not follow from it.
Model model_from_config(const JsonValue& config, const std::string& name, const std::string& source,
                        const std::optional<QuantizationFile>& beside = std::nullopt);

}  // namespace offload
