// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/flags/groups.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "bench/cli/values.hpp"
#include "bench/core/names.hpp"
#include "bench/measure/beside/traffic.hpp"
#include "bench/measure/suites.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr const char* how = "How it is measured";

void add_file_directory(const Flags& flags, const std::string& who, Options& options) {
  flags.value("--file-directory", "DIR", options.tuning.file_directory,
              "where " + who + "; on a disk, for starts from cold", values::directory(),
              "TMPDIR, or /tmp");
}

}  // namespace

void add_tuning(CLI::App& command, Options& options) {
  const Flags flags(command, "What policies are given (default: chosen by the calibration)");
  constexpr std::size_t max_panel = std::size_t{1} << 40;  // beyond any GPU
  Tuning& tuning = options.tuning;
  flags.value("--offload-prefetch-step", "S", tuning.prefetch_step,
              "layers that prefetching policies run ahead, units of a window",
              values::whole_number(1, 64));
  flags.value("--panel", "SIZE", tuning.panel_bytes,
              "of one slot of a ring (pinned_ring_copy, hybrid_split), one unit of a window",
              values::size(max_panel), "by calibration; 64MiB of a window");
  flags.value("--slots", "N", tuning.slots, "of the ring", values::whole_number(1, 64));
  flags.value("--host-share", "F", tuning.host_share,
              "0 to 1: the rows hybrid_split leaves to the CPU", values::number(0.0, 1.0),
              "by trying");
  add_file_directory(flags, "file_* policies write the weights", options);
}

void add_method(CLI::App& command, Options& options) {
  const Flags flags(command, how);
  const Suite& suite = find_suite(options.suite);
  const auto of_suite = [&](const std::string& value) {
    return "the suite's: " + value + " for " + options.suite;
  };
  flags.value("--samples", "N", options.samples, "timed samples per case; 3 or more show a spread",
              values::whole_number(1, 1'000'000), of_suite(std::to_string(suite.samples)));
  flags.value("--host-numa", "NODE", options.host_numa,
              "of host memory and CPU workers: local (the GPU's), remote, or a number",
              values::host_node(), "memory of the GPU's own while there is some");
  flags.choice("--host-pages", options.host_pages, host_pages_names,
               "of weights in memory from malloc: as the system is set up, or advised to be huge, "
               "and a case fails that gets others");
  flags.value("--threads", "N", options.threads,
              "host threads; 0 is every core this process may use", values::whole_number(0, 4096));
  flags.value("--seed", "N", options.seed, "of the weights' content",
              values::whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  flags.choice("--content", options.content, content_names,
               "what the weights hold: generated numbers, or what the files of --model hold, which "
               "file_* policies then map in place");
  flags.toggle("--graph", options.graph,
               "capture each pass in a CUDA graph where the policy can be");
  flags.choice("--evidence", options.evidence, evidence_level_names,
               "passes of their own that show what driver and hardware did; all includes energy",
               of_suite(std::string(name(suite.evidence))));
  flags.value("--passes", "N", options.passes,
              "also read each case N times in a row and keep every pass",
              values::whole_number(1, 10'000), "none");
  flags.toggle("--limits", options.limits, "also compare with the physical limits and bare copies");
  flags.toggle("--memory-cost", options.host_memory_cost,
               "also measure what the command memory-cost does, after the cases");
}

void add_gpu(CLI::App& command, Options& options) {
  const Flags flags(command, how);
  flags.value("--gpu", "N", options.gpu, "index of the GPU", values::whole_number(0, 1023));
}

void add_gpus(CLI::App& command, Options& options) {
  const Flags flags(command, how);
  flags.list("--gpus", "N,...", options.gpus,
             "all, or the indices of several GPUs that are alike: each alone, then together",
             values::gpu_or_all(), "the one of --gpu");
}

void add_beside(CLI::App& command, Options& options) {
  const Flags flags(command, "What else the GPU does meanwhile");
  std::string kinds;
  for (const TrafficKind& kind : traffic_kinds()) {
    kinds += (kinds.empty() ? "" : "; ") + std::string(kind.name) + ", " + std::string(kind.what);
  }
  flags.list("--beside", "TRAFFIC,...", options.beside,
             "measure each case alone, and then beside other traffic: " + kinds,
             values::name_among("traffic", traffic_names()), "none");
  flags.value(
      "--beside-pace", "X", options.beside_pace,
      "0.01 to 1: share of the time that the traffic would be busy alone; 1 is back to back",
      values::number(0.01, 1.0));
  flags.value("--attention-kv", "SIZE", options.attention_kv,
              "of the KV cache that attention reads", values::size(),
              format_size(options.attention_kv));
}

void add_oversubscription(CLI::App& command, Options& options) {
  const Flags flags(command, how);
  flags.toggle("--allow-oversubscription", options.allow_oversubscription,
               "let managed and system memory exceed the GPU's; hangs some systems");
}

void add_loading(CLI::App& command, Options& options) {
  const Flags flags(command, how);
  flags.toggle("--loading", options.loading,
               "instead: what it takes to get a file to where it is read, by each way");
  add_file_directory(flags, "--loading writes its file", options);
}

void add_plan_only(CLI::App& command, bool& plan_only) {
  const Flags flags(command, how);
  flags.toggle("--plan", plan_only, "say what would be allocated, and allocate nothing");
}

}  // namespace offload
