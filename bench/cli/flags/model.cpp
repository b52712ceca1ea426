// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/flags/groups.hpp"

#include <cstddef>

#include "bench/cli/values.hpp"
#include "bench/models/presets.hpp"
#include "offload/units.hpp"

namespace offload {

void add_model(CLI::App& command, const std::string& heading, Options& options) {
  const Flags flags(command, heading);
  flags.list("--model", "NAME,...", options.models,
             "a model: a short name, a Hugging Face id (also of the local cache), or the path of a "
             "config.json, safetensors, GGUF or their directory",
             values::name_or_path(preset_models()));
}

void add_experts_per_token(CLI::App& command, const std::string& heading, Options& options) {
  const Flags flags(command, heading);
  flags.value("--experts-per-token", "N", options.experts_per_token,
              "that a token takes, of a model whose files do not say",
              values::whole_number(1, 65'536), "the model's");
}

void add_tensor_parallel(const Flags& flags, Options& options) {
  flags.value("--tensor-parallel", "N", options.tensor_parallel,
              "weights are what one of N GPUs holds that share the model, as vLLM divides it",
              values::whole_number(1, 1024));
}

void add_offloading(CLI::App& command, Options& options) {
  const Flags flags(
      command,
      "What of a model is offloaded (as the engines' flags of the same names; default: all)");
  OffloadRules& rules = options.rules;
  flags.value("--cpu-offload-gb", "X", rules.cpu_offload_gb, "GiB of the first layers' weights",
              values::number(0.0, 1e6), "none");
  flags.list("--cpu-offload-params", "SEGMENTS,...", rules.cpu_offload_params,
             "only parameters of these names", {}, "all");
  flags.value("--offload-group-size", "G", rules.group_size,
              "of each G layers the last are offloaded", values::whole_number(1, 100'000), "none");
  flags.value("--offload-num-in-group", "N", rules.num_in_group, "how many of each group",
              values::whole_number(1, 100'000));
  flags.list("--offload-params", "SEGMENTS,...", rules.offload_params,
             "of those layers, only parameters of these names", {}, "all");
  flags.value("--n-cpu-moe", "N", rules.n_cpu_moe, "the experts of the first N layers",
              values::whole_number(0, 100'000), "none");
  flags.value("--n-gpu-layers", "N", rules.n_gpu_layers,
              "as llama.cpp's -ngl, which may be written too: all layers but the last N - 1, for "
              "the output layer counts",
              values::whole_number(0, 100'000), "none");
  add_tensor_parallel(flags, options);
  flags.toggle("--checkpoint-shapes", options.checkpoint_shapes,
               "the checkpoint's own tensors instead of the fused ones of vLLM");
  flags.value("--slice", "SIZE", options.slice_bytes,
              "measure evenly chosen layers with about this much offloaded", values::size(),
              format_size(options.slice_bytes));
}

}  // namespace offload
