// SPDX-License-Identifier: Apache-2.0
// A model from the header of a GGUF file, or of all files it was split into.
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/byte_reader.hpp"
#include "bench/models/gguf.hpp"
#include "bench/models/layers.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::uint64_t max_files = 9999;

std::uint64_t files_of(const GgufHeader& header) {
  return header.count("split.count", max_files).value_or(1);
}

std::string five_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

/// What llama.cpp's splitter appends to the common part of the names.
std::string split_ending(std::uint64_t number, std::uint64_t count) {
  return "-" + five_digits(number) + "-of-" + five_digits(count) + ".gguf";
}

void append_other_files(GgufHeader& first, const std::filesystem::path& path) {
  const std::vector<std::filesystem::path> files = gguf_files(first, path);
  const std::uint64_t count = files.size();
  for (std::uint64_t number = 2; number <= count; ++number) {
    const std::filesystem::path& next = files[number - 1];
    if (!std::filesystem::exists(next)) {
      throw UsageError(first.source + ": is the first of " + std::to_string(count) +
                       " files, but " + next.string() + " is missing");
    }
    GgufHeader other = read_gguf_header(next);
    if (files_of(other) != count || other.count("split.no", max_files) != number - 1) {
      throw UsageError(next.string() + ": is not file " + std::to_string(number) + " of " +
                       std::to_string(count) + " of the model in " + first.source);
    }
    first.tensors.insert(first.tensors.end(), std::make_move_iterator(other.tensors.begin()),
                         std::make_move_iterator(other.tensors.end()));
  }
  std::set<std::string_view> names;
  for (const GgufTensor& tensor : first.tensors) {
    if (!names.insert(tensor.name).second) {
      throw UsageError(first.source + ": tensor " + in_quotes(tensor.name) +
                       " is in two of the model's files");
    }
  }
}

/// Drafts, adapters, importance matrices, projectors of images and vocabularies are GGUF files too.
void refuse_other_types(const GgufHeader& header) {
  const std::string architecture = header.text("general.architecture");
  if (architecture.starts_with("eagle")) {
    throw UsageError(header.source + ": its general.architecture is " + in_quotes(architecture) +
                     ", so it is a draft for another model; give the model that it drafts for");
  }
  const std::string type = header.text("general.type");
  if (type.empty() || type == "model") return;
  throw UsageError(header.source + ": its general.type is " + in_quotes(type) +
                   ", so it is not a model; give the model that it belongs to");
}

/// Tables that the converter computes from the config, for positions beyond those trained on.
bool is_table(std::string_view name) {
  return name.ends_with("rope_freqs.weight") || name.ends_with("rope_factors_long.weight") ||
         name.ends_with("rope_factors_short.weight");
}

/// A column alone is a vector, such as the decay of each head that Mamba 2 has.
std::vector<std::uint64_t> shape_of(const GgufTensor& tensor) {
  std::vector<std::uint64_t> shape = tensor.shape;
  if (shape.size() > 1 && shape.back() == 1) shape.pop_back();
  return shape;
}

/// Of all layers alike: what differs by layer is an array, of which nothing is kept.
AttentionHeads heads_in(const GgufHeader& header, const std::string& prefix) {
  const auto number = [&](const char* key) -> std::uint64_t {
    const auto found = header.values.find(prefix + key);
    const auto* const value =
        found == header.values.end() ? nullptr : std::get_if<std::uint64_t>(&found->second);
    return value == nullptr ? 0 : *value;
  };
  const std::uint64_t queries = number("attention.head_count");
  const std::uint64_t keys = number("attention.head_count_kv");
  return {queries, keys == 0 ? queries : keys};
}

}  // namespace

GgufHeader read_gguf_header(const std::filesystem::path& path) {
  std::uint64_t size = 0;
  auto file = open_model_file(path, size);
  return read_gguf_header(file, size, path.string());
}

std::vector<std::filesystem::path> gguf_files(const GgufHeader& header,
                                              const std::filesystem::path& first) {
  const std::uint64_t count = files_of(header);
  std::vector<std::filesystem::path> files{first};
  if (count <= 1) return files;
  const std::string ending = split_ending(1, count);
  std::string stem = first.filename().string();
  if (!stem.ends_with(ending)) {
    throw UsageError(header.source + ": is one of " + std::to_string(count) +
                     " files that hold the model; give the first, named *" + ending);
  }
  stem.resize(stem.size() - ending.size());
  for (std::uint64_t number = 2; number <= count; ++number) {
    files.push_back(first.parent_path() / (stem + split_ending(number, count)));
  }
  return files;
}

Model model_from(const GgufHeader& header) {
  refuse_other_types(header);
  Model model;
  model.source = header.source;
  model.architecture = header.text("general.architecture");
  if (model.architecture.empty()) {
    throw UsageError(header.source + ": has no general.architecture, so it is not a whole model");
  }
  const std::string given_name = header.text("general.name");
  model.name = plain_model_name(
      given_name.empty() ? std::filesystem::path(header.source).stem().string() : given_name);

  std::vector<ModelTensor> tensors;
  tensors.reserve(header.tensors.size());
  for (const GgufTensor& tensor : header.tensors) {
    if (is_table(tensor.name)) continue;
    ModelTensor next;
    next.name = tensor.name;
    next.dtype = tensor.type.name;
    next.shape = shape_of(tensor);
    next.parameters = tensor.weights;
    next.bytes = tensor.bytes;
    tensors.push_back(std::move(next));
  }
  arrange_layers(std::move(tensors), model);

  constexpr std::uint64_t max_experts = 65'536;
  const std::string prefix = model.architecture + ".";
  const std::string shown = printable(prefix);
  const std::size_t seen = model.experts;
  model.experts =
      static_cast<std::size_t>(header.count(prefix + "expert_count", max_experts).value_or(seen));
  model.experts_per_token =
      static_cast<std::size_t>(header.count(prefix + "expert_used_count", max_experts).value_or(0));
  if (seen != 0 && seen != model.experts) {
    throw UsageError(header.source + ": " + shown + "expert_count is " +
                     std::to_string(model.experts) + ", but the tensors hold " +
                     std::to_string(seen) + " experts");
  }
  if (model.experts_per_token > model.experts) {
    throw UsageError(header.source + ": " + shown + "expert_used_count is " +
                     std::to_string(model.experts_per_token) + " of " +
                     std::to_string(model.experts) + " experts");
  }
  const AttentionHeads heads = heads_in(header, prefix);
  for (ModelLayer& layer : model.layers) layer.heads = heads;
  constexpr std::uint64_t max_context = std::uint64_t{1} << 40;
  model.context =
      static_cast<std::size_t>(header.count(prefix + "context_length", max_context).value_or(0));
  // Layers that draft tokens ahead are counted by the key, and stand among the ends.
  constexpr std::uint64_t max_layers = 1'000'000;
  const auto layers = header.count(prefix + "block_count", max_layers);
  const auto drafting = header.count(prefix + "nextn_predict_layers", max_layers).value_or(0);
  if (layers && *layers != model.layers.size() && *layers != model.layers.size() + drafting) {
    throw UsageError(header.source + ": " + shown + "block_count is " + std::to_string(*layers) +
                     ", but there are tensors for " + std::to_string(model.layers.size()) +
                     " layers; download it again");
  }
  return model;
}

Model read_gguf(const std::filesystem::path& path) {
  GgufHeader header = read_gguf_header(path);
  if (files_of(header) > 1) append_other_files(header, path);
  return model_from(header);
}

}  // namespace offload
