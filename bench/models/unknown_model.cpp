// SPDX-License-Identifier: Apache-2.0
#include "bench/models/unknown_model.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/models/presets.hpp"

namespace offload {
namespace {

constexpr std::string_view digits = "0123456789";

bool is_path(std::string_view given) {
  if (given.starts_with('/') || given.starts_with('.') || given.starts_with('~')) return true;
  const std::string lower = to_lower(given);
  for (const std::string_view ending : {".gguf", ".safetensors", ".json"}) {
    if (lower.ends_with(ending)) return true;
  }
  const std::size_t slash = given.find('/');  // one, between organisation and name, makes an id
  return slash != std::string_view::npos &&
         (slash + 1 == given.size() || given.find('/', slash + 1) != std::string_view::npos);
}

std::string_view without_organisation(std::string_view given) {
  return given.substr(given.find('/') + 1);  // all of it where there is none
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

/// "q4", "iq3", "int8", "4bit", "w4a16", "4bpw" and names of methods and files; "bf16" too, which
/// says as much where a preset is not in it.
bool says_type(std::string_view word) {
  constexpr auto methods =
      std::to_array<std::string_view>({"aqlm", "autoround", "awq", "bnb", "exl2", "exl3", "ggml",
                                       "gguf", "gptq", "hqq", "mlx", "quantized", "quip", "vptq"});
  if (std::ranges::find(methods, word) != methods.end()) return true;
  for (const std::string_view unit : {"bit", "bits", "bpw"}) {
    if (word == unit) return true;
    if (word.ends_with(unit) && all_digits(word.substr(0, word.size() - unit.size()))) return true;
  }
  for (const std::string_view type :
       {"bf", "f", "fp", "int", "iq", "mxfp", "nf", "nvfp", "q", "tq"}) {
    if (word.starts_with(type) && all_digits(word.substr(type.size()))) return true;
  }
  const std::size_t a = word.find('a');
  return word.starts_with('w') && a != std::string_view::npos &&
         all_digits(word.substr(1, a - 1)) && all_digits(word.substr(a + 1));
}

struct TypedName {
  std::string_view base;  // the name before the type
  std::string_view type;  // from there to the name's end
};

/// "Qwen3-32B" and "GPTQ-Int4" of "Qwen3-32B-GPTQ-Int4".
std::optional<TypedName> typed_name(std::string_view name) {
  constexpr std::string_view between = "-_.:@ ";
  std::size_t before = 0;  // where the previous word begins
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find_first_of(between, begin), name.size());
    const std::string word = to_lower(name.substr(begin, end - begin));
    if (begin > 0 && says_type(word)) {
      const bool in_two = before > 0 && all_digits(name.substr(before, begin - 1 - before)) &&
                          (word.starts_with("bit") || name[begin - 1] == '.');  // 4-bit, 3.5bpw
      const std::size_t type = in_two ? before : begin;
      return TypedName{name.substr(0, type - 1), name.substr(type)};
    }
    before = begin;
    begin = end + 1;
  }
  return std::nullopt;
}

/// The preset that a model of this name, which may have an organisation, is or is like.
std::string_view preset_of(std::string_view name) {
  if (const std::string_view preset = find_preset_model(name); !preset.empty()) return preset;
  const auto same = find_same_shapes(name);
  return same ? same->preset : "";
}

/// What is in Ollama's library under "llama3.3:70b" has 4 bits a weight unless its name says more.
std::string ollama_name(std::string_view given) {
  std::string name(given);
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) return "";
  name[colon] = '-';
  const std::string_view preset = preset_of(name);
  if (preset.empty()) return "";
  return "unknown model " + in_quotes(given) +
         ": if that is Ollama's, give the path of its GGUF file; " + in_quotes(name) + " is " +
         std::string(preset_type(preset)) + " here";
}

std::string closest_model(std::string_view given) {
  std::vector<std::string_view> names = preset_models();
  for (const SameShapes& other : models_of_same_shapes()) {
    names.push_back(without_organisation(other.model));
  }
  return std::string(closest(without_organisation(given), names));
}

}  // namespace

std::string_view type_in_name(std::string_view given) {
  const auto typed = typed_name(without_organisation(given));
  return typed ? typed->type : "";
}

std::string unknown_model(std::string_view given) {
  if (is_path(given)) {
    return "no such file or directory: " + in_quotes(given) +
           (given.starts_with('~') ? " (a shell replaces ~ only at the start of a word)" : "");
  }
  if (const auto typed = typed_name(without_organisation(given))) {
    const std::string_view preset = preset_of(typed->base);
    const std::string here = preset.empty() ? ""
                                            : ", and " + std::string(preset) + " is " +
                                                  std::string(preset_type(preset)) + " here";
    return "unknown model " + in_quotes(given) + ": its name says " + std::string(typed->type) +
           here +
           "; give the path of its own config.json, safetensors or GGUF, which say how many bytes "
           "it takes";
  }
  if (std::string text = ollama_name(given); !text.empty()) return text;
  constexpr std::string_view not_there =
      "no such file or directory, and not in the Hugging Face cache";
  if (const std::string best = closest_model(given); !best.empty()) {
    return "unknown model " + in_quotes(given) + ": did you mean " + in_quotes(best) + "? (" +
           std::string(not_there) + ")";
  }
  if (given.find('/') != std::string_view::npos) {
    return "unknown model " + in_quotes(given) + ": " + std::string(not_there);
  }
  return unknown_name("model", given, preset_models()) + " (" + std::string(not_there) + ")";
}

}  // namespace offload
