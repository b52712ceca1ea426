// SPDX-License-Identifier: Apache-2.0
// What configs say of quantisation, method by method.
#include <algorithm>
#include <array>
#include <utility>

#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/models/quantization.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

constexpr std::uint64_t max_block = 1 << 20;  // no matrix has longer rows
constexpr std::uint64_t nvfp4_block = 16;     // weights that share a scale

[[noreturn]] void refuse(const ConfigFields& fields, const std::string& what) {
  fields.fail(what + " is not supported" + std::string(advice));
}

std::vector<std::string> texts(const ConfigFields& fields, std::string_view name) {
  std::vector<std::string> result;
  for (const JsonValue& item : fields.list(name)) result.push_back(fields.as_text(name, item));
  return result;
}

Quantization fp8_blocks(const ConfigFields& fields) {
  const std::string fmt = fields.text("fmt").value_or("e4m3");
  if (fmt != "e4m3" && fmt != "float8_e4m3fn") refuse(fields, "fp8 format " + in_quotes(fmt));
  const std::vector<JsonValue> size = fields.list("weight_block_size");
  if (size.size() != 2) refuse(fields, "fp8 without a weight_block_size of two numbers");
  const auto number = [&](const JsonValue& value) {
    return fields.as_number("weight_block_size", value, 1, max_block);
  };
  return {.form = QuantizedForm::fp8_blocks,
          .rows = number(size[0]),
          .cols = number(size[1]),
          .kept_modules = KeptModules(texts(fields, "modules_to_not_convert"))};
}

Quantization modelopt(const ConfigFields& fields) {
  const std::string algorithm = fields.text("quant_algo").value_or("");
  Quantization quantization;
  if (algorithm == "FP8") {
    quantization.form = QuantizedForm::fp8_tensors;
  } else if (algorithm == "NVFP4") {
    quantization.form = QuantizedForm::nvfp4;
    const std::uint64_t group = fields.number("group_size", 1, max_block).value_or(nvfp4_block);
    if (group != nvfp4_block) {
      fields.fail("group_size of NVFP4 must be " + std::to_string(nvfp4_block) + ", not " +
                  std::to_string(group));
    }
  } else {
    refuse(fields, "quant_algo " + in_quotes(algorithm));
  }
  quantization.kept_modules =
      KeptModules(texts(fields, fields.find("ignore") ? "ignore" : "exclude_modules"));
  quantization.kv_scales = fields.find("kv_cache_quant_algo") || fields.find("kv_cache_scheme");
  return quantization;
}

/// Weights that share a scale along a row: 0, all of them, for -1.
std::uint64_t group_size(const ConfigFields& fields) {
  const std::optional<JsonValue> size = fields.find("group_size");
  if (!size) refuse(fields, "quantisation without a group_size");
  if (size->number() == -1.0) return 0;
  return fields.as_number("group_size", *size, 1, max_block);
}

Quantization gptq(const ConfigFields& fields) {
  for (const std::string_view field : {"dynamic", "modules_in_block_to_quantize"}) {
    const std::optional<JsonValue> value = fields.find(field);
    if (value && !(value->members().empty() && value->items().empty())) {
      refuse(fields, "GPTQ's field " + in_quotes(field));
    }
  }
  if (fields.flag("lm_head", false)) refuse(fields, "a head quantised by GPTQ");
  const std::string format = fields.text("checkpoint_format").value_or("gptq");
  if (!format.starts_with("gptq")) refuse(fields, "checkpoint_format " + in_quotes(format));
  return {.form = QuantizedForm::gptq,
          .cols = group_size(fields),
          .bits = fields.required("bits", 2, 8)};
}

Quantization awq(const ConfigFields& fields) {
  const std::string version = to_lower(fields.text("version").value_or("gemm"));
  if (version != "gemm") refuse(fields, "AWQ's version " + in_quotes(version));
  if (!fields.flag("zero_point", true)) refuse(fields, "AWQ without zero points");
  return {.form = QuantizedForm::awq,
          .cols = group_size(fields),
          .bits = fields.required("bits", 4, 4),
          .kept_modules = KeptModules(texts(fields, "modules_to_not_convert"))};
}

Quantization bitsandbytes(const ConfigFields& fields) {
  Quantization quantization;
  if (fields.flag("load_in_8bit", false)) {
    quantization.form = QuantizedForm::bnb_int8;
  } else {
    quantization.form = QuantizedForm::bnb_4bit;
    quantization.nested = fields.flag("bnb_4bit_use_double_quant", false);
    const std::string storage = fields.text("bnb_4bit_quant_storage").value_or("uint8");
    if (storage != "uint8") refuse(fields, "bnb_4bit_quant_storage " + in_quotes(storage));
  }
  const std::vector<std::string> kept = texts(fields, "llm_int8_skip_modules");
  quantization.kept_modules = KeptModules(kept);
  // Without a list the head is kept.
  if (!kept.empty() && !quantization.kept_modules.holds("lm_head")) {
    refuse(fields, "a head quantised by bitsandbytes");
  }
  return quantization;
}

/// "re:.*mlp.gate$" as "*mlp.gate": of Python's expressions those that checkpoints have. They match
/// from the beginning of a name, and to its end only if they say so.
std::string pattern_of(const ConfigFields& fields, std::string_view expression) {
  std::string pattern;
  bool ends = false;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char letter = expression[i];
    const char next = i + 1 < expression.size() ? expression[i + 1] : '\0';
    if (letter == '$' && next == '\0') {
      ends = true;
    } else if (letter == '^' && i == 0) {
      continue;
    } else if ((letter == '\\' && next == '.') || (letter == '.' && next == '*')) {
      pattern += expression[++i];
    } else if (std::string_view("\\*+?()[]{}|^$").find(letter) != std::string_view::npos) {
      refuse(fields, "ignore with the expression " + in_quotes(expression));
    } else {
      pattern += letter;
    }
  }
  return ends ? pattern : pattern + "*";
}

KeptModules ignored_modules(const ConfigFields& fields) {
  std::vector<std::string> modules = texts(fields, "ignore");
  constexpr std::string_view expression = "re:";
  for (std::string& module : modules) {
    if (module.starts_with(expression)) {
      module = pattern_of(fields, std::string_view(module).substr(expression.size()));
    }
  }
  KeptModules kept(std::move(modules));
  if (!kept.holds("lm_head")) refuse(fields, "ignore without 'lm_head'");
  return kept;
}

bool says_something(const std::optional<JsonValue>& value) {
  return value && !(value->is_object() && value->members().empty());
}

/// What compressed-tensors has for all linear modules: the one group of its config.
ConfigFields only_group(const ConfigFields& fields, const std::string& source) {
  for (const std::string_view field : {"sparsity_config", "transform_config", "kv_cache_scheme"}) {
    if (says_something(fields.find(field))) refuse(fields, std::string(field));
  }
  const std::optional<JsonValue> groups = fields.find("config_groups");
  const std::vector<JsonMember> members = groups ? groups->members() : std::vector<JsonMember>();
  if (members.size() != 1) refuse(fields, "anything but one group in config_groups");
  const std::string where = source + ": " + std::string(members.front().name);
  ConfigFields group(members.front().value, where);
  const std::vector<std::string> targets = texts(group, "targets");
  if (targets != std::vector<std::string>{"Linear"}) refuse(group, "targets other than 'Linear'");
  return group;
}

/// Blocks that share a scale, by the strategy's name.
void set_blocks(const ConfigFields& weights, Quantization& quantization) {
  const std::string strategy = weights.text("strategy").value_or("");
  if (strategy == "channel") {
    quantization.rows = 1;
  } else if (strategy == "group" || strategy == "tensor_group") {
    quantization.rows = 1;
    quantization.cols = weights.required("group_size", 1, max_block);
  } else if (strategy == "block") {
    const std::vector<JsonValue> size = weights.list("block_structure");
    if (size.size() != 2) refuse(weights, "a block_structure that is no two numbers");
    quantization.rows = weights.as_number("block_structure", size[0], 1, max_block);
    quantization.cols = weights.as_number("block_structure", size[1], 1, max_block);
  } else if (strategy != "tensor") {
    refuse(weights, "strategy " + in_quotes(strategy));
  }
}

/// Whether inputs are scaled by a number of the checkpoint, and not by their own.
bool scales_inputs(const ConfigFields& group, const std::string& source) {
  const std::optional<JsonValue> inputs = group.find("input_activations");
  if (!inputs) return false;
  const ConfigFields fields(*inputs, source + ": input_activations");
  const std::optional<JsonValue> dynamic = fields.find("dynamic");
  if (!dynamic || dynamic->flag() == false) {
    const bool one = fields.text("strategy").value_or("tensor") == "tensor";
    if (!one || !fields.flag("symmetric", true)) refuse(fields, "more than one scale of inputs");
    return true;
  }
  return dynamic->text() == "local";  // NVFP4: of the blocks by their own, of all by one
}

Quantization compressed_tensors(const ConfigFields& fields, const std::string& source) {
  const ConfigFields group = only_group(fields, source);
  const std::optional<JsonValue> object = group.find("weights");
  if (!object) refuse(group, "a group without weights");
  const ConfigFields weights(*object, source + ": weights");
  const std::optional<std::string> own = group.text("format");
  const std::string format = own ? *own : fields.text("format").value_or("");

  Quantization quantization;
  quantization.kept_modules = ignored_modules(fields);
  quantization.input_scale = scales_inputs(group, source);
  quantization.bits = weights.required("num_bits", 1, 8);
  set_blocks(weights, quantization);
  const bool symmetric = weights.flag("symmetric", true);
  if (format == "pack-quantized") {
    quantization.form = QuantizedForm::packed_words;
    quantization.zero_points = !symmetric;
    const std::optional<JsonValue> order = weights.find("actorder");
    quantization.ordered = order && (order->text() == "group" || order->flag() == true);
  } else if (!symmetric) {
    refuse(weights, "format " + in_quotes(format) + " with zero points");
  } else if (format == "nvfp4-pack-quantized") {
    quantization.form = QuantizedForm::packed_nvfp4;
  } else if (format == "mxfp4-pack-quantized") {
    quantization.form = QuantizedForm::packed_mxfp4;
  } else if ((format == "int-quantized" || format == "float-quantized") && quantization.bits == 8) {
    quantization.form = QuantizedForm::scaled;
    quantization.dtype = format == "int-quantized" ? "I8" : "F8_E4M3";
  } else {
    refuse(fields, "format " + in_quotes(format));
  }
  return quantization;
}

/// NVIDIA ModelOpt's fields, from hf_quant_config.json or from the config itself: at the top in its
/// newer files, in an object in its older ones.
Quantization modelopt_in(const ConfigFields& fields, const std::string& source) {
  const std::optional<JsonValue> inner = fields.find("quantization");
  return modelopt(inner ? ConfigFields(*inner, source + ": quantization") : fields);
}

Quantization by_method(std::string_view method, const ConfigFields& fields,
                       const std::string& source) {
  if (method == "fp8") return fp8_blocks(fields);
  if (method == "gptq") return gptq(fields);
  if (method == "awq") return awq(fields);
  if (method == "bitsandbytes") return bitsandbytes(fields);
  if (method.starts_with("modelopt")) return modelopt_in(fields, source);
  if (method == "mxfp4") return {.form = QuantizedForm::mxfp4};
  return compressed_tensors(fields, source);
}

/// ModelOpt has several names for itself.
std::string_view family_of(std::string_view method) {
  return method.starts_with("modelopt") ? std::string_view("modelopt") : method;
}

bool is_known(std::string_view method) {
  constexpr std::array<std::string_view, 7> known{
      "fp8", "modelopt", "mxfp4", "gptq", "awq", "bitsandbytes", "compressed-tensors"};
  return std::ranges::find(known, family_of(method)) != known.end();
}

}  // namespace

std::optional<Quantization> quantization_by(std::string_view method, const ConfigFields& fields,
                                            const std::string& source) {
  if (!is_known(method)) return std::nullopt;
  Quantization quantization = by_method(method, fields, source);
  quantization.source = source;
  return quantization;
}

std::optional<Quantization> read_quantization(const ConfigFields& fields, const std::string& source,
                                              const std::optional<QuantizationFile>& beside,
                                              const std::vector<std::string>& methods) {
  const std::string architecture = fields.model_type().value_or("");
  const auto may_be = [&](std::string_view method) {
    return std::ranges::find(methods, family_of(method)) != methods.end();
  };
  if (const std::optional<JsonValue> own = fields.find_anywhere("quantization_config")) {
    const std::string where = source + ": quantization_config";
    const ConfigFields quantization(*own, where);
    const std::string method = quantization.text("quant_method").value_or("");
    auto found = may_be(method) ? quantization_by(method, quantization, where) : std::nullopt;
    if (found) return found;
    quantization.fail("quant_method " + in_quotes(method) + " is not supported for " +
                      architecture + std::string(advice));
  }
  if (fields.find_anywhere("quantization")) refuse(fields, "quantization, as MLX writes it,");
  if (!beside) return std::nullopt;
  const ConfigFields quantization(beside->json, beside->source);
  const bool is_modelopt = quantization.find("quantization") || quantization.find("quant_algo");
  if (is_modelopt && may_be("modelopt")) {
    return quantization_by("modelopt", quantization, beside->source);
  }
  quantization.fail("says that the weights are quantised, in a way that is not supported for " +
                    architecture + std::string(advice));
}

}  // namespace offload
