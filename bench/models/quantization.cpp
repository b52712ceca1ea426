// SPDX-License-Identifier: Apache-2.0
#include "bench/models/quantization.hpp"

#include <algorithm>
#include <string_view>

#include "bench/core/text.hpp"

namespace offload {
namespace {

constexpr std::uint64_t max_block = 1 << 20;
constexpr std::uint64_t nvfp4_block = 16;  // elements that share one scale

std::vector<std::string> texts(const ConfigFields& fields, std::string_view name) {
  std::vector<std::string> result;
  for (const JsonValue& item : fields.list(name)) result.push_back(fields.as_text(name, item));
  return result;
}

Quantization fp8_blocks(const ConfigFields& fields) {
  const std::string fmt = fields.text("fmt").value_or("e4m3");
  if (fmt != "e4m3" && fmt != "float8_e4m3fn") {
    fields.fail("fp8 format " + in_quotes(fmt) + " is not supported" + std::string(advice));
  }
  const std::vector<JsonValue> size = fields.list("weight_block_size");
  if (size.size() != 2) {
    fields.fail("fp8 without a weight_block_size of two numbers is not supported" +
                std::string(advice));
  }
  const auto number = [&](const JsonValue& value) {
    return fields.as_number("weight_block_size", value, 1, max_block);
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
    const std::uint64_t group = fields.number("group_size", 1, max_block).value_or(nvfp4_block);
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

bool contains(const std::vector<std::string>& methods, std::string_view method) {
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

Quantization own_quantization(const ConfigFields& quantization, const std::string& where,
                              const std::string& architecture,
                              const std::vector<std::string>& methods) {
  const std::string method = quantization.text("quant_method").value_or("");
  if (method == "fp8" && contains(methods, "fp8")) return fp8_blocks(quantization);
  if (method.starts_with("modelopt") && contains(methods, "modelopt")) {
    return modelopt_in(quantization, where);
  }
  if (method == "mxfp4" && contains(methods, "mxfp4")) return {.form = QuantizedForm::mxfp4};
  quantization.fail("quant_method " + in_quotes(method) + " is not supported for " + architecture +
                    std::string(advice));
}

}  // namespace

std::optional<Quantization> read_quantization(const ConfigFields& fields, const std::string& source,
                                              const std::optional<QuantizationFile>& beside,
                                              const std::vector<std::string>& methods) {
  const std::string architecture = fields.text_anywhere("model_type").value_or("");
  if (const std::optional<JsonValue> own = fields.find_anywhere("quantization_config")) {
    const std::string where = source + ": quantization_config";
    return own_quantization(ConfigFields(*own, where), where, architecture, methods);
  }
  if (!beside) return std::nullopt;
  const ConfigFields quantization(beside->json, beside->source);
  const bool is_modelopt = quantization.find("quantization") || quantization.find("quant_algo");
  if (!is_modelopt || !contains(methods, "modelopt")) {
    quantization.fail("says that the weights are quantised, in a way that is not supported for " +
                      architecture + std::string(advice));
  }
  return modelopt_in(quantization, beside->source);
}

}  // namespace offload
