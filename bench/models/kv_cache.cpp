// SPDX-License-Identifier: Apache-2.0
#include "bench/models/kv_cache.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

bool has(const ModelLayer& layer, const std::string& name) {
  return std::ranges::any_of(layer.tensors,
                             [&](const ModelTensor& one) { return one.name == name; });
}

/// Output features of a matrix by what is stored of it, and 0 by any other of its tensors.
std::uint64_t features(const ModelTensor& tensor, const ModelLayer& layer) {
  // bitsandbytes stores a matrix as one column.
  if (tensor.shape.size() != 2 || tensor.shape.back() == 1) return 0;
  for (const std::string_view suffix : {".weight", ".weight_packed"}) {
    if (tensor.name.ends_with(suffix)) return tensor.shape.front();
  }
  // GPTQ and AWQ pack weights along one side or the other, and scale them along both.
  constexpr std::string_view scales = ".scales";
  if (!tensor.name.ends_with(scales)) return 0;
  const std::string matrix = tensor.name.substr(0, tensor.name.size() - scales.size());
  return has(layer, matrix + ".qweight") ? tensor.shape.back() : 0;
}

/// Of matrices named so, in a layer.
std::uint64_t features(const ModelLayer& layer, std::initializer_list<std::string_view> names) {
  std::uint64_t sum = 0;
  for (const ModelTensor& tensor : layer.tensors) {
    const std::string_view inner = name_in_layer(tensor.name);
    const std::string_view matrix = inner.substr(0, inner.rfind('.'));
    const bool named =
        std::ranges::any_of(names, [&](std::string_view name) { return matrix.ends_with(name); });
    if (named) sum += features(tensor, layer);
  }
  return sum;
}

}  // namespace

std::optional<std::vector<std::uint64_t>> kv_bytes_per_token(const Model& checkpoint) {
  constexpr std::uint64_t bytes = 2;
  std::vector<std::uint64_t> found;
  for (const ModelLayer& layer : checkpoint.layers) {
    // Latent attention caches what its first projection makes.
    const std::uint64_t latent = features(layer, {"kv_a_proj_with_mqa", "attn_kv_a_mqa"});
    const std::uint64_t plain = features(layer, {"k_proj", "v_proj", "attn_k", "attn_v"});
    if (latent + plain == 0) return std::nullopt;
    found.push_back((latent > 0 ? latent : plain) * bytes);
  }
  return found;
}

}  // namespace offload
