// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iomanip>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bench/cli/checks.hpp"
#include "bench/cli/exit_code.hpp"
#include "bench/cli/help.hpp"
#include "bench/core/names.hpp"
#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/measure/suites.hpp"
#include "bench/record.hpp"
#include "offload/weights.hpp"

#include "offload/error.hpp"
#include "offload/units.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

using Texts = std::vector<std::string>;

template <typename Table>
std::vector<std::string_view> names_in(const Table& table) {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const auto& [name, value] : table) names.push_back(name);
  return names;
}

// --- Values --------------------------------------------------------------------------------------

/// Puts what `read` makes of a value in its place. What it throws is the error.
template <typename Read>
CLI::Validator reader(Read read) {
  return {[read](std::string& text) -> std::string {
            try {
              text = read(text);
              return "";
            } catch (const UsageError& error) {
              return error.what();
            }
          },
          ""};
}

CLI::Validator given() {
  return reader([](const std::string& text) {
    if (text.empty()) throw UsageError("needs a value");
    if (text.starts_with("--")) throw UsageError("needs a value, not the flag " + text);
    return text;
  });
}

/// From `min` to `max`, strictly read: no sign, no white space, nothing after it.
template <typename T>
CLI::Validator number(T min, T max) {
  return reader([=](const std::string& text) {
    const auto value = parse_number<T>(text);
    if (value && *value >= min && *value <= max) {
      return std::is_integral_v<T> ? std::to_string(*value) : text;  // without leading zeros
    }
    std::ostringstream why;
    why << std::setprecision(std::numeric_limits<double>::digits10) << "must be a "
        << (std::is_integral_v<T> ? "whole " : "") << "number from " << min << " to " << max
        << ", not " << in_quotes(text);
    throw UsageError(why.str());
  });
}

std::vector<std::string_view> engine_names() {
  std::vector<std::string_view> names{"any"};
  names.insert(names.end(), engines.begin(), engines.end());
  return names;
}

/// Bytes per second.
CLI::Validator rate() {
  return reader([](const std::string& text) {
    constexpr double least = 1e6;
    if (parse_rate(text) < least) {
      throw UsageError("must be a rate such as 25GB/s, not " + in_quotes(text) +
                       ": no machine is as slow");
    }
    std::ostringstream exact;
    exact << std::setprecision(std::numeric_limits<double>::max_digits10) << parse_rate(text);
    return exact.str();
  });
}

CLI::Validator whole_number(std::uint64_t min, std::uint64_t max) { return number(min, max); }

/// 0 to 1.5, in hundredths.
CLI::Validator skew() {
  return reader([](const std::string& text) {
    constexpr Parameter parameter{"skew", 0, 150, 0, Parameter::Unit::hundredths};
    const auto value = parameter.parse(text);
    if (value && parameter.allows(*value)) return std::to_string(*value);
    throw UsageError("must be a number from 0 to 1.5 with at most two decimals, not " +
                     in_quotes(text));
  });
}

CLI::Validator size(std::size_t max = std::numeric_limits<std::size_t>::max()) {
  return reader([=](const std::string& text) {
    const std::size_t bytes = parse_size(text);
    if (bytes > max) {
      throw UsageError("must be at most " + format_size(max) + ", not " + in_quotes(text));
    }
    return std::to_string(bytes);
  });
}

/// What a model may take.
CLI::Validator memory() {
  return reader([](const std::string& text) {
    constexpr std::size_t least = std::size_t{1} << 26;
    const std::size_t bytes = parse_size(text);
    if (bytes < least) {
      throw UsageError("must be a size such as 24GiB, not " + in_quotes(text) +
                       ": no model is as small");
    }
    return std::to_string(bytes);
  });
}

/// One of `known` in any case, as it is spelled there.
CLI::Validator name_among(const std::string& kind, std::vector<std::string_view> known) {
  return reader([kind, known = std::move(known)](const std::string& text) {
    return known_name(kind, text, known);
  });
}

/// One of each group: "uva", not its family's longer name.
std::string group_names() {
  std::vector<std::string_view> names;
  std::optional<Family> last;
  for (const PolicyGroup& group : policy_groups()) {
    if (group.family != last) names.push_back(group.name);
    last = group.family;
  }
  return joined(names, ", ");
}

// --- Flags and their help ------------------------------------------------------------------------

class HelpFormatter : public CLI::Formatter {
 public:
  /// The main program shows the flags of its first subcommand, the default.
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    const bool main = app->get_parent() == nullptr;
    const CLI::App* const command = main ? app->get_subcommand(0) : app;
    std::string text = make_description(app) + make_usage(app, std::move(name)) +
                       make_subcommands(app, mode) + make_positionals(command) +
                       make_groups(command, mode) + command->get_footer();
    for (std::size_t gap = 0; (gap = text.find("\n\n\n", gap)) != std::string::npos;) {
      text.erase(gap, 1);
    }
    return text;
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string text = "Usage: " + name + (app->get_parent() == nullptr ? " [command]" : "");
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) text += " " + option->get_name(true);
    }
    return text + " [flags]\n";
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty()) text += " [default: " + option->get_default_str() + "]";
    return wrap(text, 65);  // beside the 30 columns of the names
  }
};

/// Adds flags to a subcommand, under one heading of its help. `read` checks each value, and may put
/// another in its place; `fallback` is the default in words, where the value does not say it.
class Flags {
 public:
  Flags(CLI::App& command, std::string heading) : command_(command), heading_(std::move(heading)) {}

  /// At most once, with one value.
  template <typename T>
  void value(const std::string& flag, const std::string& placeholder, T& target,
             const std::string& description, const CLI::Validator& read = {},
             const std::string& fallback = "") const {
    CLI::Option* const option = command_.add_option(flag, target, description);
    if (fallback.empty()) option->capture_default_str();
    show(*option, placeholder, read, fallback);
  }

  /// One of the names in an enum's table.
  template <typename T, typename Table>
  void choice(const std::string& flag, T& target, const Table& table,
              const std::string& description, const std::string& fallback = "") const {
    const std::vector<std::string_view> names = names_in(table);
    const std::vector<std::pair<std::string, T>> values(table.begin(), table.end());
    CLI::Option* const option = command_.add_option(flag, target, description);
    option->transform(CLI::Transformer(values));  // after the check of the name
    show(*option, joined(names, "|"), name_among(flag.substr(2), names),
         fallback.empty() ? std::string(name_of(target, table)) : fallback);
  }

  /// Any number of times, each a list.
  template <typename T>
  void list(const std::string& flag, const std::string& placeholder, std::vector<T>& target,
            const std::string& description, const CLI::Validator& read = {},
            const std::string& fallback = "the suite's") const {
    CLI::Option* const option = command_.add_option(flag, target, description);
    option->delimiter(',')->allow_extra_args(false);
    show(*option, placeholder, read, fallback);
  }

  /// A list of what `parse` makes of an item: one value or several.
  template <typename T, typename Parse>
  void parsed_list(const std::string& flag, const std::string& placeholder, std::vector<T>& target,
                   const std::string& description, Parse parse, const std::string& fallback) const {
    const auto append = [&target, parse](const Texts& items) {
      for (const std::string& item : items) {
        for (T& value : parse(item)) target.push_back(std::move(value));
      }
    };
    const CLI::Validator check = reader([parse](const std::string& item) {
      static_cast<void>(parse(item));
      return item;
    });
    CLI::Option* const option = command_.add_option_function<Texts>(flag, append, description);
    option->delimiter(',')->allow_extra_args(false);
    show(*option, placeholder, check, fallback);
  }

  void toggle(const std::string& flag, bool& target, const std::string& description) const {
    command_.add_flag(flag, target, description + " [default: off]")->group(heading_);
  }

 private:
  void show(CLI::Option& option, const std::string& placeholder, const CLI::Validator& read,
            const std::string& fallback) const {
    if (!fallback.empty()) option.default_str(fallback);
    option.transform(read)->check(given())->option_text(placeholder)->group(heading_);
  }

  CLI::App& command_;
  std::string heading_;
};

void add_help(CLI::App& app) {
  // At once, so that they win over a bad value.
  app.add_flag_callback(
         "-h,--help", [] { throw CLI::CallForHelp(); }, "this text")
      ->trigger_on_parse();
  app.add_flag_callback(
         "--version", [] { throw CLI::CallForVersion("", 0); }, "version and build")
      ->trigger_on_parse();
}

// --- The command line ----------------------------------------------------------------------------

constexpr const char* what = "What is measured (a choice given here replaces the suite's)";
constexpr const char* how = "How it is measured";
constexpr const char* where = "Where results go";

class CommandLine {
 public:
  explicit CommandLine(const Catalog& catalog);
  std::variant<Options, EarlyExit> parse(Texts arguments);

 private:
  CLI::App& add_command(Action action, const std::string& description);
  void add_measuring(CLI::App& command);
  void add_selection(CLI::App& command);
  void add_model(CLI::App& command, const std::string& heading);
  void add_question(CLI::App& command);
  void add_rates(CLI::App& command);
  void add_offloading(CLI::App& command);
  void add_tuning(CLI::App& command);
  void add_method(CLI::App& command);
  void add_gpu(CLI::App& command);
  void add_oversubscription(CLI::App& command);
  void add_output_file(CLI::App& command);
  void add_view(CLI::App& command);
  void add_outputs(CLI::App& command);
  void add_redact(CLI::App& command);

  void parse_flags(Texts arguments);
  void finish(const CLI::App& command, const Texts& arguments);
  void take_extras(const CLI::App& command);
  void take_suite_defaults(const CLI::App& command);

  const Catalog& catalog_;
  Options options_;
  bool plan_only_ = false;  // of memory-cost
  CLI::App app_{"Measures ways for a GPU to read model weights that live in host memory.",
                "offload_bench"};
};

CommandLine::CommandLine(const Catalog& catalog) : catalog_(catalog) {
  app_.set_help_flag("");
  app_.formatter(std::make_shared<HelpFormatter>());
  app_.require_subcommand(1);
  add_help(app_);
  add_measuring(add_command(Action::run, "measure; the default, and may be left out"));
  add_measuring(
      add_command(Action::plan, "what a run with the same flags would measure, and take"));
  CLI::App& explain =
      add_command(Action::explain, "measure one case and say why it is as fast as it is");
  explain.add_option("CASE", options_.explain, "named as in plans and results")->type_name("");
  add_measuring(explain);
  add_command(Action::list, "policies, workloads, weights and suites by name");
  CLI::App& platform = add_command(Action::platform, "the machine, as JSON");
  add_gpu(platform);
  add_redact(platform);
  CLI::App& doctor = add_command(
      Action::doctor, "what makes this machine offload weights more slowly than it could");
  add_gpu(doctor);
  add_output_file(doctor);
  add_view(doctor);
  doctor.footer("\nExit code: 0 with nothing to look at, 1 with something.\n");
  CLI::App& advise =
      add_command(Action::advise, "which way to run a model on a machine, and what to type");
  add_question(advise);
  add_rates(advise);
  add_gpu(advise);
  add_output_file(advise);
  add_view(advise);
  CLI::App& cost = add_command(Action::memory_cost,
                               "what each allocator really takes for the tensors of a model");
  add_model(cost, "What is measured");
  add_offloading(cost);
  add_gpu(cost);
  add_oversubscription(cost);
  add_outputs(cost);
  Flags(cost, how).toggle("--plan", plan_only_,
                          "say what would be allocated, and allocate nothing");
}

CLI::App& CommandLine::add_command(Action action, const std::string& description) {
  CLI::App& command = *app_.add_subcommand(std::string(name(action)), description);
  command.group("Commands")->allow_extras();
  add_help(command);
  return command;
}

void CommandLine::add_measuring(CLI::App& command) {
  add_selection(command);
  add_model(command, what);
  add_offloading(command);
  add_tuning(command);
  add_method(command);
  add_gpu(command);
  add_oversubscription(command);
  add_outputs(command);
  command.footer(help_footer());
}

void CommandLine::add_selection(CLI::App& command) {
  const Flags flags(command, what);
  const auto label = reader([known = catalog_.workload_names()](const std::string& text) {
    const auto [name, parameter, value] = split_label(text);
    const std::string workload = known_name("workload", name, known);
    return parameter.empty() ? workload : label_of(workload, to_lower(parameter), value);
  });
  const auto tensor = [](const std::string& text) { return std::vector{parse_tensor(text)}; };
  const auto start = [](const std::string& text) {
    return std::vector{*parse_start(known_name("start", text, start_names))};
  };
  flags.value("--suite", "NAME", options_.suite,
              "a named selection, see the command list: " + joined(suite_names(), ", "),
              name_among("suite", suite_names()));
  flags.list("--policies", "NAME,...", options_.policies,
             "where weights live and how the GPU gets them; groups: " + group_names(),
             name_among("policy", catalog_.policy_choices()), "all");
  flags.list("--workloads", "NAME,...", options_.workloads, "who reads the weights", label);
  flags.list("--tokens", "N,...", options_.tokens,
             "of the workloads that multiply many, such as 1,512,8192", whole_number(1, 65536));
  flags.parsed_list("--chunks", "SIZE,...", options_.chunks,
                    "read at a time by row_gather, such as 512,4KiB or 512..2MiB*8", parse_sizes,
                    "the suite's");
  flags.list("--skew", "X,...", options_.skews,
             "0 to 1.5: of the routing that expert_gather follows, 0 is even", skew());
  flags.list("--weights", "NAME,...", options_.weights,
             "weights of real models: MODEL, MODEL.PROJECTION or MODEL.PROJECTION.DTYPE");
  flags.parsed_list("--tensor", "NAME:ROWSxCOLS:DTYPE,...", options_.tensors,
                    "a weight of your own, row-major", tensor, "none");
  flags.parsed_list("--sizes", "SIZE,...", options_.sizes,
                    "plain sizes such as 64MiB, and ranges such as 64KiB..4GiB*4; K, M and G are "
                    "powers of 1024",
                    parse_sizes, "the suite's");
  flags.parsed_list("--start", "cold,warm,steady", options_.starts,
                    "state before a pass; policies for which cold and warm are the same stay in",
                    start, "all");
}

void CommandLine::add_model(CLI::App& command, const std::string& heading) {
  const Flags flags(command, heading);
  flags.list("--model", "NAME,...", options_.models,
             "a model: a short name, a Hugging Face id (also of the local cache), or the path of a "
             "config.json, safetensors, GGUF or their directory");
}

void CommandLine::add_question(CLI::App& command) {
  const Flags flags(command, "What is asked");
  AdviseOptions& asked = options_.advise;
  flags.list("--model", "NAME", options_.models,
             "a short name, a Hugging Face id (also of the local cache), or the path of a "
             "config.json, safetensors, GGUF or their directory",
             {}, "none; it is needed");
  flags.value("--gpu-memory", "SIZE", asked.gpu_memory, "that the model may take", memory(),
              "all of the GPU");
  flags.value("--host-memory", "SIZE", asked.host_memory, "likewise", memory(), "all of the host");
  flags.value("--context", "N", asked.context, "tokens of each sequence, in the KV cache",
              whole_number(1, 100'000'000));
  flags.value("--batch", "N", asked.batch, "sequences that are decoded at once",
              whole_number(1, 256));
  flags.value("--prompt", "N", asked.prompt, "tokens of each prompt", whole_number(1, 10'000'000));
  flags.value("--engine", "NAME", asked.engine,
              "whose settings are tried: " + joined(engine_names(), ", ") +
                  "; any also tries what no engine has",
              name_among("engine", engine_names()));
  flags.list("--policies", "NAME,...", options_.policies, "only these; groups: " + group_names(),
             name_among("policy", catalog_.policy_choices()), "all");
}

void CommandLine::add_rates(CLI::App& command) {
  const Flags flags(command,
                    "Where rates come from (default: this machine's, calibrated and kept)");
  AdviseOptions& asked = options_.advise;
  flags.value("--platform", "NAME", asked.platform,
              "a results file of this program, or a machine that others have measured: " +
                  joined(shipped_machines(), ", "),
              {}, "this machine");
  flags.value("--link", "RATE", asked.link, "copies to the GPU, such as 25GB/s", rate(), "none");
  flags.value("--host-read", "RATE", asked.host_read, "of host memory by the CPU, such as 60GB/s",
              rate(), "none");
  flags.value("--hbm", "RATE", asked.hbm, "of GPU memory, such as 1008GB/s", rate(), "none");
  flags.value("--tflops", "X", asked.tflops, "dense 16-bit products by the GPU", number(0.001, 1e6),
              "none");
  flags.toggle("--recalibrate", asked.recalibrate, "measure again, whatever is kept");
  flags.toggle("--verify", asked.verify,
               "measure the three best here, and say what was predicted beside it");
}

void CommandLine::add_offloading(CLI::App& command) {
  const Flags flags(
      command,
      "What of a model is offloaded (as the engines' flags of the same names; default: all)");
  OffloadRules& rules = options_.rules;
  flags.value("--cpu-offload-gb", "X", rules.cpu_offload_gb, "GiB of the first layers' weights",
              number(0.0, 1e6), "none");
  flags.list("--cpu-offload-params", "SEGMENTS,...", rules.cpu_offload_params,
             "only parameters of these names", {}, "all");
  flags.value("--offload-group-size", "G", rules.group_size,
              "of each G layers the last are offloaded", whole_number(1, 100'000), "none");
  flags.value("--offload-num-in-group", "N", rules.num_in_group, "how many of each group",
              whole_number(1, 100'000));
  flags.list("--offload-params", "SEGMENTS,...", rules.offload_params,
             "of those layers, only parameters of these names", {}, "all");
  flags.value("--n-cpu-moe", "N", rules.n_cpu_moe, "the experts of the first N layers",
              whole_number(0, 100'000), "none");
  flags.value("--n-gpu-layers", "N", rules.n_gpu_layers,
              "as llama.cpp's -ngl, which may be written too: all layers but the last N - 1, for "
              "the output layer counts",
              whole_number(0, 100'000), "none");
  flags.toggle("--checkpoint-shapes", options_.checkpoint_shapes,
               "the checkpoint's own tensors instead of the fused ones of vLLM");
  flags.value("--slice", "SIZE", options_.slice_bytes,
              "measure evenly chosen layers with about this much offloaded", size(),
              format_size(options_.slice_bytes));
}

void CommandLine::add_tuning(CLI::App& command) {
  const Flags flags(command, "What policies are given (default: chosen by the calibration)");
  constexpr std::size_t max_panel = std::size_t{1} << 40;  // beyond any GPU
  Tuning& tuning = options_.tuning;
  flags.value("--offload-prefetch-step", "S", tuning.prefetch_step,
              "layers that prefetching policies run ahead, units of a window", whole_number(1, 64));
  flags.value("--panel", "SIZE", tuning.panel_bytes,
              "of one slot of a ring (pinned_ring_copy, hybrid_split), one unit of a window",
              size(max_panel), "by calibration; 64MiB of a window");
  flags.value("--slots", "N", tuning.slots, "of the ring", whole_number(1, 64));
  flags.value("--host-share", "F", tuning.host_share,
              "0 to 1: the rows hybrid_split leaves to the CPU", number(0.0, 1.0), "by trying");
}

void CommandLine::add_method(CLI::App& command) {
  const Flags flags(command, how);
  const Suite& suite = find_suite(options_.suite);
  const auto of_suite = [&](const std::string& value) {
    return "the suite's: " + value + " for " + options_.suite;
  };
  flags.value("--samples", "N", options_.samples, "timed samples per case; 3 or more show a spread",
              whole_number(1, 1'000'000), of_suite(std::to_string(suite.samples)));
  flags.value("--threads", "N", options_.threads,
              "host threads; 0 is every core this process may use", whole_number(0, 4096));
  flags.value("--seed", "N", options_.seed, "of the weights' content",
              whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  flags.toggle("--graph", options_.graph,
               "capture each pass in a CUDA graph where the policy can be");
  flags.choice("--evidence", options_.evidence, evidence_level_names,
               "passes of their own that show what driver and hardware did; all includes energy",
               of_suite(std::string(name(suite.evidence))));
  flags.value("--passes", "N", options_.passes,
              "also read each case N times in a row and keep every pass", whole_number(1, 10'000),
              "none");
  flags.toggle("--limits", options_.limits,
               "also compare with the physical limits and bare copies");
  flags.toggle("--memory-cost", options_.host_memory_cost,
               "also measure what the command memory-cost does, after the cases");
}

void CommandLine::add_gpu(CLI::App& command) {
  const Flags flags(command, how);
  flags.value("--gpu", "N", options_.gpu, "index of the GPU", whole_number(0, 1023));
}

void CommandLine::add_oversubscription(CLI::App& command) {
  const Flags flags(command, how);
  flags.toggle("--allow-oversubscription", options_.allow_oversubscription,
               "let managed and system memory exceed the GPU's; hangs some systems");
}

void CommandLine::add_output_file(CLI::App& command) {
  const Flags flags(command, where);
  flags.value("--output", "FILE", options_.output, "results as JSON; - is stdout", {}, "none");
}

void CommandLine::add_view(CLI::App& command) {
  const Flags flags(command, where);
  flags.choice("--format", options_.format, format_names, "of the summary on stdout");
  flags.choice("--progress", options_.progress, progress_names,
               "on stderr; auto is on a terminal only");
}

void CommandLine::add_outputs(CLI::App& command) {
  const Flags flags(command, where);
  add_output_file(command);
  flags.value("--ci-json", "FILE", options_.ci_json, "one median row per case, for CI services", {},
              "none");
  add_view(command);
  add_redact(command);
  flags.toggle("--strict", options_.strict,
               "exit with " + std::to_string(exit_strict_skips) + " if a case was skipped");
}

void CommandLine::add_redact(CLI::App& command) {
  const Flags flags(command, where);
  flags.toggle("--redact", options_.redact,
               "leave host name, serial numbers, paths and environment out");
}

/// Other words are looked at where flags are: they stand in a wrong place, whatever they mean.
void refuse_unknown_command(const std::string& word,
                            const std::vector<std::string_view>& commands) {
  const bool is_word = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos &&
                       !word.starts_with("-");
  if (!is_word || word.empty()) return;
  throw UsageError(unknown_name("command", word, commands));
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

std::variant<Options, EarlyExit> CommandLine::parse(Texts arguments) {
  spell_out(arguments);
  const std::vector<std::string_view> commands = names_in(action_names);
  const std::string first = arguments.empty() ? "" : arguments.front();
  const bool is_command = std::ranges::find(commands, first) != commands.end();
  const bool is_about = first == "-h" || first == "--help" || first == "--version";
  if (!is_command && !is_about) {
    refuse_unknown_command(first, commands);
    arguments.insert(arguments.begin(), std::string(name(Action::run)));
  }
  try {
    parse_flags(arguments);
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{app_.help()};
  } catch (const CLI::CallForVersion&) {
    return EarlyExit{version_text(build_info())};
  }
  finish(*app_.get_subcommands().front(), arguments);
  return options_;
}

void CommandLine::parse_flags(Texts arguments) {
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    app_.parse(std::move(arguments));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--flag: what the library misses"
    const std::string flag = text.substr(0, text.find(':'));
    const CLI::Option* const option = app_.get_subcommands().front()->get_option_no_throw(flag);
    const bool repeated = option != nullptr && option->count() > 1;
    throw UsageError(flag + (repeated ? ": was given more than once" : ": needs a value"));
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

bool is_given(const CLI::App& command, const std::string& flag) {
  const CLI::Option* const option = command.get_option_no_throw(flag);
  return option != nullptr && option->count() > 0;
}

/// CLI11 passes over them. An item may be empty because a shell variable is: say so.
void refuse_empty_items(const CLI::App& command, const Texts& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string flag = arguments[i].substr(0, equals);
    const CLI::Option* const option = command.get_option_no_throw(flag);
    if (option == nullptr || option->get_delimiter() != ',') continue;
    const bool attached = equals != std::string::npos;
    const std::string list = attached ? arguments[i].substr(equals + 1) : arguments[++i];
    if (list.starts_with(',') || list.ends_with(',') || list.find(",,") != std::string::npos) {
      throw UsageError(flag + ": has an empty item in " + in_quotes(list));
    }
  }
}

void CommandLine::finish(const CLI::App& command, const Texts& arguments) {
  for (const auto& [name, action] : action_names) {
    if (command.get_name() == name) options_.action = action;
  }
  take_extras(command);
  refuse_empty_items(command, arguments);
  take_suite_defaults(command);
  options_.rules.prefetch_step = options_.tuning.prefetch_step;
  check_options(options_);
  if (options_.action != Action::memory_cost) return;
  options_.host_memory_cost = true;
  options_.cases = false;
  if (plan_only_) options_.action = Action::plan;
}

/// What is not ours is Google Benchmark's, where it runs.
void CommandLine::take_extras(const CLI::App& command) {
  Texts known;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  options_.benchmark_flags = take_benchmark_flags(command.remaining(), known);
  if (options_.benchmark_flags.empty() || command.get_option_no_throw("--suite")) return;
  throw UsageError(command.get_name() + " does not take " + options_.benchmark_flags.front());
}

void CommandLine::take_suite_defaults(const CLI::App& command) {
  const Suite& suite = find_suite(options_.suite);
  if (!is_given(command, "--samples")) options_.samples = suite.samples;
  if (is_given(command, "--evidence")) return;
  options_.evidence = options_.action == Action::explain ? EvidenceLevel::all : suite.evidence;
}

}  // namespace

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv,
                                                    const Catalog& catalog) {
  return CommandLine(catalog).parse(Texts(argv + std::min(argc, 1), argv + argc));
}

}  // namespace offload
