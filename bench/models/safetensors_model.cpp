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
#include "bench/models/packed_weights.hpp"
#include "bench/models/safetensors.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_index_bytes = 100'000'000;
// One for each tensor: the largest checkpoints, of 384 experts a layer with three scales each, have
// 280,000.
constexpr std::size_t max_index_values = 300'000;
constexpr std::size_t max_files = 10'000;

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

/// Which tensors of which file make up the model.
TensorsOfFiles files_in(std::string_view text, const std::string& source) {
  TensorsOfFiles files;
  const auto place = [&](std::string_view tensor, const JsonValue& value) {
    const std::optional<std::string_view> file = value.text();
    if (!file || !is_plain_file_name(*file) || !file->ends_with(".safetensors")) {
      throw UsageError(source + ": weight_map places tensor " + in_quotes(tensor) + " in " +
                       (file ? in_quotes(*file) : value.description()) +
                       ", which is not a safetensors file beside it");
    }
    auto found = files.find(*file);
    if (found == files.end()) found = files.emplace(*file, std::vector<std::string>()).first;
    found->second.emplace_back(tensor);
    if (files.size() > max_files) {
      throw UsageError(source + ": names more than " + std::to_string(max_files) + " files");
    }
  };
  read_members(text, source,
               {.depth = 8, .values = max_index_values, .member_values = max_index_values},
               "weight_map", place);
  if (files.empty()) {
    throw UsageError(source + ": has no weight_map, so it is not an index of safetensors");
  }
  for (auto& [file, tensors] : files) std::ranges::sort(tensors);
  return files;
}

/// Moves those of `names`, which are sorted, to `tensors`. The first that the file lacks; "" when
/// it has all.
std::string take_wanted(SafetensorsHeader header, const std::vector<std::string>& names,
                        std::vector<SafetensorsTensor>& tensors) {
  std::vector<bool> found(names.size(), false);
  for (SafetensorsTensor& tensor : header.tensors) {
    const auto name = std::ranges::lower_bound(names, tensor.name);
    if (name == names.end() || *name != tensor.name) continue;
    found[static_cast<std::size_t>(name - names.begin())] = true;
    tensors.push_back(std::move(tensor));
  }
  const auto lost = std::ranges::find(found, false);
  return lost == found.end() ? "" : names[static_cast<std::size_t>(lost - found.begin())];
}

void refuse_missing(const TensorsOfFiles& files, const fs::path& directory,
                    const std::string& source) {
  constexpr std::size_t max_named = 3;
  std::size_t missing = 0;
  std::string names;
  for (const auto& [file, tensors] : files) {
    std::error_code error;  // a name that is too long, a link to itself: not there either
    if (fs::exists(directory / file, error)) continue;
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

SafetensorsHeader read_safetensors_header(const fs::path& path) {
  std::uint64_t size = 0;
  auto file = open_model_file(path, size);
  return read_safetensors_header(file, size, path.string());
}

Model model_from(std::vector<SafetensorsTensor> tensors, const fs::path& source,
                 const std::optional<JsonValue>& config) {
  if (is_adapter(tensors)) {
    throw UsageError(source.string() +
                     ": holds an adapter (LoRA), which is not a model; give the model that it "
                     "adapts");
  }
  Model model;
  model.source = source.string();
  model.name = model_name_of(source);
  std::erase_if(tensors,
                [](const SafetensorsTensor& tensor) { return is_annotation(tensor.name); });
  const auto parameters = count_parameters(tensors, config ? packing_of(*config) : Packing{});
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

Model read_safetensors(std::span<const fs::path> files, const std::optional<JsonValue>& config) {
  if (files.empty()) throw UsageError("no safetensors file was given");
  std::vector<SafetensorsTensor> tensors;
  std::set<std::string> names;
  for (const fs::path& path : files) {
    SafetensorsHeader header = read_safetensors_header(path);
    for (SafetensorsTensor& tensor : header.tensors) {
      if (!names.insert(tensor.name).second) {
        throw UsageError(path.string() + ": tensor " + in_quotes(tensor.name) +
                         " is in another file as well");
      }
      tensors.push_back(std::move(tensor));
    }
  }
  return model_from(std::move(tensors), files.front(), config);
}

TensorsOfFiles read_index(const fs::path& index) {
  const std::string source = index.string();
  std::uint64_t size = 0;
  auto file = open_model_file(index, size);
  if (size > max_index_bytes) {
    throw UsageError(source + ": is " + std::to_string(size) + " bytes long; an index of at most " +
                     std::to_string(max_index_bytes) + " is read");
  }
  TensorsOfFiles files = files_in(ByteReader(file, size, source).text(size, "the index"), source);
  refuse_missing(files, index.parent_path(), source);
  return files;
}

Model read_safetensors_index(const fs::path& index, const std::optional<JsonValue>& config) {
  TensorsOfFiles files = read_index(index);
  std::vector<SafetensorsTensor> tensors;
  std::size_t count = 0;
  for (const auto& [name, wanted] : files) count += wanted.size();
  tensors.reserve(count);
  while (!files.empty()) {
    const auto next = files.extract(files.begin());
    const std::string lost = take_wanted(read_safetensors_header(index.parent_path() / next.key()),
                                         next.mapped(), tensors);
    if (lost.empty()) continue;
    throw UsageError(index.string() + ": weight_map places tensor " + in_quotes(lost) + " in " +
                     in_quotes(next.key()) + ", which does not hold it");
  }
  return model_from(std::move(tensors), index, config);
}

}  // namespace offload
