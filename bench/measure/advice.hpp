// SPDX-License-Identifier: Apache-2.0
// Which way to run a model on a machine: what an engine can set and our own policies are tried on
// paper, by the rates of the machine.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/bottleneck.hpp"
#include "bench/models/offload_rules.hpp"
#include "offload/model.hpp"
#include "offload/platform.hpp"
#include "offload/prediction.hpp"
#include "offload/rates.hpp"

namespace offload {

struct Question {
  std::uint64_t gpu_memory = 0;  // bytes that the model may take, of all it needs
  std::uint64_t host_memory = 0;
  std::size_t context = 4096;         // tokens of each sequence, in the KV cache
  std::size_t batch = 1;              // sequences decoded at once
  std::size_t prompt = 512;           // tokens of each; 0: not asked
  std::size_t tensor_parallel = 1;    // GPUs that share the model, of which this is one
  std::size_t gpus = 1;               // of the host, all at work
  std::string engine;                 // whose settings are tried; "": any, and what none has
  std::vector<std::string> policies;  // names, of groups too; empty: all
};

/// What of a model engines keep in GPU memory whatever is offloaded, in bytes. llama.cpp has the
/// embedding in host memory, and the cache of layers that the CPU computes.
struct FixedMemory {
  std::uint64_t other = 0;      // embedding, head and norms
  std::uint64_t kv_cache = 0;   // of 16-bit keys and values
  std::uint64_t workspace = 0;  // activations and libraries, an estimate
  bool kv_known = true;         // whether the model's tensors show what it caches

  std::uint64_t bytes() const { return other + kv_cache + workspace; }
};

/// By one configuration, in bytes.
struct MemoryTaken {
  std::uint64_t device = 0;
  std::uint64_t host = 0;
};

/// One way to run the model.
struct Configuration {
  const Policy* policy = nullptr;
  OffloadRules rules;
  std::string flags;  // with which an engine runs so; "" where none can
  std::uint64_t offloaded_bytes = 0;
  MemoryTaken memory;
  std::optional<Prediction> step;    // seconds of a decode step of the batch, the rest included
  std::optional<Prediction> prompt;  // seconds until the first token, likewise
  std::optional<Prediction> prompt_at_once;  // with llama.cpp's -ub as large as all prompts
  Bottleneck bottleneck = Bottleneck::link;  // of the step

  double tokens_per_second(std::size_t batch) const {
    return static_cast<double>(batch) / step->seconds;
  }
};

/// A policy that cannot run the model here, and by how much it misses.
struct Misfit {
  const Policy* policy = nullptr;
  std::string reason;
};

struct Advice {
  std::uint64_t weight_bytes = 0;  // of all layers' linear weights
  FixedMemory fixed;
  double rest_of_step = 0;                    // seconds: head and KV cache, from GPU memory
  std::vector<Configuration> configurations;  // that fit, the fastest step first
  std::vector<Misfit> misfits;
  std::optional<std::size_t> best_of_engines;  // index of the first with flags

  std::string prompt_unknown;  // why no prompt's pass can be predicted; "" where one can
  bool all_fits = false;       // nothing needs to be offloaded
};

/// Throws UsageError where the model has no linear weights or the rules cannot be met.
Advice advise(const Model& checkpoint, const Catalog& catalog, const Question& question,
              const Rates& rates, const Platform& platform);

/// The pass through a model that computes so many tokens at once: a decode step as far as it goes,
/// else a prefill, of as many as that allows.
std::unique_ptr<Workload> pass_of(const Catalog& catalog, std::size_t tokens);

}  // namespace offload
