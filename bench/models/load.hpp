// SPDX-License-Identifier: Apache-2.0
// A model by whatever the user calls it: a preset's name, a path, or a Hugging Face id.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// Reads a variable of the environment; "" when it is not set.
using Environment = std::function<std::string(const std::string&)>;
std::string process_environment(const std::string& variable);

/// One of several files that hold a model: "model-00002-of-00004.safetensors".
struct NumberedFile {
  std::string set;  // what all of them have before their number: "model"
  std::uint64_t number = 0;
  std::uint64_t count = 0;
};
/// nullopt for a name that does not end so.
std::optional<NumberedFile> numbered_file(const std::filesystem::path& path);

/// At least one of the files. `index` or `safetensors`, not both; `gguf` excludes either.
struct ModelFiles {
  std::optional<std::filesystem::path> config;  // config.json
  std::optional<std::filesystem::path> index;   // model.safetensors.index.json
  std::vector<std::filesystem::path> safetensors;
  std::optional<std::filesystem::path> gguf;
  std::optional<std::filesystem::path> quantization;  // hf_quant_config.json and its likes
  std::string name;  // plain: the id's last part, the directory's name, or the file's
};

/// The files of `given`: a directory, a config.json, a .safetensors, its index, a GGUF file (known
/// by its content), or an id "org/Name" in Hugging Face's cache on this machine, in any case.
/// nullopt when there is no such path and nothing of that name in the cache. Throws UsageError for
/// a path that is there and holds no model.
std::optional<ModelFiles> find_model_files(std::string_view given,
                                           const Environment& environment = process_environment);

/// A plain name for the model that the file at `path` belongs to.
std::string model_name_of(const std::filesystem::path& path);

/// The checkpoint's own tensors. A config.json beside safetensors says which architecture it is and
/// how many experts a token takes; the shapes are the safetensors'. A model that is not there and
/// has the shapes of a preset is that preset. Throws UsageError when nothing of that name is known
/// or readable, and for a part of a model.
Model load_model(const std::string& given);

/// Models by what the user calls them, each read once.
class ModelLoader {
 public:
  /// Stays valid as long as the loader. Throws as load_model() does.
  const Model& load(const std::string& given);
  /// What one of so many GPUs holds of it, tensor parallel. Throws as sharded() does, too.
  const Model& load_share(const std::string& given, std::size_t gpus);
  /// The same, and where its layers' bytes are stored. Throws as find_stored_content() does, too.
  const Model& load_stored(const std::string& given);

 private:
  std::map<std::string, Model, std::less<>> models_;
  std::map<std::string, Model, std::less<>> stored_;
  std::map<std::pair<std::string, std::size_t>, Model> shares_;
};

}  // namespace offload
