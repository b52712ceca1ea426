// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/engine_flags.hpp"

#include <array>
#include <charconv>
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

/// `text` up to its first clause that has `what`; clauses of one engine are set apart by ", ".
void drop_other_clauses(std::string& text, std::string_view what) {
  const std::size_t at = text.find(what);
  const std::size_t end = at == std::string::npos ? at : text.find(", ", at);
  if (end != std::string::npos) text.erase(end);
}

}  // namespace

std::string engine_flags(std::string_view flags, const OffloadRules& rules) {
  std::string text(flags);
  if (rules.n_cpu_moe) {
    drop_other_clauses(text, "-ncmoe N");
    replace_all(text, "-ncmoe N (experts)", "-ncmoe " + figure(*rules.n_cpu_moe));
  } else if (rules.group_size > 0) {  // wins over a budget, as in vLLM
    replace_all(text, "--offload-group-size G", "--offload-group-size " + figure(rules.group_size));
    replace_all(text, "--offload-num-in-group N",
                "--offload-num-in-group " + figure(rules.num_in_group));
    replace_all(text, "--offload-prefetch-step S",
                "--offload-prefetch-step " + figure(rules.prefetch_step) +
                    limited_to("--offload-params", rules.offload_params));
  } else if (rules.cpu_offload_gb > 0) {
    const std::string names = limited_to("--cpu-offload-params", rules.cpu_offload_params);
    const std::string budget = "--cpu-offload-gb " + figure(rules.cpu_offload_gb);
    replace_all(text, "SGLang --cpu-offload-gb X", "SGLang " + budget);  // has no such names
    replace_all(text, "--cpu-offload-gb X", budget + names);
  }
  return text;
}

}  // namespace offload
