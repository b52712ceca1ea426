// SPDX-License-Identifier: Apache-2.0
#include "bench/models/hf_config.hpp"

#include "bench/models/checkpoint_layers.hpp"
#include "bench/models/model_config.hpp"

namespace offload {

Model model_from_config(const JsonValue& json, const std::string& name, const std::string& source) {
  const ModelConfig config = read_model_config(json, source);
  Model model;
  model.name = name;
  model.architecture = config.architecture;
  model.source = source;
  model.ends = checkpoint_ends(config);
  model.layers.reserve(config.sparse.size());
  for (std::size_t i = 0; i < config.sparse.size(); ++i) {
    model.layers.push_back(checkpoint_layer(config, i));
  }
  if (config.experts) {
    model.experts = config.experts->count;
    model.experts_per_token = config.experts->per_token;
  }
  return model;
}

}  // namespace offload
