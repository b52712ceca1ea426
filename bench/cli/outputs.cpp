// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/outputs.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/models/load.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

struct Output {
  std::string option;
  std::string path;
};

/// Google Benchmark's own file is one of them, whoever names it.
std::vector<Output> outputs_of(const Options& options) {
  constexpr std::string_view flag = "--benchmark_out=";
  std::vector<Output> outputs{{"--output", options.output}, {"--ci-json", options.ci_json}};
  bool named = false;
  for (const std::string& given : options.benchmark_flags) {
    if (!given.starts_with(flag)) continue;
    outputs.push_back({"--benchmark_out", given.substr(flag.size())});
    named = true;
  }
  const bool measures = options.action == Action::run || options.action == Action::explain;
  if (measures && !named) {
    outputs.push_back({"BENCHMARK_OUT in the environment", process_environment("BENCHMARK_OUT")});
  }
  std::erase_if(outputs, [](const Output& output) { return output.path.empty(); });
  return outputs;
}

/// Through links, without a slash at its end; as it is where it cannot be followed.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) return path;
  return whole.has_filename() ? whole : whole.parent_path();
}

/// However each is spelled. Devices and pipes take both, one after the other.
bool same_file(const std::string& one, const std::string& other) {
  if (one.empty() || other.empty()) return false;
  if (one == other) return true;
  if (one == "-" || other == "-") return false;
  std::error_code error;
  const fs::path whole = resolved(one);
  return whole == resolved(other) && !fs::is_other(whole, error);
}

/// Where the files of a model lie that was given as one of them, a folder, or an id in the cache.
fs::path folder_of(const std::string& model) {
  std::error_code error;
  if (fs::is_regular_file(model, error)) return fs::absolute(model, error).parent_path();
  if (fs::exists(model, error)) return model;
  try {
    const std::optional<ModelFiles> files = find_model_files(model);
    if (!files) return model;
    if (files->config) return files->config->parent_path();
    if (files->index) return files->index->parent_path();
    return files->gguf ? files->gguf->parent_path() : files->safetensors.front().parent_path();
  } catch (const UsageError&) {
    return model;  // what is wrong with it is said where it is read
  }
}

/// By its name, as models are read from.
bool is_file_of_models(const fs::path& path) {
  constexpr std::array<std::string_view, 4> names{"config.json", "hf_quant_config.json",
                                                  "quantize_config.json", "quant_config.json"};
  const std::string name = path.filename();
  const auto is_end = [&name](std::string_view end) { return name.ends_with(end); };
  return std::ranges::find(names, name) != names.end() || is_end(".safetensors") ||
         is_end(".safetensors.index.json") || is_end(".gguf");
}

/// Whether `path` is a file that `model` is read from: itself, or one of its folder, where a link
/// may stand for it, or to where one may lead.
bool is_of_model(const std::string& path, const std::string& model) {
  if (same_file(path, model)) return true;
  const fs::path folder = resolved(folder_of(model));
  std::error_code error;
  const std::array<fs::path, 2> names{fs::absolute(path, error), resolved(path)};
  return std::ranges::any_of(names, [&folder](const fs::path& name) {
    return is_file_of_models(name) && resolved(name.parent_path()) == folder;
  });
}

bool is_input(const std::string& path, const Options& options) {
  return same_file(path, options.advise.platform) ||
         std::ranges::any_of(options.models, [&path](const std::string& model) {
           return is_of_model(path, model);
         });
}

/// Whether `other` is what `path` keeps beside itself until it is whole.
bool is_beside(const std::string& other, const std::string& path) {
  if (path == "-") return false;
  const std::string whole = resolved(path);
  return same_file(other, whole + ".part") || same_file(other, whole + ".journal");
}

void refuse_conflict(const Output& one, const Output& other) {
  if (same_file(one.path, other.path)) {
    throw UsageError(one.option + " and " + other.option + " would both write to " +
                     in_quotes(one.path) + ": give them different files");
  }
  if (is_beside(other.path, one.path) || is_beside(one.path, other.path)) {
    throw UsageError(one.option + ' ' + in_quotes(one.path) + " and " + other.option + ' ' +
                     in_quotes(other.path) +
                     ": one is what the other is called while it is written: give another file");
  }
}

}  // namespace

void check_outputs(const Options& options) {
  const std::vector<Output> outputs = outputs_of(options);
  for (auto one = outputs.begin(); one != outputs.end(); ++one) {
    if (is_input(one->path, options)) {
      throw UsageError(one->option + ' ' + in_quotes(one->path) +
                       " is, or belongs to, what this command reads, and would be replaced: give "
                       "another file");
    }
    for (auto other = one + 1; other != outputs.end(); ++other) refuse_conflict(*one, *other);
  }
}

}  // namespace offload
