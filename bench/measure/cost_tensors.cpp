// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/cost_tensors.hpp"

#include <numeric>
#include <set>

#include "bench/core/text.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/model_source.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/slice.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

bool any_rule(const OffloadRules& rules) {
  return rules.cpu_offload_gb > 0 || rules.group_size > 0 || rules.n_cpu_moe.has_value();
}

CostTensors tensors_of(const std::string& name, const Options& options) {
  const Model checkpoint = load_model(name);
  const Model model = options.checkpoint_shapes ? checkpoint : fused(checkpoint);
  const Offloading where = offloading(model, options.rules);
  std::set<std::size_t> layers;
  for (const WeightTensor& weight :
       model_slice(model, where.tensors, options.slice_bytes).tensors) {
    layers.insert(weight.layer);
  }
  const bool all = !any_rule(options.rules);
  CostTensors tensors{model.name, {}};
  for (const std::size_t layer : layers) {
    const std::vector<ModelTensor>& of_layer = model.layers[layer].tensors;
    for (std::size_t i = 0; i < of_layer.size(); ++i) {
      if (of_layer[i].bytes == 0 || !(all || where.tensors[layer][i])) continue;
      tensors.bytes.push_back(of_layer[i].bytes);
    }
  }
  if (tensors.bytes.empty()) {
    throw UsageError("memory cost: nothing of " + model.name + " is offloaded");
  }
  return tensors;
}

}  // namespace

std::size_t CostTensors::total() const {
  return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0});
}

std::vector<CostTensors> cost_tensors(const Options& options, const Host& host) {
  std::vector<std::string> models = options.models;
  if (models.empty()) models.emplace_back(default_model);
  std::vector<CostTensors> all;
  for (const std::string& name : models) {
    all.push_back(tensors_of(name, options));
    const std::size_t bytes = all.back().total();
    const std::size_t limit = host_memory_limit(host);
    if (bytes <= limit) continue;
    throw UsageError("memory cost: the tensors of " + all.back().model + " take " +
                     format_size_rounded(bytes) + " of host memory and only " +
                     format_size_rounded(limit) + " can be taken; choose a smaller --slice");
  }
  return all;
}

}  // namespace offload
