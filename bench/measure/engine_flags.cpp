// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/engine_flags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <vector>

namespace offload {
namespace {

/// The shortest text that reads back as the same number: "30", "7.5".
std::string figure(double value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string figure(std::size_t value) { return std::to_string(value); }

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

std::string limited_to(std::string_view option, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += ' ' + name;
  return text.empty() ? "" : " " + std::string(option) + text;
}

/// `text` without the alternatives that have `what`.
void drop_alternatives(std::string& text, std::string_view what) {
  std::string kept;
  for (const std::string& one : alternatives(text)) {
    if (one.find(what) == std::string::npos) kept += (kept.empty() ? "" : "; ") + one;
  }
  text = kept;
}

double share_offloaded(const ModelSlice& model) {
  const double offloaded = static_cast<double>(model.offloaded_bytes);
  const double all = offloaded + static_cast<double>(model.resident_bytes);
  return all > 0 ? offloaded / all : 0;
}

/// GiB that are offloaded, rounded up to a tenth: a budget is passed by the tensor that reaches it.
double budget(const ModelSlice& model) {
  constexpr double gib = 1024.0 * 1024 * 1024;
  return std::ceil(10 * static_cast<double>(model.offloaded_bytes) / gib) / 10;
}

/// The last `in_group` of each `size` layers.
struct Groups {
  std::size_t size, in_group;
  double share() const { return static_cast<double>(in_group) / static_cast<double>(size); }
};

/// The smallest groups that offload at least as much, and hardly more.
Groups groups(const ModelSlice& model) {
  constexpr std::size_t largest = 16;
  constexpr double hardly = 0.02;  // of all layers
  const double share = share_offloaded(model);
  Groups best{1, 1};
  for (std::size_t size = 2; size <= std::min(largest, model.layers); ++size) {
    const double wanted = std::ceil(share * static_cast<double>(size) * (1 - 1e-9));
    const Groups found{size, std::max<std::size_t>(1, static_cast<std::size_t>(wanted))};
    if (found.share() < best.share() - hardly) best = found;
  }
  return best;
}

/// llama.cpp's count of layers on the GPU, when as much is offloaded in whole decoder layers: the
/// first of them stay on the CPU, and the output layer, which is on the GPU here, is one more.
std::size_t layers_on_gpu(const ModelSlice& model) {
  const double layers = static_cast<double>(model.layers);
  const double offloaded = std::ceil(share_offloaded(model) * layers * (1 - 1e-9));
  constexpr std::size_t output = 1;
  return model.layers - std::min(model.layers, static_cast<std::size_t>(offloaded)) + output;
}

void fill_budget(std::string& text, const OffloadRules& rules, const ModelSlice& model) {
  // SGLang takes whole GiB, and no names.
  const bool given = rules.cpu_offload_gb > 0 && rules.group_size == 0;
  const double gib = given ? rules.cpu_offload_gb : budget(model);
  std::string names;
  if (given) names = limited_to("--cpu-offload-params", rules.cpu_offload_params);
  replace_all(text, "SGLang --cpu-offload-gb X",
              "SGLang --cpu-offload-gb " + figure(std::ceil(gib)));
  replace_all(text, "--cpu-offload-gb X", "--cpu-offload-gb " + figure(gib) + names);
}

void fill_groups(std::string& text, const OffloadRules& rules, const ModelSlice& model) {
  const bool given = rules.group_size > 0;
  const Groups filled = given ? Groups{rules.group_size, rules.num_in_group} : groups(model);
  replace_all(text, "--offload-group-size G", "--offload-group-size " + figure(filled.size));
  replace_all(text, "--offload-num-in-group N",
              "--offload-num-in-group " + figure(filled.in_group));
  replace_all(text, "--offload-prefetch-step S",
              "--offload-prefetch-step " + figure(rules.prefetch_step) +
                  limited_to("--offload-params", rules.offload_params));
}

void fill_layers(std::string& text, const OffloadRules& rules, const ModelSlice& model) {
  constexpr std::string_view experts = "-ncmoe N";
  constexpr std::string_view layers = "-ngl N";
  if (text.find(experts) == std::string::npos && text.find(layers) == std::string::npos) return;
  drop_alternatives(text, rules.n_cpu_moe ? layers : experts);
  const std::string on_gpu = "-ngl " + figure(rules.n_gpu_layers.value_or(layers_on_gpu(model)));
  if (rules.n_cpu_moe) {
    replace_all(text, experts,
                (rules.n_gpu_layers ? on_gpu + " " : "") + "-ncmoe " + figure(*rules.n_cpu_moe));
  }
  replace_all(text, layers, on_gpu);
}

void share_out(std::string& text, std::size_t gpus) {
  if (text.starts_with("no offload flags")) return;
  std::string kept;
  for (const std::string& one : alternatives(text)) {
    // Variables of the environment stand behind the engine's name.
    const std::string option = tensor_parallel_option(one.substr(0, one.find(' ')), gpus);
    if (!option.empty()) kept.append(kept.empty() ? "" : "; ").append(one).append(option);
  }
  text = kept;
}

}  // namespace

std::vector<std::string> alternatives(std::string_view flags) {
  constexpr std::string_view apart = "; ";
  std::vector<std::string> found;
  while (!flags.empty()) {
    const std::size_t end = std::min(flags.find(apart), flags.size());
    found.emplace_back(flags.substr(0, end));
    flags.remove_prefix(std::min(flags.size(), end + apart.size()));
  }
  return found;
}

std::string tensor_parallel_option(std::string_view engine, std::size_t gpus) {
  if (gpus <= 1) return "";
  if (engine == "vLLM") return " --tensor-parallel-size " + figure(gpus);
  return engine == "SGLang" ? " --tp-size " + figure(gpus) : "";
}

std::string engine_flags(std::string_view flags, const OffloadRules& rules, const ModelSlice& model,
                         std::size_t tensor_parallel) {
  std::string text(flags);
  fill_budget(text, rules, model);
  fill_groups(text, rules, model);
  fill_layers(text, rules, model);
  if (tensor_parallel > 1) share_out(text, tensor_parallel);
  return text;
}

}  // namespace offload
