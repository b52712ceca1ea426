// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/command_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/cli/checks.hpp"
#include "bench/cli/completion.hpp"
#include "bench/cli/flags/groups.hpp"
#include "bench/cli/help.hpp"
#include "bench/cli/man_page.hpp"
#include "bench/cli/parser.hpp"
#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/measure/suites.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using Texts = std::vector<std::string>;

bool contains(const Texts& flags, std::string_view flag) {
  return std::ranges::find(flags, flag) != flags.end();
}

/// llama.cpp's own spellings of flags that are called as its long ones.
void spell_out(Texts& arguments) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> spellings{
      {{"-ngl", "--n-gpu-layers"}, {"--gpu-layers", "--n-gpu-layers"}, {"-ncmoe", "--n-cpu-moe"}}};
  for (std::string& argument : arguments) {
    for (const auto& [short_form, flag] : spellings) {
      const std::size_t end = std::min(argument.find('='), argument.size());
      if (argument.substr(0, end) == short_form) argument.replace(0, end, flag);
    }
  }
}

class CommandLine {
 public:
  explicit CommandLine(const Catalog& catalog);
  std::variant<Options, EarlyExit> parse(Texts arguments);

 private:
  CLI::App& add_command(Action action, const std::string& description,
                        const std::string& footer = "");
  CLI::App& add_measuring(Action action, const std::string& description);
  void add_doctor();
  void add_advise();
  void add_memory_cost();
  void refuse_what_names_weights(const Typed& typed);

  std::optional<std::string> to_install(const Texts& arguments) const;
  void finish(const Typed& typed, const Texts& arguments);
  void take_extras(const Typed& typed);
  void take_suite_defaults(const Typed& typed);

  const Catalog& catalog_;
  Options options_;
  bool plan_only_ = false;  // of memory-cost
  Parser parser_{"Measures ways for a GPU to read model weights that live in host memory.",
                 "offload_bench"};
};

CommandLine::CommandLine(const Catalog& catalog) : catalog_(catalog) {
  add_measuring(Action::run, "measure; the default, and may be left out");
  add_measuring(Action::plan, "what a run with the same flags would measure, and take");
  CLI::App& explain =
      add_measuring(Action::explain, "measure one case and say why it is as fast as it is");
  Parser::add_positional(explain, "CASE", options_.explain, "named as in plans and results");
  add_command(Action::list, "policies, workloads, weights and suites by name");
  CLI::App& platform = add_command(Action::platform, "the machine, as JSON");
  add_gpu(platform, options_);
  add_redact(platform, options_);
  add_doctor();
  add_advise();
  add_memory_cost();
}

CLI::App& CommandLine::add_command(Action action, const std::string& description,
                                   const std::string& footer) {
  return parser_.add_command(std::string(name(action)), description, footer);
}

CLI::App& CommandLine::add_measuring(Action action, const std::string& description) {
  CLI::App& command = add_command(action, description, help_footer());
  add_selection(command, options_, catalog_);
  add_model(command, what, options_);
  add_experts_per_token(command, what, options_);
  add_offloading(command, options_);
  add_tuning(command, options_);
  add_method(command, options_);
  add_gpu(command, options_);
  add_gpus(command, options_);
  add_beside(command, options_);
  add_oversubscription(command, options_);
  add_outputs(command, options_, format_names);
  return command;
}

void CommandLine::add_doctor() {
  CLI::App& command = add_command(
      Action::doctor, "what makes this machine offload weights more slowly than it could",
      "\nExit code: 0 with nothing to look at, 1 with something.\n");
  add_gpu(command, options_);
  add_output_file(command, options_);
  add_view(command, options_, formats_without_cases);
}

void CommandLine::add_advise() {
  CLI::App& command =
      add_command(Action::advise, "which way to run a model on a machine, and what to type");
  add_question(command, options_, catalog_);
  add_rates(command, options_);
  add_gpu(command, options_);
  add_output_file(command, options_);
  add_view(command, options_, formats_of_advice);
}

void CommandLine::add_memory_cost() {
  CLI::App& command = add_command(Action::memory_cost,
                                  "what each allocator really takes for the tensors of a model");
  add_model(command, "What is measured", options_);
  add_offloading(command, options_);
  add_gpu(command, options_);
  add_oversubscription(command, options_);
  add_outputs(command, options_, formats_without_cases);
  add_loading(command, options_);
  add_plan_only(command, plan_only_);
}

/// What packages put beside the program: no part of any command.
std::optional<std::string> CommandLine::to_install(const Texts& arguments) const {
  const std::string first = arguments.empty() ? "" : arguments.front();
  if (first == "--man" && arguments.size() == 1) return man_page(parser_.help(), build_info());
  constexpr std::string_view flag = "--completion";
  if (first.substr(0, first.find('=')) != flag) return std::nullopt;
  std::string shell;
  if (first.size() > flag.size()) {
    shell = first.substr(flag.size() + 1);
  } else if (arguments.size() == 2) {
    shell = arguments.back();
  }
  return completion_for(known_name("shell", shell, completed_shells()), parser_.help());
}

std::variant<Options, EarlyExit> CommandLine::parse(Texts arguments) {
  if (auto text = to_install(arguments)) return EarlyExit{std::move(*text)};
  spell_out(arguments);
  const std::vector<std::string_view> commands = names_in(action_names);
  const std::string first = arguments.empty() ? "" : arguments.front();
  const bool is_command = std::ranges::find(commands, first) != commands.end();
  const bool is_about = first == "-h" || first == "--help" || first == "--version";
  if (!is_command && !is_about) {
    refuse_unknown_command(first, commands);
    arguments.insert(arguments.begin(), std::string(name(Action::run)));
  }
  const std::variant<Typed, std::string> parsed = parser_.parse(arguments);
  if (const auto* const text = std::get_if<std::string>(&parsed)) return EarlyExit{*text};
  finish(std::get<Typed>(parsed), arguments);
  return options_;
}

void CommandLine::finish(const Typed& typed, const Texts& arguments) {
  for (const auto& [name, action] : action_names) {
    if (typed.command == name) options_.action = action;
  }
  take_extras(typed);
  refuse_empty_items(typed.lists, arguments);
  take_suite_defaults(typed);
  options_.gpu_given = contains(typed.given, "--gpu");
  options_.rules.prefetch_step = options_.tuning.prefetch_step;
  check_options(options_);
  if (options_.quiet) options_.progress = Progress::never;
  if (options_.action != Action::memory_cost) return;
  if (options_.loading) refuse_what_names_weights(typed);
  options_.host_memory_cost = !options_.loading;
  options_.cases = false;
  if (plan_only_) options_.action = Action::plan;
}

/// A file of one's own has no tensors to choose.
void CommandLine::refuse_what_names_weights(const Typed& typed) {
  for (const char* flag : {"--model", "--slice", "--checkpoint-shapes"}) {
    if (!contains(typed.given, flag)) continue;
    throw UsageError(std::string("--loading loads a file of its own: leave out ") + flag);
  }
  if (options_.rules.any()) {
    throw UsageError("--loading loads a file of its own: leave out what says what is offloaded");
  }
}

/// What is not ours is Google Benchmark's, where it runs.
void CommandLine::take_extras(const Typed& typed) {
  options_.benchmark_flags = take_benchmark_flags(typed.extras, typed.known);
  if (options_.benchmark_flags.empty() || contains(typed.known, "--suite")) return;
  throw UsageError(typed.command + " does not take " + options_.benchmark_flags.front());
}

void CommandLine::take_suite_defaults(const Typed& typed) {
  const Suite& suite = find_suite(options_.suite);
  if (!contains(typed.given, "--samples")) options_.samples = suite.samples;
  if (contains(typed.given, "--evidence")) return;
  options_.evidence = options_.action == Action::explain ? EvidenceLevel::all : suite.evidence;
}

}  // namespace

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv,
                                                    const Catalog& catalog) {
  try {
    return CommandLine(catalog).parse(Texts(argv + std::min(argc, 1), argv + argc));
  } catch (const UsageError& error) {
    throw UsageError(printable(error.what()));  // it may say what was typed
  }
}

}  // namespace offload
