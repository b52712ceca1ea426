// SPDX-License-Identifier: Apache-2.0
// The readers against what quantisers make of two small models: scripts/quantised_oracle.py lets
// each write its tensors.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"
#include "tests/unit/oracle_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using oracle::at;
using oracle::tensors_of;
using oracle::text;
using Names = std::set<std::string>;

std::vector<JsonValue> models() {
  const fs::path file = oracle::directory() / "quantised" / "models.json";
  const std::string source = file.string();
  std::vector<JsonValue> found = at(parse_json(oracle::content_of(file), source), "models").items();
  EXPECT_GT(found.size(), 40U);
  return found;
}

/// The model's files as a checkpoint has them.
class Files {
 public:
  explicit Files(const JsonValue& model) {
    directory_.write("m/config.json", text(at(model, "config")));
    for (const JsonMember& file : at(model, "files").members()) {
      directory_.write(fs::path("m") / file.name, text(file.value));
    }
  }
  void add_tensors(const JsonValue& model) const {
    directory_.write("m/model.safetensors", safetensors_file(oracle::header_of(tensors_of(model))));
  }
  Model load() const { return load_model((directory_.path() / "m").string()); }

 private:
  TempDirectory directory_;
};

Model from_tensors(const JsonValue& model) {
  const Files files(model);
  files.add_tensors(model);
  return files.load();
}

/// What of a layer is multiplied with, or says how: all but norms, routers, biases and texts.
bool is_multiplied(const std::string& name, const std::string& layer) {
  constexpr auto others = std::to_array<std::string_view>(
      {"norm.", "mlp.gate.", "mlp.router.", ".sinks", "quant_state", "weight_format"});
  if (!name.starts_with(layer) || name.ends_with("bias")) return false;
  return std::none_of(others.begin(), others.end(),
                      [&](std::string_view other) { return name.find(other) != name.npos; });
}

std::uint64_t linear_bytes(const ModelLayer& layer) {
  std::uint64_t bytes = 0;
  for (const ModelTensor& tensor : layer.tensors) {
    if (is_linear_weight(tensor) || is_linear_scale(tensor)) bytes += tensor.bytes;
  }
  return bytes;
}

TEST(QuantisedOracle, ParametersAreThoseOfTheUnquantisedModel) {
  for (const JsonValue& model : models()) {
    EXPECT_EQ(oracle::difference(from_tensors(model), model, oracle::number(model, "parameters")),
              "")
        << text(at(model, "name"));
  }
}

TEST(QuantisedOracle, BytesOfALayerAreThoseOfItsTensors) {
  for (const JsonValue& model : models()) {
    const Model read = from_tensors(model);
    for (std::size_t i = 0; i < read.layers.size(); ++i) {
      const std::string layer = "model.layers." + std::to_string(i) + ".";
      std::uint64_t bytes = 0;
      for (const ModelTensor& tensor : tensors_of(model)) {
        if (is_multiplied(tensor.name, layer)) bytes += tensor.bytes;
      }
      EXPECT_EQ(linear_bytes(read.layers[i]), bytes) << text(at(model, "name"));
    }
  }
}

/// name, dtype, shape and bytes of each tensor, in the order of names.
Names described(const Model& model) {
  Names all;
  const auto add = [&](const ModelTensor& tensor) {
    std::string shape;
    for (const std::uint64_t length : tensor.shape) shape += " " + std::to_string(length);
    all.insert(tensor.name + " " + tensor.dtype + shape + ", " + std::to_string(tensor.bytes) +
               " bytes, " + std::to_string(tensor.parameters) + " parameters");
  };
  for (const ModelTensor& tensor : model.ends) add(tensor);
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) add(tensor);
  }
  return all;
}

/// The models that are not read from a config alone.
Names refused() {
  Names names;
  std::istringstream lines(oracle::content_of(oracle::directory() / "quantised" / "open.txt"));
  for (std::string form, name, outcome; lines >> form >> name >> outcome;) {
    EXPECT_EQ(form, "config") << "all else is read";
    EXPECT_EQ(outcome, "refused") << "all else is read";
    names.insert(name);
  }
  return names;
}

TEST(QuantisedOracle, AConfigSaysTheSameAsTheTensorsOrIsListedAsRefused) {
  Names listed = refused();
  for (const JsonValue& model : models()) {
    const std::string name = text(at(model, "name"));
    const Files files(model);
    if (listed.erase(name) == 1) {
      EXPECT_TRUE(says(testing::message_of<UsageError>([&] { files.load(); }),
                       "give the model's safetensors"))
          << name;
      continue;
    }
    const std::string complaint = testing::message_of<UsageError>(
        [&] { EXPECT_EQ(described(files.load()), described(from_tensors(model))) << name; });
    EXPECT_EQ(complaint, "") << name;
  }
  EXPECT_EQ(listed, Names{}) << "listed in open.txt, but no model";
}

/// What vLLM registers for a linear module, by its sources: create_weights() of each method.
std::map<std::string, Names> vllm_parameters() {
  return {
      {"compressed-tensors-W8A8/", {"weight", "weight_scale"}},
      {"compressed-tensors-FP8/", {"weight", "weight_scale", "input_scale"}},
      {"compressed-tensors-FP8_", {"weight", "weight_scale"}},
      {"compressed-tensors-W4A16/", {"weight_packed", "weight_scale", "weight_shape"}},
      {"compressed-tensors-W8A16/", {"weight_packed", "weight_scale", "weight_shape"}},
      {"compressed-tensors-W4A16_ASYM/",
       {"weight_packed", "weight_scale", "weight_shape", "weight_zero_point"}},
      {"compressed-tensors-W4A16-actorder/",
       {"weight_packed", "weight_scale", "weight_shape", "weight_g_idx"}},
      {"compressed-tensors-NVFP4A16/", {"weight_packed", "weight_scale", "weight_global_scale"}},
      {"compressed-tensors-NVFP4/",
       {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"}},
      {"compressed-tensors-MXFP4A16/", {"weight_packed", "weight_scale"}},
      {"GPTQ", {"qweight", "qzeros", "scales", "g_idx"}},
      {"AWQ", {"qweight", "qzeros", "scales"}},
      {"fp8-blocks/", {"weight", "weight_scale_inv"}},
      {"bitsandbytes", {"weight"}},  // what describes it hangs on it
      {"ModelOpt-FP8/", {"weight", "weight_scale", "input_scale"}},
      {"ModelOpt-NVFP4/", {"weight", "weight_scale", "weight_scale_2", "input_scale"}},
      {"ModelOpt-FP8_P", {"weight", "weight_scale"}},
  };
}

Names modules(bool experts) {
  const Names attention{"self_attn.qkv_proj.", "self_attn.o_proj."};
  Names all = attention;
  if (experts) {
    all.merge(Names{"mlp.experts.w13_", "mlp.experts.w2_"});
  } else {
    all.merge(Names{"mlp.gate_up_proj.", "mlp.down_proj."});
  }
  return all;
}

TEST(QuantisedOracle, PlacementKnowsParametersByTheNamesOfVllm) {
  const std::map<std::string, Names> known = vllm_parameters();
  for (const JsonValue& model : models()) {
    const std::string name = text(at(model, "name"));
    const auto form = std::find_if(known.begin(), known.end(), [&](const auto& entry) {
      return name.starts_with(entry.first);
    });
    if (form == known.end()) continue;
    Names expected;
    for (const std::string& module : modules(name.ends_with("qwen3_moe"))) {
      for (const std::string& parameter : form->second) expected.insert(module + parameter);
    }
    Names found;
    const Model engine = fused(from_tensors(model));
    for (const ModelTensor& tensor : engine.layers.front().tensors) {
      if (!is_linear_weight(tensor) && !is_linear_scale(tensor)) continue;
      const bool hangs_on = name.starts_with("bitsandbytes") && is_linear_scale(tensor);
      if (!hangs_on) found.insert(std::string(name_in_layer(tensor.name)));
    }
    EXPECT_EQ(found, expected) << name;
    EXPECT_EQ(engine.bytes(), from_tensors(model).bytes()) << name;
  }
}

}  // namespace
}  // namespace offload
