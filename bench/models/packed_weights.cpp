// SPDX-License-Identifier: Apache-2.0
#include "bench/models/packed_weights.hpp"

#include <array>
#include <map>
#include <string>
#include <string_view>

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

}  // namespace

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

}  // namespace offload
