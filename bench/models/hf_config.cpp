// SPDX-License-Identifier: Apache-2.0
#include "bench/models/hf_config.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
std::optional<JsonValue> given(const JsonValue& object, std::string_view name) {
  std::optional<JsonValue> value = object.find(name);
  return value && value->is_null() ? std::nullopt : value;
}

ConfigFields::ConfigFields(const JsonValue& config, std::string source)
    : outer_(config), inner_(config), source_(std::move(source)) {
  if (!config.is_object()) {
    fail("a model's config is an object with fields, not " + config.description());
  }
  const std::optional<JsonValue> text_config = given(config, "text_config");
  if (!text_config) return;
  if (!text_config->is_object()) {
    fail("text_config must be an object, not " + text_config->description());
  }
  inner_ = *text_config;
  nested_ = true;
}

std::optional<JsonValue> ConfigFields::find(std::string_view name) const {
  return given(inner_, name);
}

std::optional<JsonValue> ConfigFields::find_anywhere(std::string_view name) const {
  std::optional<JsonValue> value = given(inner_, name);
  return value ? value : given(outer_, name);
}

std::optional<std::uint64_t> ConfigFields::number(std::initializer_list<std::string_view> names,
                                                  std::uint64_t min, std::uint64_t max) const {
  for (const std::string_view name : names) {
    if (const std::optional<JsonValue> value = find(name)) return as_number(name, *value, min, max);
  }
  return std::nullopt;
}

std::uint64_t ConfigFields::required(std::initializer_list<std::string_view> names,
                                     std::uint64_t min, std::uint64_t max) const {
  const std::optional<std::uint64_t> value = number(names, min, max);
  for (const std::string_view name : names) {
    if (!value && inner_.find(name))
      fail("no " + std::string(name) + ": it is null or no finite number");
  }
  if (!value) {
    fail("no " + std::string(*names.begin()) + ": not a complete config.json" +
         std::string(advice));
  }
  return *value;
}

bool ConfigFields::flag(std::string_view name, bool otherwise) const {
  const std::optional<JsonValue> value = find(name);
  return value ? as_flag(name, *value) : otherwise;
}

bool ConfigFields::flag_anywhere(std::string_view name, bool otherwise) const {
  const std::optional<JsonValue> value = find_anywhere(name);
  return value ? as_flag(name, *value) : otherwise;
}

std::optional<std::string> ConfigFields::text(std::string_view name) const {
  const std::optional<JsonValue> value = find(name);
  return value ? std::optional(as_text(name, *value)) : std::nullopt;
}

std::optional<std::string> ConfigFields::text_anywhere(std::string_view name) const {
  const std::optional<JsonValue> value = find_anywhere(name);
  return value ? std::optional(as_text(name, *value)) : std::nullopt;
}

std::optional<std::string> ConfigFields::outer_text(std::string_view name) const {
  const std::optional<JsonValue> value = given(outer_, name);
  return value ? std::optional(as_text(name, *value)) : std::nullopt;
}

std::vector<JsonValue> ConfigFields::list(std::string_view name) const {
  const std::optional<JsonValue> value = find(name);
  if (!value) return {};
  if (!value->is_list()) fail(std::string(name) + " must be a list, not " + value->description());
  return value->items();
}

void ConfigFields::fail(const std::string& fault) const {
  throw UsageError(source_ + ": " + fault);
}

std::uint64_t ConfigFields::as_number(std::string_view name, const JsonValue& value,
                                      std::uint64_t min, std::uint64_t max) const {
  const std::optional<std::uint64_t> number = value.whole_number();
  if (!number || *number < min || *number > max) {
    fail(std::string(name) + " must be a whole number from " + std::to_string(min) + " to " +
         std::to_string(max) + ", not " + value.description());
  }
  return *number;
}

std::string ConfigFields::as_text(std::string_view name, const JsonValue& value) const {
  const std::optional<std::string_view> text = value.text();
  if (!text) fail(std::string(name) + " must be text, not " + value.description());
  return std::string(*text);
}

bool ConfigFields::as_flag(std::string_view name, const JsonValue& value) const {
  const std::optional<bool> flag = value.flag();
  if (!flag) fail(std::string(name) + " must be true or false, not " + value.description());
  return *flag;
}

namespace {

// Far above any model, and low enough that no product of them overflows and no list of tensors
// fills the memory.
constexpr std::uint64_t max_features = 1 << 20;
constexpr std::uint64_t max_intermediate = 1 << 22;
constexpr std::uint64_t max_heads = 1 << 12;
constexpr std::uint64_t max_head_dim = 1 << 12;
constexpr std::uint64_t max_vocab = 1 << 26;
constexpr std::uint64_t max_layers = 1 << 10;
constexpr std::uint64_t max_experts = 1 << 12;
constexpr std::uint64_t max_experts_of_all_layers = 1 << 16;
constexpr std::uint64_t mxfp4_block = 32;  // elements that share one scale
constexpr std::uint64_t nvfp4_block = 16;  // likewise

enum class Feed : std::uint8_t { dense, qwen_experts, mixtral_experts, deepseek_experts, gpt_oss };

/// What the model type alone decides; the fields decide the rest.
struct Family {
  std::string_view model_type;
  Feed feed = Feed::dense;
  bool qkv_bias = false;
  bool qk_norm = false;
  bool latent = false;
  bool attention_bias = false;  // where the field is absent
  bool sinks = false;
};

constexpr std::array<Family, 8> families{{
    {.model_type = "llama"},
    {.model_type = "mistral"},
    {.model_type = "qwen2", .qkv_bias = true},
    {.model_type = "qwen3", .qk_norm = true},
    {.model_type = "qwen3_moe", .feed = Feed::qwen_experts, .qk_norm = true},
    {.model_type = "mixtral", .feed = Feed::mixtral_experts},
    {.model_type = "deepseek_v3", .feed = Feed::deepseek_experts, .latent = true},
    {.model_type = "gpt_oss", .feed = Feed::gpt_oss, .attention_bias = true, .sinks = true},
}};

const Family& family_of(const ConfigFields& fields) {
  const std::optional<std::string> type = fields.text_anywhere("model_type");
  if (!type) fields.fail("no model_type: not a model's config.json" + std::string(advice));
  const auto* found = std::find_if(families.begin(), families.end(), [&](const Family& family) {
    return family.model_type == *type;
  });
  if (found == families.end()) {
    fields.fail("model_type " + in_quotes(*type) +
                " is not one whose shapes follow from its config" + std::string(advice));
  }
  return *found;
}

bool is_drafting_architecture(const std::string& name) {
  const auto holds = [&](std::string_view word) { return name.find(word) != name.npos; };
  // Models of images are called Eagle too, "ForConditionalGeneration".
  if (holds("Eagle")) return holds("ForCausalLM") || holds("MTP");
  return holds("Medusa") || holds("Speculator");
}

/// Layers of several kinds cannot be told apart by the fields read here.
void refuse_hybrids(const ConfigFields& fields) {
  for (const JsonMember& member : fields.object().members()) {
    if (member.name.starts_with("linear_") || member.name == "full_attention_interval") {
      fields.fail("field " + in_quotes(member.name) + " means layers of linear attention" +
                  std::string(advice));
    }
  }
  for (const JsonValue& item : fields.list("layer_types")) {
    const std::string type = fields.as_text("layer_types", item);
    if (type != "full_attention" && type != "sliding_attention") {
      fields.fail("layer type " + in_quotes(type) + " is not supported" + std::string(advice));
    }
  }
}

std::string dtype_of(const ConfigFields& fields) {
  std::optional<std::string> given = fields.text_anywhere("dtype");
  if (!given) given = fields.text_anywhere("torch_dtype");
  if (!given || *given == "bfloat16") return "BF16";
  if (*given == "float16") return "F16";
  if (*given == "float32") return "F32";
  fields.fail("dtype " + in_quotes(*given) + " is not one of bfloat16, float16, float32");
}

AttentionConfig attention_of(const ConfigFields& fields, const Family& family,
                             std::uint64_t hidden) {
  AttentionConfig attention;
  attention.heads = fields.required({"num_attention_heads"}, 1, max_heads);
  const bool bias = fields.flag("attention_bias", family.attention_bias);
  attention.qkv_bias = bias || family.qkv_bias;
  attention.o_bias = bias;
  attention.qk_norm = family.qk_norm;
  attention.sinks = family.sinks;
  if (family.latent) {
    const auto dim = [&](std::string_view name) {
      return fields.required({name}, 1, max_head_dim);
    };
    attention.latent = LatentAttention{
        .q_lora_rank = fields.number({"q_lora_rank"}, 1, max_features).value_or(0),
        .kv_lora_rank = fields.required({"kv_lora_rank"}, 1, max_features),
        .qk_nope_head_dim = dim("qk_nope_head_dim"),
        .qk_rope_head_dim = dim("qk_rope_head_dim"),
        .v_head_dim = dim("v_head_dim"),
    };
    if (bias)
      fields.fail("attention_bias with latent attention is not supported" + std::string(advice));
    return attention;
  }
  attention.kv_heads =
      fields.number({"num_key_value_heads"}, 1, max_heads).value_or(attention.heads);
  if (attention.heads % attention.kv_heads != 0) {
    fields.fail("num_attention_heads is not a multiple of num_key_value_heads");
  }
  const std::optional<std::uint64_t> head_dim = fields.number({"head_dim"}, 1, max_head_dim);
  if (!head_dim && hidden % attention.heads != 0) {
    fields.fail("no head_dim, and hidden_size is not a multiple of num_attention_heads");
  }
  attention.head_dim = head_dim.value_or(hidden / attention.heads);
  return attention;
}

ExpertConfig experts_of(const ConfigFields& fields, const Family& family) {
  ExpertConfig experts;
  experts.count =
      fields.required({"num_experts", "num_local_experts", "n_routed_experts"}, 1, max_experts);
  experts.per_token =
      fields.required({"num_experts_per_tok", "experts_per_token"}, 1, experts.count);
  experts.intermediate =
      fields.required({"moe_intermediate_size", "intermediate_size"}, 1, max_intermediate);
  switch (family.feed) {
    case Feed::dense:
    case Feed::qwen_experts:
      break;
    case Feed::mixtral_experts:
      experts.storage = ExpertStorage::w1_w2_w3;
      break;
    case Feed::deepseek_experts:
      // A shared expert's size is a routed one's; several are stored as one.
      experts.shared_intermediate =
          fields.number({"n_shared_experts"}, 0, max_intermediate / experts.intermediate)
              .value_or(0) *
          experts.intermediate;
      experts.correction_bias = fields.text("topk_method").value_or("noaux_tc") == "noaux_tc";
      break;
    case Feed::gpt_oss:
      experts.storage = ExpertStorage::stacked;
      experts.router_bias = true;
      break;
  }
  return experts;
}

/// Whether each layer has experts, by the rules of the families.
std::vector<bool> sparse_layers(const ConfigFields& fields, const Family& family) {
  const std::uint64_t layers = fields.required({"num_hidden_layers"}, 1, max_layers);
  std::vector<bool> sparse(layers, family.feed != Feed::dense);
  if (family.feed == Feed::deepseek_experts) {
    const std::uint64_t dense = fields.number({"first_k_dense_replace"}, 0, layers).value_or(0);
    const std::uint64_t every = fields.number({"moe_layer_freq"}, 1, max_layers).value_or(1);
    for (std::uint64_t i = 0; i < layers; ++i) sparse[i] = i >= dense && i % every == 0;
  }
  if (family.feed == Feed::qwen_experts) {
    const std::uint64_t every = fields.number({"decoder_sparse_step"}, 1, max_layers).value_or(1);
    for (std::uint64_t i = 0; i < layers; ++i) sparse[i] = (i + 1) % every == 0;
    for (const JsonValue& item : fields.list("mlp_only_layers")) {
      sparse[fields.as_number("mlp_only_layers", item, 0, layers - 1)] = false;
    }
  }
  return sparse;
}

std::vector<std::string> texts(const ConfigFields& fields, std::string_view name) {
  std::vector<std::string> result;
  for (const JsonValue& item : fields.list(name)) result.push_back(fields.as_text(name, item));
  return result;
}

Quantization fp8_blocks(const ConfigFields& fields) {
  const std::string fmt = fields.text("fmt").value_or("e4m3");
  if (fmt != "e4m3") {
    fields.fail("fp8 format " + in_quotes(fmt) + " is not supported" + std::string(advice));
  }
  const std::vector<JsonValue> size = fields.list("weight_block_size");
  if (size.size() != 2) {
    fields.fail("fp8 without a weight_block_size of two numbers is not supported" +
                std::string(advice));
  }
  const auto number = [&](const JsonValue& value) {
    return fields.as_number("weight_block_size", value, 1, max_features);
  };
  return {QuantizedForm::fp8_blocks, number(size[0]), number(size[1]), false,
          texts(fields, "modules_to_not_convert")};
}

/// NVIDIA ModelOpt's own fields, from hf_quant_config.json or from the config itself.
Quantization modelopt(const ConfigFields& fields) {
  const std::string algorithm = fields.text("quant_algo").value_or("");
  Quantization quantization;
  if (algorithm == "FP8") {
    quantization.form = QuantizedForm::fp8_tensors;
  } else if (algorithm == "NVFP4") {
    quantization.form = QuantizedForm::nvfp4;
    const std::uint64_t group =
        fields.number({"group_size"}, 1, max_features).value_or(nvfp4_block);
    if (group != nvfp4_block) {
      fields.fail("group_size of NVFP4 must be " + std::to_string(nvfp4_block) + ", not " +
                  std::to_string(group));
    }
  } else {
    fields.fail("quant_algo " + in_quotes(algorithm) + " is not supported" + std::string(advice));
  }
  quantization.kept_modules = texts(fields, fields.find("ignore") ? "ignore" : "exclude_modules");
  quantization.kv_scales = fields.find("kv_cache_quant_algo") || fields.find("kv_cache_scheme");
  return quantization;
}

/// ModelOpt's newer files have the fields at the top, its older ones in an object.
Quantization modelopt_in(const ConfigFields& fields, const std::string& source) {
  const std::optional<JsonValue> inner = fields.find("quantization");
  return modelopt(inner ? ConfigFields(*inner, source + ": quantization") : fields);
}

/// The config's own word; where it has none, the file beside it, as engines read them.
void apply_quantization(const ConfigFields& fields, const std::string& source,
                        const std::optional<QuantizationFile>& beside, ModelConfig& config) {
  const bool stacked = config.experts && config.experts->storage == ExpertStorage::stacked;
  if (const std::optional<JsonValue> own = fields.find_anywhere("quantization_config")) {
    const std::string where = source + ": quantization_config";
    const ConfigFields quantization(*own, where);
    const std::string method = quantization.text("quant_method").value_or("");
    if (method == "fp8" && !stacked) {
      config.quantization = fp8_blocks(quantization);
    } else if (method.starts_with("modelopt") && !stacked) {
      config.quantization = modelopt_in(quantization, where);
    } else if (method == "mxfp4" && stacked) {
      if (config.hidden % mxfp4_block != 0 || config.experts->intermediate % mxfp4_block != 0) {
        fields.fail("mxfp4 needs sizes that are multiples of " + std::to_string(mxfp4_block));
      }
      config.experts->storage = ExpertStorage::stacked_mxfp4;
    } else {
      quantization.fail("quant_method " + in_quotes(method) + " is not supported for " +
                        config.architecture + std::string(advice));
    }
  } else if (beside) {
    const ConfigFields quantization(beside->json, beside->source);
    const bool is_modelopt = quantization.find("quantization") || quantization.find("quant_algo");
    if (stacked || !is_modelopt) {
      quantization.fail("says that the weights are quantised, in a way that is not supported for " +
                        config.architecture + std::string(advice));
    }
    config.quantization = modelopt_in(quantization, beside->source);
  }
}

}  // namespace

std::uint64_t context_of(const ConfigFields& fields) {
  const std::optional<JsonValue> value = fields.find_anywhere("max_position_embeddings");
  return value ? value->whole_number().value_or(0) : 0;
}

void refuse_other_models(const ConfigFields& fields) {
  constexpr std::string_view drafts =
      " means a draft for another model (EAGLE, Medusa and the like), not a model of its own; give "
      "the model that it drafts for";
  for (const std::string_view field : {"draft_vocab_size", "eagle_config", "speculators_config"}) {
    if (fields.find_anywhere(field)) fields.fail("field " + in_quotes(field) + std::string(drafts));
  }
  const std::optional<JsonValue> architectures = fields.find_anywhere("architectures");
  for (const JsonValue& item : architectures ? architectures->items() : std::vector<JsonValue>()) {
    const std::string name(item.text().value_or(""));
    if (is_drafting_architecture(name)) {
      fields.fail("architecture " + in_quotes(name) + std::string(drafts));
    }
  }
  if (fields.flag_anywhere("is_encoder_decoder", false)) {
    fields.fail("is_encoder_decoder: only models that run all layers for each token are read");
  }
}

ModelConfig read_model_config(const JsonValue& json, const std::string& source,
                              const std::optional<QuantizationFile>& beside) {
  const ConfigFields fields(json, source);
  refuse_other_models(fields);
  const Family& family = family_of(fields);
  refuse_hybrids(fields);

  ModelConfig config;
  config.architecture = family.model_type;
  config.head_prefix = fields.nested() ? "language_model." : "";
  config.prefix = config.head_prefix + "model.";
  config.hidden = fields.required({"hidden_size"}, 1, max_features);
  config.vocab = fields.required({"vocab_size"}, 1, max_vocab);
  config.context = context_of(fields);
  config.tied = fields.flag_anywhere("tie_word_embeddings", false);
  config.mlp_bias = fields.flag("mlp_bias", false);
  config.dtype = dtype_of(fields);
  config.attention = attention_of(fields, family, config.hidden);
  config.sparse = sparse_layers(fields, family);
  const auto sparse =
      static_cast<std::uint64_t>(std::count(config.sparse.begin(), config.sparse.end(), true));
  if (sparse > 0) {
    config.experts = experts_of(fields, family);
    if (sparse * config.experts->count > max_experts_of_all_layers) {
      fields.fail("more than " + std::to_string(max_experts_of_all_layers) +
                  " experts in all layers together");
    }
  }
  if (sparse < config.sparse.size()) {
    config.intermediate = fields.required({"intermediate_size"}, 1, max_intermediate);
  }
  apply_quantization(fields, source, beside, config);
  return config;
}

ModelConfig shared_fields(const ConfigFields& fields, const std::string& source,
                          const std::optional<QuantizationFile>& beside) {
  ModelConfig config;
  config.architecture = fields.text_anywhere("model_type").value();
  config.context = context_of(fields);
  config.dtype = dtype_of(fields);
  apply_quantization(fields, source, beside, config);
  return config;
}

}  // namespace offload
