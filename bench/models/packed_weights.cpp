// SPDX-License-Identifier: Apache-2.0
#include "bench/models/packed_weights.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

namespace offload {
namespace {

using ByName = std::map<std::string_view, const SafetensorsTensor*>;

bool describes_weights(std::string_view name) {
  constexpr auto endings = std::to_array<std::string_view>({"weight_scale",
                                                            "weight_scale_inv",
                                                            "weight_scale_2",
                                                            "weight_global_scale",
                                                            "weight_shape",
                                                            "weight_g_idx",
                                                            "weight_zero_point",
                                                            "input_scale",
                                                            "pre_quant_scale",
                                                            ".output_scale",
                                                            "input_global_scale",
                                                            ".k_scale",
                                                            ".v_scale",
                                                            ".q_scale",
                                                            ".scales",
                                                            ".biases",
                                                            ".qzeros",
                                                            ".g_idx",
                                                            "_proj_scales",
                                                            ".SCB",
                                                            ".absmax",
                                                            ".nested_absmax",
                                                            ".quant_map",
                                                            ".nested_quant_map"});
  return std::any_of(endings.begin(), endings.end(),
                     [name](std::string_view ending) { return name.ends_with(ending); });
}

/// One tensor and those of its module.
class Packed {
 public:
  Packed(const ByName& by_name, const Packing& packing, const SafetensorsTensor& tensor)
      : by_name_(by_name), packing_(packing), tensor_(tensor) {}

  std::uint64_t weights() const {
    const std::string_view name = tensor_.name;
    if (name.ends_with(".qweight")) return in_words();
    if (name.ends_with("_blocks")) return in_blocks();
    if (name.ends_with(".weight_packed") || name.ends_with(".weight")) {
      if (const auto* scale = beside("weight_scale")) return scaled(*scale);
      if (const auto* scale = beside("scales")) return of_mlx(*scale);
    }
    // bitsandbytes: a table of the 16 values that four bits choose from.
    const auto* values = find(tensor_.name + ".quant_map");
    const bool halves = is_bytes(tensor_) && values != nullptr && values->elements == 16;
    return halves ? tensor_.elements * 2 : tensor_.elements;
  }

 private:
  static bool is_bytes(const SafetensorsTensor& tensor) { return tensor.dtype == "U8"; }

  const SafetensorsTensor* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  std::string_view module() const {
    const std::string_view name = tensor_.name;
    return name.substr(0, name.rfind('.'));
  }
  const SafetensorsTensor* beside(std::string_view kind) const {
    return find(std::string(module()).append(".").append(kind));
  }

  /// GPTQ's or AWQ's words: zero points, packed alike, are to the scales as one word is to the
  /// weights in it, which is no whole number for 3 bits.
  std::uint64_t in_words() const {
    const auto* zeros = beside("qzeros");
    const auto* scales = beside("scales");
    if (zeros == nullptr || scales == nullptr || zeros->elements == 0) return tensor_.elements;
    constexpr std::uint64_t most = 32;
    const std::uint64_t words = zeros->elements;
    const std::uint64_t weights = scales->elements;
    if (weights <= words || weights / words > most) return tensor_.elements;
    return tensor_.elements / words * weights + tensor_.elements % words * weights / words;
  }

  std::uint64_t in_blocks() const {
    std::string scales = tensor_.name;
    scales.replace(scales.size() - std::string_view("blocks").size(), scales.npos, "scales");
    const bool halves = is_bytes(tensor_) && find(scales) != nullptr;
    return halves ? tensor_.elements * 2 : tensor_.elements;
  }

  /// By compressed-tensors, ModelOpt and others.
  std::uint64_t scaled(const SafetensorsTensor& scale) const {
    if (tensor_.dtype == "I32") return in_int_words(scale);
    if (!is_bytes(tensor_) || tensor_.shape.empty()) return tensor_.elements;
    // NVFP4 has an e4m3 scale for each 16 weights, the MX formats a power of two for each 32.
    const auto holds = [&](std::uint64_t weights, std::uint64_t bytes) {
      return tensor_.elements == scale.elements * bytes ? scale.elements * weights : 0;
    };
    if (scale.dtype == "F8_E4M3") return std::max(holds(16, 8), tensor_.elements);
    if (is_bytes(scale)) return std::max({holds(32, 16), holds(32, 24), tensor_.elements});
    // ModelOpt's 4-bit integers: two rows in one.
    const bool halves = !scale.shape.empty() && scale.shape.front() == 2 * tensor_.shape.front();
    return halves ? tensor_.elements * 2 : tensor_.elements;
  }

  /// compressed-tensors' words; symmetric ones show nothing by themselves, and mostly are of 4
  /// bits.
  std::uint64_t in_int_words(const SafetensorsTensor& scale) const {
    if (packing_.group > 0) return scale.elements * packing_.group;
    constexpr std::uint64_t word_bits = 32;
    if (packing_.bits > 0 && packing_.bits <= word_bits) {
      return tensor_.elements * (word_bits / packing_.bits);
    }
    const auto* zeros = beside("weight_zero_point");
    constexpr std::uint64_t usual = 8;
    const bool shown = zeros != nullptr && zeros->dtype == "I32" && zeros->elements > 0;
    return tensor_.elements * (shown ? scale.elements / zeros->elements : usual);
  }

  std::uint64_t of_mlx(const SafetensorsTensor& scale) const {
    if (tensor_.dtype != "U32") return tensor_.elements;
    if (is_bytes(scale)) {  // nvfp4 has 16 weights of 4 bits for a scale, mxfp4 and mxfp8 have 32
      return scale.elements * (tensor_.elements == 2 * scale.elements ? 16 : 32);
    }
    constexpr std::uint64_t usual = 64;
    const auto own = packing_.group_of.find(module());
    if (own != packing_.group_of.end()) return scale.elements * own->second;
    return scale.elements * (packing_.group > 0 ? packing_.group : usual);
  }

  const ByName& by_name_;
  const Packing& packing_;
  const SafetensorsTensor& tensor_;
};

std::uint64_t number_in(const JsonValue& object, std::string_view name) {
  constexpr std::uint64_t most = 1 << 20;  // no matrix has longer rows
  const std::optional<JsonValue> value = object.find(name);
  const std::uint64_t number = value ? value->whole_number().value_or(0) : 0;
  return number <= most ? number : 0;
}

/// All groups of modules alike; otherwise nothing is known of one tensor.
Packing of_compressed_tensors(const JsonValue& groups) {
  std::optional<Packing> all;
  for (const JsonMember& member : groups.members()) {
    const std::optional<JsonValue> weights = member.value.find("weights");
    if (!weights) return {};
    const Packing one{number_in(*weights, "num_bits"), number_in(*weights, "group_size"), {}};
    if (all && (all->bits != one.bits || all->group != one.group)) return {};
    all = one;
  }
  return all.value_or(Packing{});
}

Packing of_mlx(const JsonValue& fields) {
  Packing packing{number_in(fields, "bits"), number_in(fields, "group_size"), {}};
  for (const JsonMember& member : fields.members()) {
    const std::uint64_t group = number_in(member.value, "group_size");
    if (group > 0) packing.group_of.emplace(member.name, group);
  }
  return packing;
}

}  // namespace

Packing packing_of(const JsonValue& config) {
  std::optional<JsonValue> fields = config.find("quantization_config");
  if (!fields || fields->is_null()) fields = config.find("quantization");
  if (!fields) return {};
  const std::optional<JsonValue> groups = fields->find("config_groups");
  return groups ? of_compressed_tensors(*groups) : of_mlx(*fields);
}

bool is_annotation(std::string_view name) {
  // bitsandbytes: a text in JSON, and the number of a layout.
  return name.find(".quant_state.") != name.npos || name.ends_with(".weight_format");
}

std::vector<std::uint64_t> count_parameters(const std::vector<SafetensorsTensor>& tensors,
                                            const Packing& packing) {
  ByName by_name;
  for (const SafetensorsTensor& tensor : tensors) by_name.emplace(tensor.name, &tensor);
  std::vector<std::uint64_t> counts;
  counts.reserve(tensors.size());
  for (const SafetensorsTensor& tensor : tensors) {
    counts.push_back(describes_weights(tensor.name) ? 0
                                                    : Packed(by_name, packing, tensor).weights());
  }
  return counts;
}

}  // namespace offload
