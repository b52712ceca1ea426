// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/checks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "bench/cli/benchmark_flags.hpp"
#include "bench/cli/outputs.hpp"
#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/models/load.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// Google Benchmark's flags that are most used: what a misspelled one is compared with.
constexpr std::array<std::string_view, 7> benchmark_flags{
    "--benchmark_filter",     "--benchmark_format", "--benchmark_list_tests",
    "--benchmark_min_time",   "--benchmark_out",    "--benchmark_out_format",
    "--benchmark_repetitions"};

/// What became of the flags that used to stand for commands.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> former_flags{
    {{"--list", "list"},
     {"--dry-run", "plan"},
     {"--explain", "explain CASE"},
     {"--print-platform", "platform"},
     {"--host-memory-cost", "memory-cost"}}};

[[noreturn]] void refuse(const std::string& argument, const std::vector<std::string>& known) {
  for (const auto& [name, action] : action_names) {
    if (argument == name) throw UsageError("the command " + argument + " must come first");
  }
  if (!argument.starts_with("-")) {
    throw UsageError("unexpected argument " + in_quotes(argument) +
                     ": every argument belongs to a --flag");
  }
  const std::string flag = argument.substr(0, argument.find('='));
  for (const auto& [former, command] : former_flags) {
    if (flag != former) continue;
    throw UsageError(flag + " is a command now: offload_bench " + std::string(command));
  }
  std::vector<std::string_view> candidates(known.begin(), known.end());
  candidates.insert(candidates.end(), benchmark_flags.begin(), benchmark_flags.end());
  const std::string_view best = closest(flag, candidates);
  throw UsageError(
      "unknown flag " + flag +
      (best.empty() ? ": --help lists all of them" : ": did you mean " + std::string(best) + "?"));
}

void check_evidence(const Options& options) {
  if (options.evidence != EvidenceLevel::none) return;
  if (options.action == Action::explain) {
    throw UsageError("explain reports the evidence: leave out --evidence none");
  }
  if (options.passes > 0) {
    throw UsageError("--passes is a part of the evidence: leave out --evidence none");
  }
}

void check_content(const Options& options) {
  if (options.content == ContentOf::generated) return;
  if (options.models.empty()) {
    throw UsageError("--content model is about the files of a model: give --model their path");
  }
  if (!options.weights.empty() || !options.tensors.empty() || !options.sizes.empty()) {
    throw UsageError(
        "--content model: what --weights, --tensor and --sizes name has no files; leave them out");
  }
}

void check_gpus(const Options& options) {
  if (options.gpus.empty()) return;
  if (options.gpu_given) throw UsageError("--gpu and --gpus: give one of them");
  if (options.action == Action::explain) {
    throw UsageError("explain is about one GPU: give --gpu instead of --gpus");
  }
}

/// What Google Benchmark writes by itself names the host, and nothing of ours comes in between.
void check_redaction(const Options& options) {
  if (!options.redact) return;
  const std::string beyond = "--redact does not reach what Google Benchmark writes itself: ";
  const auto writes = [](const std::string& flag) {
    return flag.starts_with("--benchmark_out=") || flag.starts_with("--benchmark_format=");
  };
  const auto found = std::ranges::find_if(options.benchmark_flags, writes);
  if (found != options.benchmark_flags.end()) {
    throw UsageError(beyond + "give --output or --ci-json instead of " + *found);
  }
  if (!process_environment("BENCHMARK_OUT").empty()) {
    throw UsageError(beyond + "unset BENCHMARK_OUT");
  }
}

}  // namespace

void refuse_unknown_command(const std::string& word,
                            const std::vector<std::string_view>& commands) {
  const bool is_word = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos &&
                       !word.starts_with("-");
  if (!is_word || word.empty()) return;
  throw UsageError(unknown_name("command", word, commands));
}

void refuse_empty_items(const std::vector<std::string>& lists,
                        const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string flag = arguments[i].substr(0, equals);
    if (std::ranges::find(lists, flag) == lists.end()) continue;
    const bool attached = equals != std::string::npos;
    const std::string list = attached ? arguments[i].substr(equals + 1) : arguments[++i];
    if (list.starts_with(',') || list.ends_with(',') || list.find(",,") != std::string::npos) {
      throw UsageError(flag + ": has an empty item in " + in_quotes(list));
    }
  }
}

std::vector<std::string> take_benchmark_flags(const std::vector<std::string>& arguments,
                                              const std::vector<std::string>& known) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with("--benchmark_") && !argument.starts_with("--v=")) {
      refuse(argument, known);
    }
    check_benchmark_flag(argument);
    const bool has_value = argument.find('=') != std::string::npos;
    if (has_value || i + 1 == arguments.size() || arguments[i + 1].starts_with("-")) continue;
    throw UsageError("write " + argument + "=" + arguments[i + 1] + ", with an equals sign");
  }
  return arguments;
}

void check_options(const Options& options) {
  if (options.action == Action::explain && options.explain.empty()) {
    throw UsageError(
        "explain needs a case: <workload>/<policy>/<weights>/<start>, as plan and the results "
        "list them");
  }
  if (options.quiet && options.progress == Progress::always) {
    throw UsageError("--quiet writes no progress: leave out --progress always");
  }
  check_evidence(options);
  check_content(options);
  check_gpus(options);
  check_outputs(options);
  check_redaction(options);
}

}  // namespace offload
