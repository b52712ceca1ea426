// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/engine_command.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "bench/measure/engine_flags.hpp"

namespace offload {
namespace {

/// What a shell takes as one word.
std::string quoted_for_shell(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

struct Parts {
  std::string engine;
  std::string environment;  // each followed by a space
  std::string options;      // each after a space
};

Parts parts_of(std::string_view flags, const Serving& serving) {
  if (flags.starts_with("no offload flags")) {
    return {serving.engine, "", tensor_parallel_option(serving.engine, serving.gpus)};
  }
  Parts parts;
  std::istringstream words{std::string(flags)};
  words >> parts.engine;
  for (std::string word; words >> word;) {
    const bool variable = parts.options.empty() && word.front() != '-';
    if (variable) {
      parts.environment += word + ' ';
    } else {
      parts.options += ' ' + word;
    }
  }
  return parts;
}

/// " --gpu-memory-utilization 0.97": two digits, never less than is needed; "" where that cannot be
/// said.
std::string memory_share(std::uint64_t bytes, std::uint64_t of) {
  if (of == 0 || bytes > of) return "";
  constexpr double steps = 100;
  const double share = std::ceil(steps * static_cast<double>(bytes) / static_cast<double>(of));
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2f", share / steps);
  return " --gpu-memory-utilization " + std::string(text.data());
}

}  // namespace

std::string command_line(std::string_view flags, std::uint64_t device_bytes,
                         const Serving& serving) {
  if (flags.empty()) return "";
  const auto [engine, environment, options] = parts_of(flags, serving);
  const std::string context = std::to_string(serving.context);
  const std::string sequences = std::to_string(serving.batch);
  const std::string model = quoted_for_shell(serving.model);
  if (engine == "vLLM") {
    return environment + "vllm serve " + model + options + " --max-model-len " + context +
           " --max-num-seqs " + sequences + memory_share(device_bytes, serving.gpu_memory);
  }
  if (engine == "SGLang") {
    return environment + "python3 -m sglang.launch_server --model-path " + model + options +
           " --context-length " + context + " --max-running-requests " + sequences;
  }
  // llama.cpp: its sequences share the context, and layers stay on the CPU where nothing is said.
  const bool says_layers = options.find(" -ngl ") != std::string::npos;
  return environment + "llama-server -m " + quoted_for_shell(serving.gguf) +
         (says_layers ? "" : " -ngl all") + options + " -c " +
         std::to_string(serving.context * serving.batch) +
         (serving.batch > 1 ? " -np " + sequences : "");
}

}  // namespace offload
