// SPDX-License-Identifier: Apache-2.0
#include "bench/report/layout_text.hpp"

#include "bench/core/text.hpp"

namespace offload {
namespace {

std::string side(const std::string& where, const std::vector<std::string>& names,
                 std::uint64_t bytes) {
  return where + ' ' + enumerate(names, 0) + " (" + format_size_rounded(bytes) + ')';
}

/// "layers 0-17 (18): offloaded qkv_proj and o_proj (2.1 GiB); resident down_proj (3.9 GiB)"
std::string kind_text(const LayerKind& kind) {
  std::string text = kind.layers.size() == 1 ? "layer " : "layers ";
  text += layer_ranges(kind.layers);
  if (kind.layers.size() > 1) text += " (" + std::to_string(kind.layers.size()) + ')';
  text += ": ";
  if (!kind.offloaded.empty()) text += side("offloaded", kind.offloaded, kind.offloaded_bytes);
  if (kind.resident.empty()) return text;
  if (!kind.offloaded.empty()) text += "; ";
  return text + side("resident", kind.resident, kind.resident_bytes);
}

std::string sides_text(const ModelSlice& slice) {
  return "of its linear weights " + format_size_rounded(slice.offloaded_bytes) +
         " in host memory and " + format_size_rounded(slice.resident_bytes) +
         " in GPU memory; embedding, head, norms and the like, " +
         format_size_rounded(slice.other_bytes) + ", in GPU memory and not read here";
}

std::string measured_text(const ModelSlice& slice) {
  if (slice.layers_measured == slice.layers)
    return "all " + count(slice.layers, "layer") + " are measured";
  return "measured are " + std::to_string(slice.layers_measured) + " of " +
         count(slice.layers, "layer") +
         ", evenly chosen among those alike; results are scaled by bytes (--slice)";
}

std::string link_text(const ModelLayout& model, const Platform& platform) {
  if (!platform.link || !platform.link->peak_bytes_per_second) {
    return "what the link alone would need is unknown: there is no link to a GPU, or its rate is "
           "not known";
  }
  const double rate = *platform.link->peak_bytes_per_second;
  const double seconds = static_cast<double>(model.slice.offloaded_bytes) / rate;
  std::string text = "the link alone, at its nominal " + format_rate(rate) + ", would need " +
                     format_seconds(seconds) + " a pass";
  if (model.experts) text += " that brings every expert; a few tokens choose fewer";
  return text;
}

}  // namespace

void write_layouts(Page& page, const std::vector<ModelLayout>& models, const Platform& platform) {
  for (const ModelLayout& model : models) {
    page.heading(model.model);
    for (const LayerKind& kind : model.kinds) page.item(kind_text(kind));
    page.item(sides_text(model.slice));
    page.item(measured_text(model.slice));
    if (model.slice.offloaded_bytes > 0) page.item(link_text(model, platform));
    page.end_list();
  }
}

}  // namespace offload
