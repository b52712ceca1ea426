// SPDX-License-Identifier: Apache-2.0
// A model from safetensors headers: one file, several, or those that an index names.
#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/byte_reader.hpp"
#include "bench/models/json.hpp"
#include "bench/models/layers.hpp"
#include "bench/models/load.hpp"
#include "bench/models/safetensors.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using ByName = std::map<std::string_view, const SafetensorsTensor*>;

bool describes_weights(std::string_view name) {
  constexpr auto endings = std::to_array<std::string_view>({"weight_scale",   "weight_scale_inv",
                                                            "weight_scale_2", "weight_global_scale",
                                                            "weight_shape",   "weight_zero_point",
                                                            "input_scale",    "input_global_scale",
                                                            ".k_scale",       ".v_scale",
                                                            ".q_scale",       ".scales",
                                                            ".qzeros",        ".g_idx",
                                                            "_proj_scales",   ".SCB",
                                                            ".absmax",        ".nested_absmax",
                                                            ".quant_map",     ".nested_quant_map"});
  for (const std::string_view ending : endings) {
    if (name.ends_with(ending)) return true;
  }
  return name.find(".quant_state.") != std::string_view::npos;
}

const SafetensorsTensor* find(const ByName& by_name, const std::string& name) {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

/// Weights in one 32-bit word of GPTQ's or AWQ's "qweight": its zero points, packed alike, are to
/// the scales as one word is to that many weights.
std::uint64_t weights_per_word(const ByName& by_name, std::string_view stem) {
  const auto* const zeros = find(by_name, std::string(stem) + "qzeros");
  const auto* const scales = find(by_name, std::string(stem) + "scales");
  if (zeros == nullptr || scales == nullptr || zeros->elements == 0) return 1;
  const std::uint64_t ratio = scales->elements / zeros->elements;
  return ratio > 1 && ratio <= 32 ? ratio : 1;
}

std::uint64_t weights_per_element(const ByName& by_name, const SafetensorsTensor& tensor) {
  const std::string_view name = tensor.name;
  constexpr std::string_view packed_word = "qweight";
  if (name.ends_with(packed_word) && (tensor.dtype == "I32" || tensor.dtype == "U32")) {
    return weights_per_word(by_name, name.substr(0, name.size() - packed_word.size()));
  }
  if (tensor.dtype != "U8") return 1;
  constexpr std::string_view blocks = "_blocks";
  if (name.ends_with(blocks)) {
    const auto stem = name.substr(0, name.size() - blocks.size());
    return find(by_name, std::string(stem) + "_scales") != nullptr ? 2 : 1;
  }
  // bitsandbytes: a table of the 16 values that four bits choose from.
  const auto* const values = find(by_name, tensor.name + ".quant_map");
  if (values != nullptr && values->elements == 16) return 2;
  // NVFP4: two weights a byte, a scale for every 16.
  for (const std::string_view ending : {".weight", ".weight_packed"}) {
    if (!name.ends_with(ending)) continue;
    const auto stem = name.substr(0, name.size() - ending.size());
    const auto* const scale = find(by_name, std::string(stem) + ".weight_scale");
    const bool nvfp4 = scale != nullptr && scale->dtype == "F8_E4M3" &&
                       tensor.elements / 8 == scale->elements && tensor.elements % 8 == 0;
    return nvfp4 ? 2 : 1;
  }
  return 1;
}

std::vector<std::uint64_t> count_parameters(const std::vector<SafetensorsTensor>& tensors) {
  ByName by_name;
  for (const SafetensorsTensor& tensor : tensors) by_name.emplace(tensor.name, &tensor);
  std::vector<std::uint64_t> counts;
  counts.reserve(tensors.size());
  for (const SafetensorsTensor& tensor : tensors) {
    counts.push_back(describes_weights(tensor.name)
                         ? 0
                         : tensor.elements * weights_per_element(by_name, tensor));
  }
  return counts;
}

namespace fs = std::filesystem;

constexpr std::uint64_t max_index_bytes = 100'000'000;
constexpr std::size_t max_index_values = 2'000'000;  // one for each tensor
constexpr std::size_t max_files = 10'000;

using TensorsOfFiles = std::map<std::string, std::set<std::string_view>, std::less<>>;

SafetensorsHeader read_header(const fs::path& path) {
  std::uint64_t size = 0;
  auto file = open_model_file(path, size);
  return read_safetensors_header(file, size, path.string());
}

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

/// Whether all matrices are an adapter's: some models hold one beside their own weights.
bool is_adapter(const std::vector<SafetensorsTensor>& tensors) {
  std::size_t matrices = 0;
  const bool adapts = std::all_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    if (tensor.shape.size() < 2) return true;
    ++matrices;
    return tensor.name.find("lora_") != std::string::npos;
  });
  return adapts && matrices > 0;
}

/// Which tensors of which file make up the model. The views look into `root`.
TensorsOfFiles files_in(const JsonValue& root, const std::string& source) {
  const std::optional<JsonValue> map = root.find("weight_map");
  const std::vector<JsonMember> members = map ? map->members() : std::vector<JsonMember>();
  if (members.empty()) {
    throw UsageError(source + ": has no weight_map, so it is not an index of safetensors");
  }
  TensorsOfFiles files;
  for (const auto& [tensor, value] : members) {
    const std::optional<std::string_view> file = value.text();
    if (!file || !is_plain_file_name(*file) || !file->ends_with(".safetensors")) {
      throw UsageError(source + ": weight_map places tensor " + in_quotes(tensor) + " in " +
                       (file ? in_quotes(*file) : value.description()) +
                       ", which is not a safetensors file beside it");
    }
    files[std::string(*file)].insert(tensor);
  }
  if (files.size() > max_files) {
    throw UsageError(source + ": names " + std::to_string(files.size()) + " files, more than " +
                     std::to_string(max_files));
  }
  return files;
}

void refuse_missing(const TensorsOfFiles& files, const fs::path& directory,
                    const std::string& source) {
  constexpr std::size_t max_named = 3;
  std::size_t missing = 0;
  std::string names;
  for (const auto& [file, tensors] : files) {
    if (fs::exists(directory / file)) continue;
    if (++missing <= max_named) names += (names.empty() ? "" : ", ") + in_quotes(file);
  }
  if (missing == 0) return;
  const std::string which = files.size() == 1 ? "the one file"
                                              : std::to_string(missing) + " of the " +
                                                    std::to_string(files.size()) + " files";
  throw UsageError(source + ": " + which + " it names " + (missing == 1 ? "is" : "are") +
                   " missing: " + names + (missing > max_named ? " and others" : "") +
                   "; their headers alone would do (the first 8 + N bytes)");
}

}  // namespace

Model model_from(std::vector<SafetensorsTensor> tensors, const fs::path& source) {
  if (is_adapter(tensors)) {
    throw UsageError(source.string() +
                     ": holds an adapter (LoRA), which is not a model; give the model that it "
                     "adapts");
  }
  Model model;
  model.source = source.string();
  model.name = model_name_of(source);
  const auto parameters = count_parameters(tensors);
  std::vector<ModelTensor> named;
  named.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    SafetensorsTensor& tensor = tensors[i];
    ModelTensor next;
    next.bytes = tensor.end - tensor.begin;
    next.parameters = parameters[i];
    next.name = std::move(tensor.name);
    next.dtype = std::move(tensor.dtype);
    next.shape = std::move(tensor.shape);
    named.push_back(std::move(next));
  }
  arrange_layers(std::move(named), model);
  return model;
}

Model read_safetensors(std::span<const fs::path> files) {
  if (files.empty()) throw UsageError("no safetensors file was given");
  std::vector<SafetensorsTensor> tensors;
  std::set<std::string> names;
  for (const fs::path& path : files) {
    SafetensorsHeader header = read_header(path);
    for (SafetensorsTensor& tensor : header.tensors) {
      if (!names.insert(tensor.name).second) {
        throw UsageError(path.string() + ": tensor " + in_quotes(tensor.name) +
                         " is in another file as well");
      }
      tensors.push_back(std::move(tensor));
    }
  }
  return model_from(std::move(tensors), files.front());
}

Model read_safetensors_index(const fs::path& index) {
  const std::string source = index.string();
  std::uint64_t size = 0;
  auto file = open_model_file(index, size);
  if (size > max_index_bytes) {
    throw UsageError(source + ": is " + std::to_string(size) + " bytes long; an index of at most " +
                     std::to_string(max_index_bytes) + " is read");
  }
  const std::string text = ByteReader(file, size, source).text(size, "the index");
  const JsonValue root = parse_json(text, source, {.depth = 8, .values = max_index_values});
  const TensorsOfFiles files = files_in(root, source);
  refuse_missing(files, index.parent_path(), source);

  std::vector<SafetensorsTensor> tensors;
  for (const auto& [name, wanted] : files) {
    SafetensorsHeader header = read_header(index.parent_path() / name);
    std::set<std::string_view> missing = wanted;
    for (SafetensorsTensor& tensor : header.tensors) {
      if (missing.erase(tensor.name) == 1) tensors.push_back(std::move(tensor));
    }
    if (!missing.empty()) {
      throw UsageError(source + ": weight_map places tensor " + in_quotes(*missing.begin()) +
                       " in " + in_quotes(name) + ", which does not hold it");
    }
  }
  return model_from(std::move(tensors), index);
}

}  // namespace offload
