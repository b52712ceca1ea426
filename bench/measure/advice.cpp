// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/advice.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>

#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/measure/engine_flags.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/kv_cache.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/slice.hpp"
#include "bench/policies/parts/partly_resident.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

/// Activations, the library's workspaces and the context: what engines keep free of weights, too.
constexpr std::uint64_t workspace = GiB;
namespace llama_cpp {
// As docs/engines.md has them.
constexpr std::size_t copied_from = 32;   // tokens: then weights are copied to the GPU
constexpr std::size_t micro_batch = 512;  // tokens that are computed at once, without -ub

bool runs(std::string_view flags) { return flags.starts_with("llama.cpp"); }
bool copies(std::string_view flags) { return flags.find("--no-op-offload") == flags.npos; }
}  // namespace llama_cpp

constexpr std::string_view rate_missing = "a rate that it takes is not known here";

double as_double(std::uint64_t value) { return static_cast<double>(value); }

/// What of a policy's rules is searched.
enum class Search : std::uint8_t { budget, groups, experts, layers };

Search search_of(std::string_view flags) {
  if (flags.find("--offload-group-size") != flags.npos) return Search::groups;
  if (flags.find("-ncmoe N") != flags.npos) return Search::experts;
  if (flags.find("-ngl N") != flags.npos) return Search::layers;
  return Search::budget;
}

class Adviser {
 public:
  Adviser(const Model& checkpoint, const Catalog& catalog, const Question& question,
          const Rates& rates, const Platform& platform)
      : model_(fused(checkpoint)),
        catalog_(catalog),
        question_(question),
        rates_(rates),
        platform_(platform) {
    const auto kv = kv_bytes_per_token(checkpoint);
    kv_of_layers_ = kv.value_or(std::vector<std::uint64_t>(model_.layers.size(), 0));
    for (std::uint64_t& bytes : kv_of_layers_) bytes *= question.context * question.batch;
    const WeightSet all = weights_of({});
    advice_.weight_bytes = all.bytes();
    advice_.fixed = {all.slice->other_bytes, kv_of_first(model_.layers.size()), workspace,
                     kv.has_value()};
    for (const ModelTensor& tensor : model_.ends) {
      if (tensor.part == Part::head) head_ += tensor.bytes;
      if (tensor.part == Part::embedding) embedding_ += tensor.bytes;
    }
    advice_.rest_of_step = rest_of_step({});
    if (rates_.device_read) rest_of_prompt_ = as_double(read_as_head()) / *rates_.device_read;
    step_ = pass(question.batch, all);
    for (const Bottleneck part : limiting) {
      Rates faster = twice_as_fast(rates_, part);
      auto work = step_.workload->work(all, faster);
      faster_steps_.push_back({part, std::move(faster), std::move(work)});
    }
    const std::size_t prompt = question.prompt * question.batch;
    if (prompt == 0) return;
    prompt_ = pass(prompt, all);
    if (const Support reads = prompt_.workload->reads(all); !reads) {
      advice_.prompt_unknown = reads.reason();
      prompt_ = {};
      return;
    }
    // llama.cpp computes some of them on the GPU, a micro-batch at a time.
    if (prompt < llama_cpp::copied_from) return;
    const std::size_t tokens = std::min(prompt, llama_cpp::micro_batch);
    micro_batch_ = pass(tokens, all);
    micro_batch_.times = as_double((prompt + tokens - 1) / tokens);
  }

  Advice advice() {
    const std::uint64_t wanted = advice_.weight_bytes + advice_.fixed.bytes();
    advice_.all_fits = wanted <= question_.gpu_memory;
    for (const Policy* policy : catalog_.policies_among(question_.policies)) consider(*policy);
    // What offloads nothing wins every tie.
    std::ranges::stable_sort(advice_.configurations, {}, [](const Configuration& one) {
      constexpr double tie = 0.999;
      return one.step->seconds * (one.offloaded_bytes == 0 ? tie : 1);
    });
    for (std::size_t i = 0; i < advice_.configurations.size() && !advice_.best_of_engines; ++i) {
      if (!advice_.configurations[i].flags.empty()) advice_.best_of_engines = i;
    }
    return std::move(advice_);
  }

 private:
  /// What a pass computes is the same whatever is offloaded, for that only marks tensors.
  struct Pass {
    std::unique_ptr<Workload> workload;
    double times = 1;
    std::optional<PassWork> work;
  };
  struct FasterStep {
    Bottleneck part;
    Rates rates;
    std::optional<PassWork> work;
  };
  static constexpr std::array limiting{Bottleneck::link, Bottleneck::cpu, Bottleneck::gpu,
                                       Bottleneck::starts};

  /// As many tokens as a pass allows, and so many passes of them.
  Pass pass(std::size_t tokens, const WeightSet& all) const {
    Pass pass{pass_of(catalog_, tokens), 1, {}};
    pass.times = std::max(1.0, as_double(tokens) / as_double(pass.workload->parameter()->max));
    pass.work = pass.workload->work(all, rates_);
    return pass;
  }

  WeightSet weights_of(const OffloadRules& rules) const {
    return model_slice(model_, offloading(model_, rules).tensors,
                       std::numeric_limits<std::uint64_t>::max() / 4, rules.prefetch_step);
  }

  std::uint64_t kv_of_first(std::size_t layers) const {
    return std::accumulate(kv_of_layers_.begin(),
                           kv_of_layers_.begin() + static_cast<std::ptrdiff_t>(layers),
                           std::uint64_t{0});
  }

  /// Where the two are tied the embedding is read instead.
  std::uint64_t read_as_head() const { return head_ > 0 ? head_ : embedding_; }

  /// What llama.cpp has in host memory beside weights, by its own rules.
  struct KeptOnHost {
    std::uint64_t embedding = 0;
    std::uint64_t kv_cache = 0;
  };
  KeptOnHost kept_on_host(const OffloadRules& rules) const {
    if (!rules.n_cpu_moe && !rules.n_gpu_layers) return {};
    KeptOnHost kept{embedding_, 0};
    if (rules.n_gpu_layers) {
      constexpr std::size_t output = 1;
      kept.kv_cache = kv_of_first(model_.layers.size() + output - *rules.n_gpu_layers);
    }
    return kept;
  }

  double rest_of_step(const OffloadRules& rules) const {
    if (!rates_.device_read) return 0;
    const std::uint64_t by_cpu = kept_on_host(rules).kv_cache;
    const std::uint64_t by_gpu = read_as_head() + advice_.fixed.kv_cache - by_cpu;
    const double on_cpu = by_cpu > 0 ? as_double(by_cpu) / rates_.host_read : 0;
    return as_double(by_gpu) / *rates_.device_read + on_cpu;
  }

  void consider(const Policy& policy) {
    if (policy.family == Family::file) {
      if (!question_.policies.empty()) {
        misfit(policy, "what the page cache drops comes from the disk, whose rate is not known");
      }
      return;
    }
    if (policy.family == Family::peer) {
      if (!question_.policies.empty()) {
        misfit(policy, "it takes memory of another GPU, which is not asked about");
      }
      return;
    }
    if (std::ranges::find(policy.starts, Start::steady) == policy.starts.end()) {
      // Of all policies that is said once, by the documents.
      if (!question_.policies.empty()) {
        misfit(policy, "what it brings to the GPU has to go home again: no engine can stay so");
      }
      return;
    }
    if (Support support = policy.support(platform_); !support) {
      misfit(policy, support.reason());
      return;
    }
    if (policy.family == Family::resident) return whole(policy);
    bool tried = false;
    for (const std::string& flags : alternatives(policy.engine_flags)) {
      if (!is_wanted(flags)) continue;
      if (llama_cpp::runs(flags) && has_fp8()) {
        misfit(policy, "llama.cpp has no type for fp8 weights: give a GGUF file made of them");
        continue;
      }
      tried = true;
      search(policy, flags);
    }
    if (!tried && question_.engine.empty()) search(policy, "");
    if (!tried && !question_.engine.empty() && !question_.policies.empty()) {
      misfit(policy, question_.engine + " has no setting for it");
    }
  }

  bool is_wanted(std::string_view flags) const {
    return question_.engine.empty() ||
           to_lower(flags.substr(0, flags.find(' '))) == to_lower(question_.engine);
  }

  bool has_fp8() const {
    return std::ranges::any_of(model_.layers, [](const ModelLayer& layer) {
      return std::ranges::any_of(layer.tensors, [](const ModelTensor& tensor) {
        return is_linear_weight(tensor) && tensor.dtype.starts_with("F8");
      });
    });
  }

  /// Nothing is offloaded.
  void whole(const Policy& policy) {
    WeightSet weights = weights_of({});
    const MemoryTaken memory{advice_.weight_bytes + advice_.fixed.bytes(), 0};
    if (memory.device > question_.gpu_memory) {
      misfit(policy, misses("GPU memory", memory.device, question_.gpu_memory));
      return;
    }
    Configuration configuration;
    configuration.policy = &policy;
    configuration.flags = policy.engine_flags;
    configuration.memory = memory;
    add(std::move(configuration), weights);
  }

  void misfit(const Policy& policy, std::string reason) {
    const bool told = std::ranges::any_of(advice_.misfits, [&](const Misfit& one) {
      return one.policy == &policy && one.reason == reason;
    });
    if (!told) advice_.misfits.push_back({&policy, std::move(reason)});
  }

  static std::string misses(const std::string& what, std::uint64_t needed, std::uint64_t given) {
    return "needs " + format_size_rounded(needed) + " of " + what + ", " +
           format_size_rounded(needed - given) + " more than there is";
  }

  struct Tried {
    OffloadRules rules;
    WeightSet weights;
    MemoryTaken memory;
  };

  Tried tried(const Policy& policy, const OffloadRules& rules) const {
    Tried tried{rules, weights_of(rules), {}};
    Tuning tuning;
    tuning.prefetch_step = rules.prefetch_step;
    const Requirement needed = memory_needed(policy, tried.weights, tuning);
    const KeptOnHost kept = kept_on_host(rules);
    // The head is a second copy of an embedding that it is tied to.
    const std::uint64_t spared = kept.kv_cache + (head_ > 0 ? kept.embedding : 0);
    tried.memory.device = needed.device + advice_.fixed.bytes() - spared;
    tried.memory.host =
        needed.pinned + needed.pageable + needed.managed + kept.embedding + kept.kv_cache;
    return tried;
  }
  bool fits(const Tried& tried) const { return tried.memory.device <= question_.gpu_memory; }

  void search(const Policy& policy, const std::string& flags) {
    std::optional<Tried> found;
    OffloadRules all;
    switch (search_of(flags)) {
      case Search::groups:
        return search_groups(policy, flags);
      case Search::experts:
        if (model_.experts == 0) return;
        found = least(policy, model_.layers.size(), [](std::size_t n) {
          OffloadRules rules;
          rules.n_cpu_moe = n;
          return rules;
        });
        break;
      case Search::layers:
        all.n_gpu_layers = 1;
        found = least(policy, model_.layers.size(), [layers = model_.layers.size()](std::size_t n) {
          constexpr std::size_t output = 1;
          OffloadRules rules;
          rules.n_gpu_layers = layers - n + output;
          return rules;
        });
        break;
      case Search::budget: {
        const std::size_t most = (advice_.weight_bytes + GiB - 1) / GiB;
        found = least(policy, most, [](std::size_t gib) {
          OffloadRules rules;
          rules.cpu_offload_gb = as_double(gib);
          return rules;
        });
        break;
      }
    }
    if (found) return settle(policy, flags, std::move(*found));
    not_even(policy, all);
  }

  /// The least that is offloaded so that the rest fits.
  template <typename RulesOf>
  std::optional<Tried> least(const Policy& policy, std::size_t most, const RulesOf& rules_of) {
    std::size_t low = 1;
    std::size_t high = most;
    Tried all = tried(policy, rules_of(high));
    if (!fits(all)) return std::nullopt;
    std::optional<Tried> best = std::move(all);
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      Tried one = tried(policy, rules_of(middle));
      if (fits(one)) {
        best = std::move(one);
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return best;
  }

  /// Of each size of group and number of layers ahead the fewest that fit; the fastest of these.
  void search_groups(const Policy& policy, const std::string& flags) {
    constexpr std::size_t largest = 12;
    std::optional<Tried> best;
    bool any_fits = false;
    double fastest = std::numeric_limits<double>::infinity();
    for (const std::size_t ahead : {std::size_t{1}, std::size_t{2}}) {
      // A row that has its own number ahead is tried once.
      const std::string own = "--offload-prefetch-step " + std::to_string(ahead);
      if (flags.find("--offload-prefetch-step S") == flags.npos && flags.find(own) == flags.npos) {
        continue;
      }
      for (std::size_t size = 1; size <= std::min(largest, model_.layers.size()); ++size) {
        auto one = least(policy, size, [&](std::size_t in_group) {
          OffloadRules rules;
          rules.group_size = size;
          rules.num_in_group = in_group;
          rules.prefetch_step = ahead;
          return rules;
        });
        if (!one) continue;
        any_fits = true;
        const auto step = predict(policy, step_.work, one->weights, one->rules, rates_);
        if (!step || step->seconds >= fastest) continue;
        fastest = step->seconds;
        best = std::move(one);
      }
    }
    if (best) return settle(policy, flags, std::move(*best));
    if (any_fits) return misfit(policy, std::string(rate_missing));
    not_even(policy, {});
  }

  void not_even(const Policy& policy, const OffloadRules& rules) {
    const Tried all = tried(policy, rules);
    const std::string reason = fits(all) ? "no setting of its engine fits"
                                         : misses("GPU memory with all weights offloaded",
                                                  all.memory.device, question_.gpu_memory);
    misfit(policy, reason);
  }

  /// PyTorch's allocator of pinned memory rounds each tensor up to a power of two.
  static bool pins_by_powers_of_two(std::string_view flags, const Policy& policy) {
    const bool pytorch = flags.starts_with("vLLM") || flags.starts_with("SGLang");
    return pytorch && policy.memory.find("cudaHostAlloc") != std::string_view::npos;
  }

  /// llama.cpp computes so few tokens on the CPU by itself; the flag would keep prompts there, too.
  void drop_needless(std::string& flags) const {
    constexpr std::string_view flag = " --no-op-offload";
    const std::size_t at = flags.find(flag);
    if (at != flags.npos && question_.batch < llama_cpp::copied_from) flags.erase(at, flag.size());
  }

  void settle(const Policy& policy, const std::string& flags, Tried found) {
    if (pins_by_powers_of_two(flags, policy)) {
      found.memory.host = offloaded_by_powers_of_two(found.weights);
    }
    if (found.memory.host > question_.host_memory) {
      misfit(policy, misses("host memory", found.memory.host, question_.host_memory));
      return;
    }
    Configuration configuration;
    configuration.policy = &policy;
    configuration.rules = found.rules;
    configuration.offloaded_bytes = found.weights.slice->offloaded_bytes;
    configuration.flags = engine_flags(flags, found.rules, *found.weights.slice,
                                       found.weights.tensor_parallel);
    drop_needless(configuration.flags);
    configuration.memory = found.memory;
    add(std::move(configuration), found.weights);
  }

  std::optional<Prediction> predict(const Policy& policy, const std::optional<PassWork>& work,
                                    const WeightSet& weights, const OffloadRules& rules,
                                    const Rates& rates) const {
    if (!work) return std::nullopt;
    Tuning tuning;
    tuning.prefetch_step = rules.prefetch_step;
    return policy.predict(*work, {.tensors = weights.tensors,
                                  .rates = rates,
                                  .tuning = tuning,
                                  .memory_rate = memory_rate(platform_, rates)});
  }

  static std::optional<Prediction> with_rest(std::optional<Prediction> pass, double times,
                                             double rest) {
    if (!pass) return std::nullopt;
    return Prediction{pass->seconds * times + rest, pass->least * times + rest,
                      pass->most * times + rest};
  }

  void add(Configuration configuration, WeightSet& weights) {
    if (configuration.policy->family == Family::resident) {
      for (WeightTensor& tensor : weights.tensors) tensor.resident = true;
    }
    const Policy& policy = *configuration.policy;
    if (Support offered = step_.workload->offers(policy.rereads, weights, platform_); !offered) {
      misfit(policy, offered.reason());
      return;
    }
    const auto step = predict(policy, step_.work, weights, configuration.rules, rates_);
    if (!step) {
      misfit(policy, std::string(rate_missing));
      return;
    }
    configuration.step = with_rest(step, step_.times, rest_of_step(configuration.rules));
    predict_prompt(configuration, weights);
    configuration.bottleneck = bottleneck_of(policy, weights, configuration.rules, step->seconds);
    advice_.configurations.push_back(std::move(configuration));
  }

  void predict_prompt(Configuration& configuration, const WeightSet& weights) const {
    const bool copied = question_.prompt * question_.batch >= llama_cpp::copied_from &&
                        configuration.offloaded_bytes > 0 && llama_cpp::runs(configuration.flags) &&
                        llama_cpp::copies(configuration.flags);
    if (copied) configuration.flags += " --no-mmap";
    if (copied && micro_batch_.workload) {
      // Each tensor by itself, from pinned memory where the file is not mapped.
      const Policy& copy = *catalog_.policy("pinned_copy");
      configuration.prompt = prompt_by(copy, micro_batch_, configuration.rules, weights);
      const bool fits_one = prompt_.times <= 1 && micro_batch_.times > 1;
      if (fits_one) {
        configuration.prompt_at_once = prompt_by(copy, prompt_, configuration.rules, weights);
      }
    } else if (prompt_.workload) {
      configuration.prompt =
          prompt_by(*configuration.policy, prompt_, configuration.rules, weights);
    }
  }

  std::optional<Prediction> prompt_by(const Policy& policy, const Pass& pass,
                                      const OffloadRules& rules, const WeightSet& weights) const {
    if (!pass.workload->offers(policy.rereads, weights, platform_)) return std::nullopt;
    return with_rest(predict(policy, pass.work, weights, rules, rates_), pass.times,
                     rest_of_prompt_);
  }

  Bottleneck bottleneck_of(const Policy& policy, const WeightSet& weights,
                           const OffloadRules& rules, double seconds) const {
    Bottleneck found = Bottleneck::link;
    double shortest = std::numeric_limits<double>::infinity();
    for (const FasterStep& step : faster_steps_) {
      const auto faster = predict(policy, step.work, weights, rules, step.rates);
      if (!faster || faster->seconds >= shortest) continue;
      shortest = faster->seconds;
      found = step.part;
    }
    if (found != Bottleneck::cpu) return found;
    // A CPU that computes as fast as it reads waits for its memory.
    constexpr double most = 0.8;
    double read = 0;
    for (const WorkItem& item : *step_.work) {
      if (!weights.tensors[item.piece.tensor].resident) read += as_double(item.bytes);
    }
    return read / rates_.host_read >= most * seconds ? Bottleneck::host_memory : Bottleneck::cpu;
  }

  Model model_;
  const Catalog& catalog_;
  const Question& question_;
  const Rates& rates_;
  const Platform& platform_;
  Advice advice_;
  std::vector<std::uint64_t> kv_of_layers_;  // of all tokens of all sequences
  std::uint64_t head_ = 0;
  std::uint64_t embedding_ = 0;
  double rest_of_prompt_ = 0;
  Pass step_;
  std::vector<FasterStep> faster_steps_;
  Pass prompt_;
  Pass micro_batch_;  // of llama.cpp, of the same tokens
};

}  // namespace

std::unique_ptr<Workload> pass_of(const Catalog& catalog, std::size_t tokens) {
  const Workload* const step = catalog.workload("decode");
  const bool many = tokens > step->parameter()->max;
  const Workload& pass = many ? *catalog.workload("prefill") : *step;
  const Parameter range = *pass.parameter();
  return pass.with_parameter(std::clamp(tokens, range.min, range.max));
}

Advice advise(const Model& checkpoint, const Catalog& catalog, const Question& question,
              const Rates& rates, const Platform& platform) {
  return Adviser(checkpoint, catalog, question, rates, platform).advice();
}

}  // namespace offload
