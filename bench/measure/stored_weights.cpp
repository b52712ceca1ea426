// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/stored_weights.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace offload {
namespace {

std::string file_name(const StoredRows& part) {
  return std::filesystem::path(part.file->path).filename().string();
}

std::string place(const WeightTensor& tensor, const StoredRows& part, std::size_t alignment) {
  return file_name(part) + " holds " + tensor.name + " at byte " + std::to_string(part.offset) +
         ", which is no multiple of " + std::to_string(alignment);
}

/// The word sums of a tensor's parts add up to the tensor's where each begins with a word.
bool begins_with_words(const WeightTensor& tensor) {
  constexpr std::size_t word = 4;
  std::size_t row = 0;
  return std::ranges::all_of(tensor.stored, [&](const StoredRows& part) {
    const bool whole = row * tensor.row_bytes() % word == 0;
    row += part.rows;
    return whole;
  });
}

Support in_place(const Workload& workload, const WeightTensor& tensor) {
  const std::string instead = "; policies that copy it can";
  if (workload.needs_whole_tensors() && tensor.stored.size() > 1) {
    return Support::no(std::string(workload.name()) + " needs tensors whole, and " +
                       file_name(tensor.stored.front()) + " holds " + tensor.name + " in " +
                       std::to_string(tensor.stored.size()) + " parts" + instead);
  }
  const std::size_t alignment = workload.alignment(tensor);
  for (const StoredRows& part : tensor.stored) {
    if (part.offset % alignment == 0) continue;
    return Support::no(std::string(workload.name()) +
                       " cannot read it in place: " + place(tensor, part, alignment) + instead);
  }
  if (begins_with_words(tensor)) return Support::yes();
  return Support::no(tensor.name + " is stored in parts that do not begin with a 4-byte word" +
                     instead);
}

}  // namespace

bool is_stored(const WeightSet& weights) {
  return std::ranges::any_of(weights.tensors,
                             [](const WeightTensor& tensor) { return !tensor.stored.empty(); });
}

std::vector<WeightFile> weight_files(const std::vector<std::unique_ptr<WeightSet>>& sets) {
  std::map<std::string, WeightFile> files;
  for (const auto& weights : sets) {
    for (const WeightTensor& tensor : weights->tensors) {
      for (const StoredRows& part : tensor.stored) files.emplace(part.file->path, *part.file);
    }
  }
  std::vector<WeightFile> all;
  all.reserve(files.size());
  for (auto& [path, file] : files) all.push_back(std::move(file));
  return all;
}

Support reads_as_stored(const Workload& workload, const Policy& policy, const WeightSet& weights) {
  if (!is_stored(weights)) return Support::yes();
  if (workload.content() == Content::chain) {
    return Support::no(std::string(workload.name()) +
                       " follows a chain that is written into the weights: leave out --content "
                       "model");
  }
  if (!policy.reads_files_in_place) return Support::yes();
  for (const WeightTensor& tensor : weights.tensors) {
    if (tensor.resident) continue;
    if (Support reads = in_place(workload, tensor); !reads) return reads;
  }
  return Support::yes();
}

}  // namespace offload
