// SPDX-License-Identifier: Apache-2.0
// A model by whatever the user calls it.
#include "bench/models/load.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

/// A config.json of a small llama, or of another type.
std::string config(const std::string& type = "llama", const std::string& more = "") {
  return R"({"model_type":")" + type + R"(","hidden_size":64,"intermediate_size":96,)" +
         R"("num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,)" +
         R"("vocab_size":128,"torch_dtype":"bfloat16","tie_word_embeddings":false)" + more + "}";
}

/// A safetensors header of `layers` layers with one matrix of 8x16, or with `experts` of them each.
std::string safetensors(std::size_t layers, std::size_t experts = 0) {
  std::string json;
  std::size_t end = 0;
  const auto add = [&](const std::string& name) {
    json += (json.empty() ? "\"" : ",\"") + name + R"(":{"dtype":"BF16","shape":[8,16],)" +
            R"("data_offsets":[)" + std::to_string(end) + "," + std::to_string(end + 256) + "]}";
    end += 256;
  };
  for (std::size_t i = 0; i < layers; ++i) {
    const std::string mlp = "model.layers." + std::to_string(i) + ".mlp.";
    if (experts == 0) add(mlp + "up_proj.weight");
    for (std::size_t e = 0; e < experts; ++e) {
      add(mlp + "experts." + std::to_string(e) + ".up_proj.weight");
    }
  }
  return safetensors_file("{" + json + "}");
}

std::string complaint(const std::string& given) {
  return testing::message_of<UsageError>([&] { load_model(given); });
}

TEST(LoadModel, KnowsPresetsByEveryName) {
  EXPECT_EQ(load_model("llama3.1-8b").parameters(), 8'030'261'248U);
  EXPECT_EQ(load_model("meta-llama/Llama-3.1-8B").name, "llama3.1-8b");
}

TEST(LoadModel, TakesShapesFromAConfigAlone) {
  const TempDirectory directory;
  directory.write("Tiny/config.json", config());
  const Model model = load_model((directory.path() / "Tiny").string());
  EXPECT_EQ(model.name, "Tiny");
  EXPECT_EQ(model.architecture, "llama");
  ASSERT_EQ(model.layers.size(), 2U);
  // Per layer q, o: 64 x 64, k, v: 32 x 64, three of 64 x 96, two norms; the ends 2 x 128 x 64
  // + 64.
  constexpr std::uint64_t layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96 + 2 * 64;
  EXPECT_EQ(model.parameters(), 2 * layer + std::uint64_t{2} * 128 * 64 + 64);
  EXPECT_EQ(load_model((directory.path() / "Tiny/config.json").string()).parameters(),
            model.parameters());
}

TEST(LoadModel, PrefersTheShapesOfSafetensorsToThoseOfTheConfig) {
  const TempDirectory directory;
  directory.write("Tiny/config.json", config());
  directory.write("Tiny/model.safetensors", safetensors(3));
  const Model model = load_model((directory.path() / "Tiny").string());
  EXPECT_EQ(model.name, "Tiny");
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(model.layers.size(), 3U);
  EXPECT_EQ(model.bytes(), 3U * 256);
}

TEST(LoadModel, LearnsTheExpertsPerTokenFromTheConfigBesideSafetensors) {
  const TempDirectory directory;
  directory.write(
      "Moe/config.json",
      config("qwen3_moe", R"(,"num_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":8,)"
                          R"("head_dim":16,"norm_topk_prob":true)"));
  directory.write("Moe/model.safetensors", safetensors(2, 4));
  const Model model = load_model((directory.path() / "Moe").string());
  EXPECT_EQ(model.architecture, "qwen3_moe");
  EXPECT_EQ(model.experts, 4U);
  EXPECT_EQ(model.experts_per_token, 2U);
}

TEST(LoadModel, ReadsSafetensorsOfAnArchitectureItDoesNotKnow) {
  const TempDirectory directory;
  directory.write("New/config.json", config("brand_new"));
  EXPECT_TRUE(says(complaint((directory.path() / "New").string()), "brand_new"));
  EXPECT_TRUE(says(complaint((directory.path() / "New").string()), "safetensors"));
  directory.write("New/model.safetensors", safetensors(2));
  EXPECT_EQ(load_model((directory.path() / "New").string()).layers.size(), 2U);
}

TEST(LoadModel, AnUnknownArchitectureStillSaysHowManyExpertsATokenTakes) {
  const TempDirectory directory;
  directory.write("New/config.json", config("brand_new_moe", R"(,"num_experts_per_tok":3)"));
  directory.write("New/model.safetensors", safetensors(2, 4));
  const Model model = load_model((directory.path() / "New").string());
  EXPECT_EQ(model.experts, 4U);
  EXPECT_EQ(model.experts_per_token, 3U);
}

TEST(LoadModel, ABrokenConfigIsNotPassedOver) {
  const TempDirectory directory;
  directory.write("Cut/config.json", config().substr(0, 40));
  directory.write("Cut/model.safetensors", safetensors(2));
  const std::string text = complaint((directory.path() / "Cut").string());
  EXPECT_TRUE(says(text, "config.json"));
  EXPECT_TRUE(says(text, "not JSON"));
}

TEST(LoadModel, ReadsGguf) {
  const TempDirectory directory;
  const fs::path path = directory.write("Tiny-Q4.gguf", small_gguf().header());
  const Model model = load_model(path.string());
  EXPECT_EQ(model.name, "Tiny-Q4");
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(model.layers.size(), 1U);
}

/// A variable of the environment, put back at the end.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(LoadModel, FindsIdsInTheLocalCache) {
  const TempDirectory cache;
  cache.write("models--org--Tiny-1B/refs/main", "abc");
  cache.write("models--org--Tiny-1B/snapshots/abc/config.json", config());
  EXPECT_TRUE(says(complaint("org/Tiny-1B"), "unknown model 'org/Tiny-1B'"));
  const Variable hub("HF_HUB_CACHE", cache.path().string());
  const Model model = load_model("org/tiny-1b");
  EXPECT_EQ(model.name, "Tiny-1B");
  EXPECT_EQ(model.layers.size(), 2U);
}

TEST(LoadModel, APresetStandsForAModelOfItsShapesThatIsNotThere) {
  const TempDirectory cache;
  const Variable hub("HF_HUB_CACHE", cache.path().string());
  const Model stand_in = load_model("meta-llama/Llama-3.3-70B-Instruct");
  EXPECT_EQ(stand_in.name, "llama3.1-70b");
  EXPECT_EQ(stand_in.source, "preset");
  EXPECT_EQ(stand_in.parameters(), 70'553'706'496U);
  EXPECT_EQ(load_model("llama3.3-70b").name, "llama3.1-70b");
  // What is there comes first.
  const std::string repository = "models--meta-llama--Llama-3.3-70B-Instruct/";
  cache.write(repository + "refs/main", "abc");
  cache.write(repository + "snapshots/abc/config.json", config());
  const Model own = load_model("meta-llama/Llama-3.3-70B-Instruct");
  EXPECT_EQ(own.name, "Llama-3.3-70B-Instruct");
  EXPECT_EQ(own.layers.size(), 2U);
}

TEST(LoadModel, FindsAQuantisedModelInTheCacheOnly) {
  const TempDirectory cache;
  const Variable hub("HF_HUB_CACHE", cache.path().string());
  EXPECT_TRUE(says(complaint("Qwen/Qwen3-30B-A3B-FP8"), "its name says FP8"));
  cache.write("models--Qwen--Qwen3-30B-A3B-FP8/refs/main", "abc");
  cache.write("models--Qwen--Qwen3-30B-A3B-FP8/snapshots/abc/config.json", config());
  EXPECT_EQ(load_model("Qwen/Qwen3-30B-A3B-FP8").name, "Qwen3-30B-A3B-FP8");
}

TEST(LoadModel, SuggestsAKnownNameForAnUnknown) {
  EXPECT_EQ(complaint("llama3.1-8"),
            "unknown model 'llama3.1-8': did you mean 'llama3.1-8b'? (no such file or directory, "
            "and not in the Hugging Face cache)");
  EXPECT_TRUE(says(complaint("unsloth/Llama-3.3-70B"), "did you mean 'llama3.3-70b'?"));
  EXPECT_TRUE(says(complaint("frobnicate"), "known are deepseek-v3, "));
}

TEST(LoadModel, SaysThatAPathIsNotThere) {
  for (const char* path :
       {"/no/such", "./no", "../no", "no/such/model", "no/", "model.gguf", "Model-Q4_K_M.GGUF",
        "model.safetensors", "config.json", "no/config.json", "llama3.1-8b.gguf"}) {
    EXPECT_EQ(complaint(path), "no such file or directory: '" + std::string(path) + "'");
  }
  EXPECT_EQ(
      complaint("~/model"),
      "no such file or directory: '~/model' (a shell replaces ~ only at the start of a word)");
  EXPECT_EQ(complaint("no/such"),
            "unknown model 'no/such': no such file or directory, and not in the Hugging Face cache")
      << "may be an id";
}

TEST(LoadModel, AsksForTheFilesOfWhatIsQuantised) {
  EXPECT_EQ(complaint("Qwen/Qwen3-30B-A3B-GPTQ-Int4"),
            "unknown model 'Qwen/Qwen3-30B-A3B-GPTQ-Int4': its name says GPTQ-Int4, and "
            "qwen3-30b-a3b is bf16 here; give the path of its own config.json, safetensors or "
            "GGUF, which say how many bytes it takes");
  struct Quantised {
    const char* name;
    const char* says;
    const char* here;
  };
  for (const Quantised& model : {
           Quantised{"llama3.1-70b-fp8", "fp8", "llama3.1-70b is bf16"},
           {"Qwen2.5-7B-Instruct-AWQ", "AWQ", "qwen2.5-7b is bf16"},
           {"org/Llama-3.3-70B-Instruct-4bit", "4bit", "llama3.1-70b is bf16"},
           {"org/Llama-3.3-70B-Instruct-4-bit", "4-bit", "llama3.1-70b is bf16"},
           {"org/Meta-Llama-3.1-8B-bnb-4bit", "bnb-4bit", "llama3.1-8b is bf16"},
           {"Qwen3-30B-A3B-Instruct-2507-4bit", "4bit", "qwen3-30b-a3b is bf16"},
           {"org/Qwen3-30B-A3B-GGUF:Q4_K_M", "GGUF:Q4_K_M", "qwen3-30b-a3b is bf16"},
           {"org/Llama-3.3-70B-Instruct-NVFP4", "NVFP4", "llama3.1-70b is bf16"},
           {"llama3.1-8b-MXFP4", "MXFP4", "llama3.1-8b is bf16"},
           {"llama3.1-8b_iq3_xxs", "iq3_xxs", "llama3.1-8b is bf16"},
           {"llama3.1-8b-3.5bpw-exl2", "3.5bpw-exl2", "llama3.1-8b is bf16"},
           {"org/Llama-3.1-8B-quantized.w4a16", "quantized.w4a16", "llama3.1-8b is bf16"},
           {"org/gpt-oss-120b-BF16", "BF16", "gpt-oss-120b is mxfp4"},
           {"gpt-oss-20b-GGUF", "GGUF", "gpt-oss-20b is mxfp4"},
           {"deepseek-r1-awq", "awq", "deepseek-v3 is fp8"},
       }) {
    const std::string text = complaint(model.name);
    EXPECT_TRUE(says(text, "its name says " + std::string(model.says) + ", and " + model.here))
        << text;
  }
  EXPECT_TRUE(says(complaint("org/New-7B-GPTQ"), "its name says GPTQ; give the path"));
  EXPECT_EQ(complaint("llama3.3:70b"),
            "unknown model 'llama3.3:70b': if that is Ollama's, give the path of its GGUF file; "
            "'llama3.3-70b' is bf16 here");
}

TEST(LoadModel, RefusesAnOversizedConfig) {
  const TempDirectory directory;
  const fs::path path =
      directory.write("Big/config.json", std::string((std::size_t{4} << 20) + 1, ' '));
  EXPECT_EQ(complaint(path.string()), path.string() + ": too large for a config.json");
}

TEST(LoadModel, TakesPythonsInfinityInAConfig) {
  const TempDirectory directory;
  const std::string mamba = R"(,"time_step_limit":[0.0,Infinity],"router_aux":NaN,"low":-Infinity)";
  const fs::path alone = directory.write("Tiny/config.json", config("llama", mamba));
  EXPECT_EQ(load_model(alone.string()).layers.size(), 2U);
  directory.write("Hybrid/config.json", config("nemotron_h", mamba));
  directory.write("Hybrid/model.safetensors", safetensors(2));
  EXPECT_EQ(load_model((directory.path() / "Hybrid").string()).layers.size(), 2U);
  // Where a number is wanted it is none.
  const fs::path senseless = directory.write(
      "Odd/config.json", R"({"model_type":"llama","vocab_size":9,"hidden_size":Infinity})");
  EXPECT_TRUE(says(complaint(senseless.string()), "hidden_size: it is null or no finite number"));
}

TEST(LoadModel, SaysThatAConfigIsEmpty) {
  const TempDirectory directory;
  const fs::path path = directory.write("Tiny/config.json", "");
  EXPECT_EQ(complaint(path.string()), path.string() + ": is empty");
}

TEST(LoadModel, RefusesFewerLayersThanTheConfigNames) {
  const TempDirectory directory;
  const auto complaint_of = [&](const std::string& config_text, const std::string& weights) {
    directory.write("Half/config.json", config_text);
    directory.write("Half/model.safetensors", weights);
    return complaint((directory.path() / "Half").string());
  };
  const std::string half = complaint_of(config(), safetensors(1));
  EXPECT_TRUE(says(half, "model.safetensors: holds 1 of the 2 layers"));
  EXPECT_TRUE(says(half, "config.json"));
  EXPECT_EQ(complaint((directory.path() / "Half/model.safetensors").string()), half);
  EXPECT_EQ(complaint_of(config(), safetensors(2)), "");
  // Of an architecture that is not known, by any name of the field.
  EXPECT_TRUE(says(complaint_of(config("brand_new"), safetensors(1)), "1 of the 2 layers"));
  for (const char* field : {"num_hidden_layers", "n_layer", "n_layers", "num_layers"}) {
    const std::string text = "{\"" + std::string(field) + "\":2}";
    EXPECT_TRUE(says(complaint_of(text, safetensors(1)), "1 of the 2 layers")) << field;
    EXPECT_EQ(complaint_of(text, safetensors(2)), "") << field;
    EXPECT_TRUE(
        says(complaint_of("{\"text_config\":" + text + "}", safetensors(1)), "1 of the 2 layers"))
        << field;
  }
  // A quantisation that only the tensors show.
  EXPECT_TRUE(says(complaint_of(config("llama", R"(,"quantization_config":{"quant_method":"awq"})"),
                                safetensors(1)),
                   "1 of the 2 layers"));
  EXPECT_EQ(complaint_of(R"({"num_hidden_layers":"many"})", safetensors(1)), "");
}

TEST(LoadModel, RefusesAnIndexThatCoversAPartOfTheModel) {
  const TempDirectory directory;
  directory.write("Half/config.json", config());
  directory.write("Half/model-00001-of-00002.safetensors", safetensors(1));
  const fs::path index = directory.write("Half/model.safetensors.index.json", R"({"weight_map":{
    "model.layers.0.mlp.up_proj.weight":"model-00001-of-00002.safetensors"}})");
  EXPECT_TRUE(says(complaint(index.string()), "holds 1 of the 2 layers"));
  EXPECT_TRUE(says(complaint((directory.path() / "Half").string()), "holds 1 of the 2 layers"));
}

TEST(LoadModel, ReadsAModelOnce) {
  const TempDirectory directory;
  const fs::path config_file = directory.write("Tiny/config.json", config());
  ModelLoader models;
  const Model& first = models.load(config_file.string());
  fs::remove(config_file);
  EXPECT_EQ(&models.load(config_file.string()), &first);
  EXPECT_EQ(models.load("llama3.1-8b").layers.size(), 32U);
  EXPECT_EQ(first.layers.size(), 2U) << "stays valid while others are read";
  EXPECT_THROW(models.load((directory.path() / "Tiny").string()), UsageError);
}

}  // namespace
}  // namespace offload
