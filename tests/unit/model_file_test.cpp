// SPDX-License-Identifier: Apache-2.0
// Which files a path, or a Hugging Face id, stands for.
#include "bench/models/model_file.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "offload/error.hpp"
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
  try {
    static_cast<void>(find_model_files(given, environment));
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

TEST(ModelFile, KnowsADirectoryOfShards) {
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

TEST(ModelFile, KnowsSingleFiles) {
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

TEST(ModelFile, KnowsGgufByItsContent) {
  const TempDirectory directory;
  const fs::path blob = directory.write("blob", small_gguf().header());
  EXPECT_EQ(found(blob).gguf, blob);
  const fs::path liar = directory.write("Q4.safetensors", small_gguf().header());
  EXPECT_EQ(found(liar).gguf, liar);
  const fs::path first = directory.write("g/m-00001-of-00002.gguf", small_gguf().header());
  directory.write("g/m-00002-of-00002.gguf", small_gguf().header());
  EXPECT_EQ(found(directory.path() / "g").gguf, first);
  directory.write("g/n.gguf", small_gguf().header());
  EXPECT_TRUE(says(complaint((directory.path() / "g").string()), "holds 2 GGUF files"));
  EXPECT_TRUE(says(complaint(directory.write("x.gguf", "GGML").string()), "is no GGUF file"));
  EXPECT_TRUE(says(complaint(directory.write("x.bin", "").string()), "is no GGUF file"));
}

TEST(ModelFile, SaysWhenADirectoryHoldsNoModelOrSeveral) {
  const TempDirectory directory;
  EXPECT_TRUE(says(complaint(directory.path().string()), "holds no config.json"));
  directory.write("a.safetensors", "");
  directory.write("b.safetensors", "");
  EXPECT_TRUE(says(complaint(directory.path().string()), "holds 2 safetensors files"));
  EXPECT_TRUE(says(complaint("/dev/null"), "is neither a file nor a directory"));
  EXPECT_FALSE(find_model_files("no/such-model", with({})));
  EXPECT_FALSE(find_model_files("", with({})));
}

TEST(ModelFile, FindsIdsInTheCache) {
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

TEST(ModelFile, GoesByTheCachesOwnVariables) {
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
