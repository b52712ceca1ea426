// SPDX-License-Identifier: Apache-2.0
#include "bench/models/kv_cache.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

/// Output features of tensors named so, in a layer.
std::uint64_t features(const ModelLayer& layer, std::initializer_list<std::string_view> names) {
  std::uint64_t sum = 0;
  for (const ModelTensor& tensor : layer.tensors) {
    if (tensor.shape.size() != 2) continue;
    const std::string_view inner = name_in_layer(tensor.name);
    const bool named =
        std::ranges::any_of(names, [&](std::string_view name) { return inner.ends_with(name); });
    if (named) sum += tensor.shape.front();
  }
  return sum;
}

}  // namespace

std::optional<std::vector<std::uint64_t>> kv_bytes_per_token(const Model& checkpoint) {
  constexpr std::uint64_t bytes = 2;
  std::vector<std::uint64_t> found;
  for (const ModelLayer& layer : checkpoint.layers) {
    // Latent attention caches what its first projection makes.
    const std::uint64_t latent =
        features(layer, {"kv_a_proj_with_mqa.weight", "attn_kv_a_mqa.weight"});
    const std::uint64_t plain =
        features(layer, {"k_proj.weight", "v_proj.weight", "attn_k.weight", "attn_v.weight"});
    if (latent + plain == 0) return std::nullopt;
    found.push_back((latent > 0 ? latent : plain) * bytes);
  }
  return found;
}

}  // namespace offload
