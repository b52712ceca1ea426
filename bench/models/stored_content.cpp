// SPDX-License-Identifier: Apache-2.0
#include "bench/models/stored_content.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "bench/core/open_weight_file.hpp"
#include "bench/core/text.hpp"
#include "bench/models/gguf.hpp"
#include "bench/models/layers.hpp"
#include "bench/models/load.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/safetensors.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

/// By the names that tensors have in a model.
class Places {
 public:
  void add(const std::shared_ptr<const WeightFile>& file, std::string name, std::uint64_t offset,
           std::uint64_t bytes) {
    if (offset > file->bytes || bytes > file->bytes - offset) {
      throw UsageError(file->path + ": ends at byte " + std::to_string(file->bytes) +
                       ", but tensor " + in_quotes(name) + " lies at bytes " +
                       std::to_string(offset) + " to " + std::to_string(offset + bytes) +
                       "; download it again");
    }
    drop_adapted_module(name);
    places_.insert_or_assign(std::move(name), StoredBytes{file, offset, bytes});
  }

  const StoredBytes& of(const ModelTensor& tensor, const std::string& source) const {
    const auto found = places_.find(tensor.name);
    if (found != places_.end() && found->second.bytes == tensor.bytes) return found->second;
    throw UsageError(source + ": was changed while it was read: tensor " + in_quotes(tensor.name) +
                     " is not there as it was; start again");
  }

 private:
  std::map<std::string, StoredBytes, std::less<>> places_;
};

std::shared_ptr<const WeightFile> described(const fs::path& path) {
  return std::make_shared<const WeightFile>(weight_file_at(path.string()));
}

/// Those of `wanted`, which are sorted; all where nothing says which.
void add_safetensors(const fs::path& path, const std::vector<std::string>* wanted, Places& places) {
  const auto file = described(path);
  SafetensorsHeader header = read_safetensors_header(path);
  for (SafetensorsTensor& tensor : header.tensors) {
    if (wanted != nullptr && !std::ranges::binary_search(*wanted, tensor.name)) continue;
    places.add(file, std::move(tensor.name), header.data + tensor.begin, tensor.end - tensor.begin);
  }
}

void add_index(const fs::path& index, Places& places) {
  for (const auto& [name, wanted] : read_index(index)) {
    add_safetensors(index.parent_path() / name, &wanted, places);
  }
}

void add_gguf(const fs::path& first, Places& places) {
  for (const fs::path& path : gguf_files(read_gguf_header(first), first)) {
    const auto file = described(path);
    GgufHeader header = read_gguf_header(path);
    for (GgufTensor& tensor : header.tensors) {
      places.add(file, std::move(tensor.name), header.data() + tensor.offset, tensor.bytes);
    }
  }
}

Places places_in(const ModelFiles& files) {
  Places places;
  if (files.gguf) add_gguf(*files.gguf, places);
  if (files.index) add_index(*files.index, places);
  for (const fs::path& path : files.safetensors) add_safetensors(path, nullptr, places);
  return places;
}

ModelFiles files_of(const std::string& given) {
  std::optional<ModelFiles> files;
  if (find_preset_model(given).empty()) files = find_model_files(given);
  if (!files) {
    throw UsageError("--content model: of " + given +
                     " no more than shapes is here; give --model the path of its safetensors or "
                     "GGUF");
  }
  if (!files->gguf && !files->index && files->safetensors.empty()) {
    throw UsageError("--content model: " + files->config->string() +
                     " has no safetensors beside it; give --model the path of some, or of a GGUF");
  }
  return *files;
}

}  // namespace

void find_stored_content(Model& model, const std::string& given) {
  const Places places = places_in(files_of(given));
  for (ModelLayer& layer : model.layers) {
    for (ModelTensor& tensor : layer.tensors) {
      tensor.stored =
          std::make_shared<const std::vector<StoredBytes>>(1, places.of(tensor, model.source));
    }
  }
}

const Model& ModelLoader::load_stored(const std::string& given) {
  const auto known = stored_.find(given);
  if (known != stored_.end()) return known->second;
  Model model = load(given);
  find_stored_content(model, given);
  return stored_.emplace(given, std::move(model)).first->second;
}

}  // namespace offload
