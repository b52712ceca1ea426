// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/cli/exit_code.hpp"
#include "bench/cli/help.hpp"
#include "bench/cli/option_values.hpp"
#include "bench/core/names.hpp"
#include "bench/measure/one_case.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/presets.hpp"
#include "bench/record.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 4> formats{
    {{"table", Format::table}, {"md", Format::md}, {"csv", Format::csv}, {"json", Format::json}}};
constexpr std::array<std::pair<std::string_view, EvidenceLevel>, 3> evidence_levels{
    {{"none", EvidenceLevel::none}, {"quick", EvidenceLevel::quick}, {"all", EvidenceLevel::all}}};
constexpr std::array<std::pair<std::string_view, Progress>, 3> progresses{
    {{"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}}};

/// Google Benchmark's flags that are most used: what a misspelt one is compared with.
constexpr std::array<std::string_view, 7> benchmark_flags{
    "--benchmark_filter",     "--benchmark_format", "--benchmark_list_tests",
    "--benchmark_min_time",   "--benchmark_out",    "--benchmark_out_format",
    "--benchmark_repetitions"};

template <typename T>
std::vector<std::string_view> names_of(const std::vector<std::unique_ptr<T>>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const auto& entry : entries) names.push_back(entry->name());
  return names;
}

bool is_benchmark_flag(std::string_view text) {
  return text.substr(0, 12) == "--benchmark_" || text.substr(0, 4) == "--v=";
}

/// Collects values while CLI11 parses and reads them afterwards, so that --help wins over a bad
/// value, and a misspelt flag is reported before what follows from it.
class CommandLine {
 public:
  explicit CommandLine(const Catalog& catalog) : catalog_(catalog) {
    app_.set_help_flag("");
    app_.allow_extras();
    add_what();
    add_offloading();
    add_tuning();
    add_how();
    add_where();
    add_instead();
  }

  std::variant<Options, EarlyExit> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string text = error.what();  // "--flag: what the library misses"
      throw UsageError(text.substr(0, text.find(':')) + " needs a value");
    } catch (const CLI::ParseError& error) {
      throw UsageError(error.what());
    }
    if (help_) return EarlyExit{help_text(sections_)};
    if (version_) return EarlyExit{version_text(build_info())};
    take_extras(app_.remaining());
    for (const auto& read : pending_) read();
    if (!samples_given_) options_.samples = find_suite(options_.suite).samples;
    choose_evidence();
    if (!options_.explain.empty()) select_one_case(options_, catalog_);
    choose_action();
    check_outputs();
    options_.cases = !options_.host_memory_cost || selects_cases();
    // Names that no suite or preset has end here.
    if (options_.cases) static_cast<void>(select_weights(options_, catalog_));
    return options_;
  }

 private:
  using Read = std::function<void(const std::string&)>;

  void section(const std::string& title) { sections_.push_back({title, {}}); }

  void document(const std::string& flag, const std::string& description,
                const std::string& fallback) {
    sections_.back().entries.push_back({flag, description + " [default: " + fallback + "]"});
  }

  /// `flag` with a value, which may be repeated as far as CLI11 is concerned; `read` gets them all.
  void add_valued(const std::string& flag,
                  const std::function<void(const std::vector<std::string>&)>& read) {
    auto* option = app_.add_option_function<std::vector<std::string>>(
        flag, [this, flag, read](const std::vector<std::string>& values) {
          pending_.emplace_back([flag, read, values] {
            for (const std::string& value : values) require_value(flag, value);
            read(values);
          });
        });
    option->allow_extra_args(false);
  }

  static void require_value(const std::string& flag, const std::string& value) {
    if (value.empty()) throw UsageError(flag + " needs a value");
    if (value.substr(0, 2) == "--") {
      throw UsageError(flag + " needs a value, not the flag " + value);
    }
  }

  /// At most once, one value.
  void single(const std::string& flag, const std::string& value, const std::string& description,
              const std::string& fallback, const Read& read) {
    add_valued(flag, [flag, read](const std::vector<std::string>& values) {
      if (values.size() > 1) throw UsageError(flag + " was given more than once");
      read(values.front());
    });
    document(flag + " " + value, description, fallback);
  }

  /// Any number of times, each a comma list; `read` gets the items.
  void list(const std::string& flag, const std::string& value, const std::string& description,
            const std::string& fallback, const Read& read) {
    add_valued(flag, [flag, read](const std::vector<std::string>& values) {
      for (const std::string& text : values) {
        for (const std::string& item : split_list(flag, text)) read(item);
      }
    });
    document(flag + " " + value, description, fallback);
  }

  void toggle(const std::string& flag, bool& target, const std::string& description) {
    app_.add_flag(flag, target);
    document(flag, description, "off");
  }

  void instead(const std::string& flag, bool& target, const std::string& description) {
    app_.add_flag(flag, target);
    sections_.back().entries.push_back({flag, description});
  }

  void add_what();
  void add_offloading();
  void add_tuning();
  void add_how();
  void add_where();
  void add_instead();
  void take_extras(const std::vector<std::string>& extras);
  [[noreturn]] void refuse_extra(const std::string& extra) const;
  void choose_evidence();
  void choose_action();
  void check_outputs() const;
  bool selects_cases() const;

  const Catalog& catalog_;
  const Options defaults_;
  Options options_;
  CLI::App app_;
  std::vector<HelpSection> sections_;
  std::vector<std::function<void()>> pending_;
  bool samples_given_ = false;
  bool evidence_given_ = false;
  bool suite_given_ = false;
  bool help_ = false;
  bool version_ = false;
  bool list_ = false;
  bool dry_run_ = false;
  bool print_platform_ = false;
};

void CommandLine::add_what() {
  section("What is measured (a choice given here replaces the suite's)");
  single("--suite", "NAME", "a named selection, see --list: " + joined(suite_names(), ", "),
         defaults_.suite, [this](const std::string& text) {
           options_.suite = parse_name("suite", text, suite_names());
           suite_given_ = true;
         });
  list("--policies", "NAME,...", "where weights live and how the GPU gets them", "all",
       [this](const std::string& text) {
         options_.policies.push_back(parse_name("policy", text, names_of(catalog_.policies)));
       });
  list("--workloads", "NAME,...", "who reads the weights", "the suite's",
       [this](const std::string& text) {
         const auto [name, parameter, value] = split_label(text);
         const std::string known =
             parse_name("workload", std::string(name), names_of(catalog_.workloads));
         options_.workloads.push_back(
             parameter.empty() ? known : label_of(known, to_lower(parameter), value));
       });
  list("--tokens", "N,...", "of the workloads that multiply many, such as 1,512,8192",
       "the suite's", [this](const std::string& text) {
         options_.tokens.push_back(parse_number("--tokens", text, 1, 65536));
       });
  list("--chunks", "SIZE,...", "read at a time by row_gather, such as 512,4KiB or 512..2MiB*8",
       "the suite's", [this](const std::string& text) {
         const std::vector<std::size_t> chunks = parse_sizes(text);
         options_.chunks.insert(options_.chunks.end(), chunks.begin(), chunks.end());
       });
  list("--skew", "X,...", "0 to 1.5: of the routing that expert_gather follows, 0 is even",
       "the suite's", [this](const std::string& text) {
         options_.skews.push_back(parse_hundredths("--skew", text, 0, 150));
       });
  list("--weights", "NAME,...",
       "weights of real models: MODEL, MODEL.PROJECTION or MODEL.PROJECTION.DTYPE", "the suite's",
       [this](const std::string& text) { options_.weights.push_back(text); });
  list("--model", "NAME,...",
       "a model: a short name, a Hugging Face id (also of the local cache), or the path of a "
       "config.json, safetensors, GGUF or their directory",
       "the suite's", [this](const std::string& text) { options_.models.push_back(text); });
  list("--tensor", "NAME:ROWSxCOLS:DTYPE,...", "a weight of your own, row-major", "none",
       [this](const std::string& text) { options_.tensors.push_back(parse_tensor(text)); });
  list("--sizes", "SIZE,...",
       "plain sizes such as 64MiB, and ranges such as 64KiB..4GiB*4; K, M and G are powers of 1024",
       "the suite's", [this](const std::string& text) {
         const std::vector<std::size_t> sizes = parse_sizes(text);
         options_.sizes.insert(options_.sizes.end(), sizes.begin(), sizes.end());
       });
  list("--start", "cold,warm,steady",
       "state before a pass; policies for which cold and warm are the same stay in", "all",
       [this](const std::string& text) {
         const std::string start = parse_name("start", text, start_names);
         options_.starts.push_back(*parse_start(start));
       });
}

void CommandLine::add_offloading() {
  section("What of a model is offloaded (as the engines' flags of the same names; default: all)");
  OffloadRules& rules = options_.rules;
  single("--cpu-offload-gb", "X", "GiB of the first layers' weights", "none",
         [&rules](const std::string& text) {
           rules.cpu_offload_gb = parse_decimal("--cpu-offload-gb", text, 0, 1e6);
         });
  list("--cpu-offload-params", "SEGMENTS,...", "only parameters of these names", "all",
       [&rules](const std::string& text) { rules.cpu_offload_params.push_back(text); });
  single("--offload-group-size", "G", "of each G layers the last are offloaded", "none",
         [&rules](const std::string& text) {
           rules.group_size = parse_number("--offload-group-size", text, 1, 100'000);
         });
  single("--offload-num-in-group", "N", "how many of each group",
         std::to_string(rules.num_in_group), [&rules](const std::string& text) {
           rules.num_in_group = parse_number("--offload-num-in-group", text, 1, 100'000);
         });
  list("--offload-params", "SEGMENTS,...", "of those layers, only parameters of these names", "all",
       [&rules](const std::string& text) { rules.offload_params.push_back(text); });
  single("--n-cpu-moe", "N", "the experts of the first N layers", "none",
         [&rules](const std::string& text) {
           rules.n_cpu_moe = parse_number("--n-cpu-moe", text, 0, 100'000);
         });
  toggle("--checkpoint-shapes", options_.checkpoint_shapes,
         "the checkpoint's own tensors instead of the fused ones of vLLM");
  single("--slice", "SIZE", "measure evenly chosen layers with about this much offloaded",
         format_size(options_.slice_bytes),
         [this](const std::string& text) { options_.slice_bytes = parse_size(text); });
}

void CommandLine::add_tuning() {
  section("What policies are told (default: chosen by the calibration)");
  Tuning& tuning = options_.tuning;
  single("--offload-prefetch-step", "S", "layers that prefetching policies run ahead",
         std::to_string(tuning.prefetch_step), [this](const std::string& text) {
           options_.tuning.prefetch_step = parse_number("--offload-prefetch-step", text, 1, 64);
           options_.rules.prefetch_step = options_.tuning.prefetch_step;
         });
  single(
      "--panel", "SIZE", "of one slot of pinned_ring_copy and hybrid_split", "by calibration",
      [&tuning](const std::string& text) {
        constexpr std::size_t most = std::size_t{1} << 40;  // beyond any GPU
        tuning.panel_bytes = parse_size(text);
        if (*tuning.panel_bytes > most) {
          throw UsageError("--panel must be at most " + format_size(most) + ", not '" + text + "'");
        }
      });
  single(
      "--slots", "N", "of the ring", std::to_string(tuning.slots),
      [&tuning](const std::string& text) { tuning.slots = parse_number("--slots", text, 1, 64); });
  single("--host-share", "F", "0 to 1: the rows hybrid_split leaves to the CPU", "by trying",
         [&tuning](const std::string& text) {
           tuning.host_share = parse_decimal("--host-share", text, 0, 1);
         });
}

void CommandLine::add_how() {
  section("How it is measured");
  single("--samples", "N", "timed samples per case; 3 or more show a spread",
         "the suite's: " + std::to_string(defaults_.samples) + " for " + defaults_.suite,
         [this](const std::string& text) {
           options_.samples = parse_number("--samples", text, 1, 1'000'000);
           samples_given_ = true;
         });
  single("--gpu", "N", "index of the GPU", std::to_string(defaults_.gpu),
         [this](const std::string& text) {
           options_.gpu = static_cast<int>(parse_number("--gpu", text, 0, 1023));
         });
  single("--threads", "N", "host threads; 0 is every core this process may use",
         std::to_string(defaults_.threads), [this](const std::string& text) {
           options_.threads = parse_number("--threads", text, 0, 4096);
         });
  single("--seed", "N", "of the weights' content", std::to_string(defaults_.seed),
         [this](const std::string& text) {
           constexpr auto most = std::numeric_limits<std::uint64_t>::max();
           options_.seed = parse_number("--seed", text, 0, most);
         });
  toggle("--graph", options_.graph, "capture each pass in a CUDA graph where the policy can be");
  single("--evidence", choice_names<EvidenceLevel>(evidence_levels),
         "passes of their own that show what driver and hardware did; all includes energy",
         "the suite's: " +
             choice_name<EvidenceLevel>(find_suite(defaults_.suite).evidence, evidence_levels) +
             " for " + defaults_.suite,
         [this](const std::string& text) {
           options_.evidence = parse_choice<EvidenceLevel>("evidence", text, evidence_levels);
           evidence_given_ = true;
         });
  single("--passes", "N", "also read each case N times on end and keep every pass", "none",
         [this](const std::string& text) {
           options_.passes = parse_number("--passes", text, 1, 10'000);
         });
  toggle(
      "--host-memory-cost", options_.host_memory_cost,
      "what each allocator really takes for a model's tensors; without --suite or another choice "
      "of cases, only that");
  toggle("--limits", options_.limits, "also compare with the physical limits and bare copies");
  toggle("--allow-oversubscription", options_.allow_oversubscription,
         "let managed and system memory exceed the GPU's; hangs some systems");
}

void CommandLine::add_where() {
  section("Where results go");
  single("--output", "FILE", "results as JSON; - is stdout", "none",
         [this](const std::string& text) { options_.output = text; });
  single("--ci-json", "FILE", "one median row per case, for CI services", "none",
         [this](const std::string& text) { options_.ci_json = text; });
  single("--format", choice_names<Format>(formats), "of the summary on stdout",
         choice_name<Format>(defaults_.format, formats), [this](const std::string& text) {
           options_.format = parse_choice<Format>("format", text, formats);
         });
  single("--progress", choice_names<Progress>(progresses), "on stderr; auto is on a terminal only",
         choice_name<Progress>(defaults_.progress, progresses), [this](const std::string& text) {
           options_.progress = parse_choice<Progress>("progress", text, progresses);
         });
  single("--explain", "CASE",
         "measure this case alone, named as in the results, and say why it is as fast as it is",
         "none", [this](const std::string& text) { options_.explain = text; });
  toggle("--redact", options_.redact,
         "leave host name, serial numbers, paths and environment out of the results");
  toggle("--strict", options_.strict,
         "exit with " + std::to_string(exit_strict_skips) + " if a case was skipped");
}

void CommandLine::add_instead() {
  section("Instead of measuring");
  instead("--list", list_, "policies, workloads, weights and suites by name");
  instead("--dry-run", dry_run_, "the plan: cases, bytes, memory, skips, estimated time");
  instead("--print-platform", print_platform_, "the machine, as JSON");
  instead("--help,-h", help_, "this text");
  instead("--version", version_, "version and build");
}

void CommandLine::take_extras(const std::vector<std::string>& extras) {
  for (std::size_t i = 0; i < extras.size(); ++i) {
    const std::string& extra = extras[i];
    if (!is_benchmark_flag(extra)) refuse_extra(extra);
    const bool has_value = extra.find('=') != std::string::npos;
    if (!has_value && i + 1 < extras.size() && extras[i + 1].substr(0, 1) != "-") {
      throw UsageError("write " + extra + "=" + extras[i + 1] + ", with an equals sign");
    }
    options_.benchmark_flags.push_back(extra);
  }
}

void CommandLine::refuse_extra(const std::string& extra) const {
  if (extra.substr(0, 1) != "-") {
    throw UsageError("unexpected argument '" + extra + "': every argument belongs to a --flag");
  }
  const std::string flag = extra.substr(0, extra.find('='));
  std::vector<std::string> known;
  for (const CLI::Option* option : app_.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  std::vector<std::string_view> candidates(known.begin(), known.end());
  candidates.insert(candidates.end(), benchmark_flags.begin(), benchmark_flags.end());
  const std::string_view best = closest(flag, candidates);
  throw UsageError(
      "unknown flag " + flag +
      (best.empty() ? ": --help lists all of them" : ": did you mean " + std::string(best) + "?"));
}

void CommandLine::choose_evidence() {
  const bool explains = !options_.explain.empty();
  if (!evidence_given_) {
    options_.evidence = explains ? EvidenceLevel::all : find_suite(options_.suite).evidence;
  }
  if (options_.evidence != EvidenceLevel::none) return;
  if (explains) throw UsageError("--explain tells the evidence: leave out --evidence none");
  if (options_.passes > 0) {
    throw UsageError("--passes is a part of the evidence: leave out --evidence none");
  }
}

void CommandLine::choose_action() {
  if (list_ + dry_run_ + print_platform_ > 1) {
    throw UsageError("--list, --dry-run and --print-platform exclude each other: give one");
  }
  if (list_) options_.action = Action::list;
  if (dry_run_) options_.action = Action::dry_run;
  if (print_platform_) options_.action = Action::print_platform;
}

void CommandLine::check_outputs() const {
  if (!options_.output.empty() && options_.output == options_.ci_json) {
    throw UsageError("--output and --ci-json would both write to '" + options_.output +
                     "': give them different files");
  }
  if (!options_.redact) return;
  // What Google Benchmark writes by itself names the host, and nothing of ours comes in between.
  for (const std::string& flag : options_.benchmark_flags) {
    if (flag.starts_with("--benchmark_out=") || flag.starts_with("--benchmark_format=")) {
      throw UsageError(
          "--redact does not reach what Google Benchmark writes itself: give --output " +
          ("or --ci-json instead of " + flag));
    }
  }
  if (std::getenv("BENCHMARK_OUT") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    throw UsageError(
        "--redact does not reach what Google Benchmark writes itself: unset BENCHMARK_OUT");
  }
}

/// Whether anything given says which cases to measure. A model alone does not.
bool CommandLine::selects_cases() const {
  const Options& given = options_;
  const bool lists = !given.policies.empty() || !given.workloads.empty() || !given.tokens.empty() ||
                     !given.weights.empty() || !given.tensors.empty() || !given.sizes.empty() ||
                     !given.starts.empty() || !given.chunks.empty() || !given.skews.empty();
  return suite_given_ || lists || given.limits || given.passes > 0 || !given.explain.empty() ||
         !given.benchmark_flags.empty();
}

}  // namespace

std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv,
                                                    const Catalog& catalog) {
  return CommandLine(catalog).parse(argc, argv);
}

}  // namespace offload
