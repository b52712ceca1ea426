// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/flags/groups.hpp"

#include "bench/cli/values.hpp"
#include "bench/core/names.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/models/presets.hpp"

namespace offload {

void add_question(CLI::App& command, Options& options, const Catalog& catalog) {
  const Flags flags(command, "What is asked");
  AdviseOptions& asked = options.advise;
  flags.list("--model", "NAME", options.models,
             "a short name, a Hugging Face id (also of the local cache), or the path of a "
             "config.json, safetensors, GGUF or their directory",
             values::name_or_path(preset_models()), "none; it is needed");
  add_experts_per_token(command, "What is asked", options);
  flags.value("--gpu-memory", "SIZE", asked.gpu_memory, "that the model may take", values::memory(),
              "95 % of the GPU's");
  flags.value("--host-memory", "SIZE", asked.host_memory, "likewise", values::memory(),
              "all of the host");
  flags.value("--context", "N", asked.context, "tokens of each sequence, in the KV cache",
              values::whole_number(1, 100'000'000), "4096, or the model's maximum");
  flags.value("--batch", "N", asked.batch, "sequences that are decoded at once",
              values::whole_number(1, 256));
  add_tensor_parallel(flags, options);
  flags.value("--gpu-count", "N", asked.gpu_count,
              "GPUs of one host, all at work, which share its CPU and memory",
              values::whole_number(1, 1024), "those of --tensor-parallel");
  flags.value("--prompt", "N", asked.prompt, "tokens of each prompt",
              values::whole_number(1, 10'000'000), "512, or the context");
  flags.value("--engine", "NAME", asked.engine,
              "whose settings are tried: " + joined(values::engine_names(), ", ") +
                  "; any also tries what no engine has",
              values::name_among("engine", values::engine_names()));
  flags.list("--policies", "NAME,...", options.policies,
             "only these; groups: " + values::group_names(),
             values::name_among("policy", catalog.policy_choices()), "all");
}

void add_rates(CLI::App& command, Options& options) {
  const Flags flags(command,
                    "Where rates come from (default: this machine's, calibrated and kept)");
  AdviseOptions& asked = options.advise;
  flags.value("--platform", "NAME", asked.platform,
              "a results file of this program, or a machine that others have measured: " +
                  joined(shipped_machines(), ", "),
              values::name_or_path(shipped_machines()), "this machine");
  flags.value("--link", "RATE", asked.link, "copies to the GPU, such as 25GB/s", values::rate(),
              "none");
  flags.value("--host-read", "RATE", asked.host_read, "of host memory by the CPU, such as 60GB/s",
              values::rate(), "none");
  flags.value("--hbm", "RATE", asked.hbm, "of GPU memory, such as 1008GB/s", values::rate(),
              "none");
  flags.value("--tflops", "X", asked.tflops, "dense 16-bit products by the GPU",
              values::number(0.001, 1e6), "none");
  flags.toggle("--recalibrate", asked.recalibrate, "measure again, whatever is kept");
  flags.toggle("--verify", asked.verify,
               "measure the three best here, and say what was predicted beside it");
}

}  // namespace offload
