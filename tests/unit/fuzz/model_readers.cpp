// SPDX-License-Identifier: Apache-2.0
// The readers of models' files.
#include <optional>
#include <sstream>
#include <string>

#include "bench/models/gguf.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/json.hpp"
#include "bench/models/safetensors.hpp"
#include "bench/models/shape_expression.hpp"
#include "tests/unit/fuzz/readers.hpp"
#include "tests/unit/fuzz/verdict.hpp"
#include "tests/unit/model_files.hpp"

namespace offload::fuzz {
namespace {

constexpr std::string_view dense_config = R"({
  "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
  "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96, "torch_dtype": "bfloat16"})";

/// The files that an index may name, of the names and shapes that a checkpoint has.
const TempDirectory& shards() {
  static const TempDirectory directory;
  static const bool written = [] {
    Checkpoint first;
    first.add("model.embed_tokens.weight", "BF16", "4,4", 32)
        .add("model.layers.0.self_attn.q_proj.weight", "F8_E4M3", "4,4", 16)
        .add("model.layers.0.self_attn.q_proj.weight_scale_inv", "F32", "1", 4);
    Checkpoint second;
    second.add("model.layers.0.mlp.experts.0.up_proj.weight", "BF16", "4,4", 32)
        .add("model.layers.0.mlp.experts.1.up_proj.weight", "BF16", "4,4", 32)
        .add("lm_head.weight", "BF16", "4,4", 32);
    directory.write("model-00001-of-00002.safetensors", first.header());
    directory.write("model-00002-of-00002.safetensors", second.header());
    return true;
  }();
  static_cast<void>(written);
  return directory;
}

}  // namespace

bool takes_gguf(std::string_view content) {
  return takes([&] {
    std::istringstream in{std::string(content)};
    check_model(model_from(read_gguf_header(in, content.size(), "input")));
  });
}

bool takes_safetensors(std::string_view content) {
  std::string file;
  if (content.starts_with('{')) file = little_endian(content.size(), 8);
  file += content;
  return takes([&] {
    std::istringstream in{file};
    check_model(model_from(read_safetensors_header(in, file.size(), "input").tensors, "input"));
  });
}

bool takes_index(std::string_view content) {
  const auto index = shards().write("model.safetensors.index.json", content);
  return takes([&] { check_model(read_safetensors_index(index)); });
}

bool takes_config(std::string_view content) {
  takes([&] { summarize_config(parse_json(content, "input"), "input", 0); });
  return takes(
      [&] { check_model(model_from_config(parse_json(content, "input"), "model", "input")); });
}

bool takes_quantization(std::string_view content) {
  const JsonValue config = parse_json(dense_config, "config");
  return takes([&] {
    const QuantizationFile beside{parse_json(content, "input"), "input"};
    check_model(model_from_config(config, "model", "config", beside));
  });
}

bool takes_expression(std::string_view expression) {
  const JsonValue fields = parse_json(
      R"({"hidden": 64, "heads": 8, "tied": true, "none": null, "kinds": ["full", "linear"],
          "pattern": "M-*", "largest": 2147483648})",
      "fields");
  try {
    evaluate(expression, [&](std::string_view name) {
      const std::optional<JsonValue> field = fields.find(name);
      return field ? as_shape_value(*field) : ShapeValue();
    });
    return true;
  } catch (const std::invalid_argument&) {
    return false;  // by a family's description, which the program brings itself
  }
}

}  // namespace offload::fuzz
