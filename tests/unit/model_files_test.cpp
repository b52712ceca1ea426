// SPDX-License-Identifier: Apache-2.0
// Which files a path, or a Hugging Face id, stands for.
#include "bench/models/load.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

/// An environment of nothing but `variables`.
Environment with(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string{} : found->second;
  };
}

ModelFiles found(const fs::path& path) {
  auto files = find_model_files(path.string(), with({}));
  if (!files) throw std::logic_error("nothing found at " + path.string());
  return *files;
}

std::string complaint(const std::string& given, const Environment& environment = with({})) {
  return testing::message_of<UsageError>([&] { find_model_files(given, environment); });
}

TEST(ModelFiles, KnowsADirectoryOfShards) {
  const TempDirectory directory;
  const fs::path model = directory.path() / "Qwen3-30B-A3B";
  directory.write("Qwen3-30B-A3B/config.json", "{}");
  directory.write("Qwen3-30B-A3B/model-00001-of-00002.safetensors", "");
  directory.write("Qwen3-30B-A3B/model-00002-of-00002.safetensors", "");
  directory.write("Qwen3-30B-A3B/consolidated.safetensors", "");
  ModelFiles files = found(model);
  EXPECT_EQ(files.name, "Qwen3-30B-A3B");
  EXPECT_EQ(files.config, model / "config.json");
  EXPECT_FALSE(files.index);
  EXPECT_EQ(files.safetensors, (Paths{model / "model-00001-of-00002.safetensors",
                                      model / "model-00002-of-00002.safetensors"}));
  directory.write("Qwen3-30B-A3B/model.safetensors.index.json", "{}");
  files = found(fs::path(model.string() + "/"));
  EXPECT_EQ(files.name, "Qwen3-30B-A3B");
  EXPECT_EQ(files.index, fs::path(model.string() + "/") / "model.safetensors.index.json");
  EXPECT_TRUE(files.safetensors.empty());
  EXPECT_EQ(found(model / "model.safetensors.index.json").config, model / "config.json");
  EXPECT_EQ(found(model / "config.json").name, "Qwen3-30B-A3B");
  EXPECT_FALSE(found(model / "config.json").index);
  EXPECT_TRUE(says(complaint((model / "model-00001-of-00002.safetensors").string()),
                   "is one of several files; give the directory"));
}

TEST(ModelFiles, KnowsSingleFiles) {
  const TempDirectory directory;
  const fs::path whole = directory.write("m/model.safetensors", "");
  directory.write("m/adapter.safetensors", "");
  EXPECT_EQ(found(whole.parent_path()).safetensors, Paths{whole});
  EXPECT_EQ(found(whole).name, "m");
  const fs::path named = directory.write("Tiny-2B.safetensors", "");
  EXPECT_EQ(found(named).safetensors, Paths{named});
  EXPECT_EQ(found(named).name, "Tiny-2B");
  EXPECT_EQ(found(directory.path()).safetensors, Paths{named});
  const fs::path config = directory.write("other.json", "{}");
  EXPECT_EQ(found(config).config, config);
}

TEST(ModelFiles, KnowsGgufByItsContent) {
  const TempDirectory directory;
  const fs::path blob = directory.write("blob", small_gguf().header());
  EXPECT_EQ(found(blob).gguf, blob);
  const fs::path liar = directory.write("Q4.safetensors", small_gguf().header());
  EXPECT_EQ(found(liar).gguf, liar);
  const fs::path first = directory.write("g/m-00001-of-00002.gguf", small_gguf().header());
  directory.write("g/m-00002-of-00002.gguf", small_gguf().header());
  EXPECT_EQ(found(directory.path() / "g").gguf, first);
  EXPECT_EQ(found(first).name, "m") << "what all parts are called";
  directory.write("g/n.gguf", small_gguf().header());
  EXPECT_TRUE(says(complaint((directory.path() / "g").string()), "holds 2 GGUF files"));
  EXPECT_TRUE(says(complaint(directory.write("x.gguf", "GGML").string()), "is not a GGUF file"));
  EXPECT_TRUE(says(complaint(directory.write("x.bin", "").string()), "is not a GGUF file"));
}

TEST(ModelFiles, SaysWhenADirectoryHoldsNoModelOrSeveral) {
  const TempDirectory directory;
  EXPECT_TRUE(says(complaint(directory.path().string()), "holds no config.json"));
  directory.write("a.safetensors", "");
  directory.write("b.safetensors", "");
  EXPECT_TRUE(says(complaint(directory.path().string()), "holds 2 safetensors files"));
  EXPECT_TRUE(says(complaint("/dev/null"), "is neither a file nor a directory"));
  EXPECT_FALSE(find_model_files("no/such-model", with({})));
  EXPECT_FALSE(find_model_files("", with({})));
}

TEST(ModelFiles, WantAllFilesOfANumberedSet) {
  struct Case {
    std::vector<const char*> files;
    const char* said;
  };
  const Case cases[] = {
      {{"model-00001-of-00002"},
       "is one of 2 files that hold the model, and 1 of them are not there (the first is number "
       "2)"},
      {{"model-00002-of-00002"}, "(the first is number 1)"},
      {{"model-00001-of-00003", "model-00003-of-00003"}, "(the first is number 2)"},
      {{"model-00001-of-00004", "model-00002-of-00004"}, "2 of them are not there"},
      {{"tiny-1-of-2"}, "(the first is number 2)"},
      {{"model-00001-of-00002", "model-00002-of-00003"}, "is not one of the files"},
      {{"model-00000-of-00002", "model-00001-of-00002"}, "is not one of the files"},
      {{"a-00001-of-00002", "a-00002-of-00002", "b-00001-of-00002", "b-00002-of-00002"},
       "holds 2 sets of numbered safetensors files"},
  };
  for (const auto& [files, said] : cases) {
    const TempDirectory directory;
    for (const std::string name : files) directory.write(name + ".safetensors", "");
    EXPECT_TRUE(says(complaint(directory.path().string()), said)) << files.front();
    directory.write("config.json", "{}");
    EXPECT_TRUE(says(complaint(directory.path().string()), said)) << files.front();
    EXPECT_TRUE(found(directory.path() / "config.json").safetensors.empty())
        << "the config alone is a choice";
  }
}

TEST(ModelFiles, TakeTheUsualSetOfTwo) {
  const TempDirectory directory;
  const Paths set{directory.write("model-00001-of-00002.safetensors", ""),
                  directory.write("model-00002-of-00002.safetensors", "")};
  directory.write("consolidated-00001-of-00003.safetensors", "");
  EXPECT_EQ(found(directory.path()).safetensors, set);
}

TEST(ModelFiles, AFileThatIsOneOfOneIsWhole) {
  const TempDirectory directory;
  const fs::path only = directory.write("model-00001-of-00001.safetensors", "");
  EXPECT_EQ(found(only).safetensors, Paths{only});
  EXPECT_EQ(found(directory.path()).safetensors, Paths{only});
}

TEST(ModelFiles, KnowNumberedNames) {
  const auto name = numbered_file("dir/model-00002-of-00163.safetensors");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->set, "model");
  EXPECT_EQ(name->number, 2U);
  EXPECT_EQ(name->count, 163U);
  for (const char* other : {"model.safetensors", "model-of-00002.safetensors", "-of-.safetensors",
                            "model-1-of-x.safetensors", "model-x-of-2.safetensors", "1-of-2", ""}) {
    EXPECT_FALSE(numbered_file(other)) << other;
  }
}

TEST(ModelFiles, FindWhatSaysHowAConfigsWeightsAreQuantised) {
  for (const char* name : {"hf_quant_config.json", "quantize_config.json", "quant_config.json"}) {
    const TempDirectory directory;
    const fs::path config = directory.write("config.json", "{}");
    EXPECT_FALSE(found(config).quantization);
    const fs::path beside = directory.write(name, "{}");
    EXPECT_EQ(found(config).quantization, beside);
    EXPECT_EQ(found(directory.path()).quantization, beside);
  }
}

TEST(ModelFiles, FindsIdsInTheCache) {
  const TempDirectory home;
  const fs::path repository = ".cache/huggingface/hub/models--Qwen--Qwen3-32B";
  const fs::path config = home.write(repository / "snapshots/abc123/config.json", "{}");
  home.write(repository / "snapshots/def456/config.json", "{}");
  const Environment environment = with({{"HOME", home.path().string()}});
  EXPECT_TRUE(says(complaint("Qwen/Qwen3-32B", environment), "holds 2 snapshots"));
  home.write(repository / "refs/main", "abc123\n");
  const auto files = find_model_files("qwen/QWEN3-32b", environment);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->config, config);
  EXPECT_EQ(files->name, "Qwen3-32B");
  EXPECT_EQ(found(config).name, "Qwen3-32B");
  EXPECT_FALSE(find_model_files("Qwen/Qwen3-30B", environment));
  EXPECT_FALSE(find_model_files("Qwen3-32B", environment));
  EXPECT_FALSE(find_model_files("../Qwen--Qwen3-32B", environment));
}

TEST(ModelFiles, GoesByTheCachesOwnVariables) {
  const TempDirectory root;
  const auto add = [&](const std::string& hub) {
    return root.write(hub + "/models--o--M/snapshots/1/config.json", "{}");
  };
  const auto config_by = [&](std::map<std::string, std::string> variables) {
    for (auto& [name, value] : variables) value = (root.path() / value).string();
    const auto files = find_model_files("o/M", with(std::move(variables)));
    return files ? files->config : std::nullopt;
  };
  const fs::path hub = add("direct");
  const fs::path home = add("home/hub");
  const fs::path xdg = add("xdg/huggingface/hub");
  EXPECT_EQ(config_by({{"HF_HUB_CACHE", "direct"}, {"HF_HOME", "home"}}), hub);
  EXPECT_EQ(config_by({{"HF_HOME", "home"}, {"XDG_CACHE_HOME", "xdg"}}), home);
  EXPECT_EQ(config_by({{"XDG_CACHE_HOME", "xdg"}, {"HOME", "nowhere"}}), xdg);
  EXPECT_EQ(config_by({{"HOME", "nowhere"}}), std::nullopt);
  EXPECT_EQ(config_by({}), std::nullopt);
}

}  // namespace
}  // namespace offload
