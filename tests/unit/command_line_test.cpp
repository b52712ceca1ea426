// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/command_line.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/cli/benchmark_flags.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

using testing::fake_catalog;
using testing::message_of;
using Args = std::vector<const char*>;
using Names = std::vector<std::string>;

std::variant<Options, EarlyExit> parse_any(Args args) {
  args.insert(args.begin(), "offload_bench");
  const Catalog catalog = fake_catalog();
  return parse_command_line(static_cast<int>(args.size()), args.data(), catalog);
}

Options parse(const Args& args) { return std::get<Options>(parse_any(args)); }

std::string refusal(const Args& args) {
  return message_of<UsageError>([&] { parse_any(args); });
}

TEST(CommandLine, NothingGivenIsEveryDefault) {
  const Options options = parse({});
  const Options defaults;
  EXPECT_EQ(options.action, Action::run);
  EXPECT_EQ(options.suite, defaults.suite);
  EXPECT_TRUE(options.policies.empty());
  EXPECT_EQ(options.samples, defaults.samples);
  EXPECT_EQ(options.seed, defaults.seed);
  EXPECT_EQ(options.format, defaults.format);
  EXPECT_EQ(options.output, "");
  EXPECT_TRUE(options.benchmark_flags.empty());
}

TEST(CommandLine, RedactRefusesWhatItCannotReach) {
  EXPECT_TRUE(parse({"--redact", "--output=x.json"}).redact);
  for (const char* flag : {"--benchmark_out=x.json", "--benchmark_format=json"}) {
    EXPECT_EQ(refusal({"--redact", flag}),
              "--redact does not reach what Google Benchmark writes itself: give --output or "
              "--ci-json instead of " +
                  std::string(flag));
    EXPECT_NO_THROW(parse({flag}));
  }
  ASSERT_EQ(setenv("BENCHMARK_OUT", "x.json", 1), 0);
  EXPECT_EQ(refusal({"--redact"}),
            "--redact does not reach what Google Benchmark writes itself: unset BENCHMARK_OUT");
  EXPECT_NO_THROW(parse({}));
  ASSERT_EQ(unsetenv("BENCHMARK_OUT"), 0);
}

TEST(CommandLine, AModelsContentNeedsAModelAndNothingElse) {
  EXPECT_EQ(parse({"--content", "model", "--model", "x"}).content, ContentOf::model);
  EXPECT_EQ(parse({"--model", "x"}).content, ContentOf::generated);
  EXPECT_EQ(refusal({"--content", "model"}),
            "--content model is about the files of a model: give --model their path");
  EXPECT_EQ(refusal({"--content", "model", "--model", "x", "--sizes", "1MiB"}),
            "--content model: what --weights, --tensor and --sizes name has no files; leave them "
            "out");
}

TEST(CommandLine, ReadsEveryOption) {
  const Options options =
      parse({"--suite", "micro", "--gpu", "1", "--threads=8", "--samples", "21",
             "--seed=18446744073709551615", "--allow-oversubscription", "--limits", "--output", "-",
             "--ci-json=ci.json", "--format", "csv", "--progress", "never", "--strict"});
  EXPECT_EQ(options.suite, "micro");
  EXPECT_EQ(options.gpu, 1);
  EXPECT_TRUE(options.gpu_given);
  EXPECT_FALSE(parse({}).gpu_given);
  EXPECT_EQ(options.threads, 8U);
  EXPECT_EQ(options.samples, 21U);
  EXPECT_EQ(options.seed, 18446744073709551615U);
  EXPECT_TRUE(options.allow_oversubscription);
  EXPECT_TRUE(options.limits);
  EXPECT_EQ(options.output, "-");
  EXPECT_EQ(options.ci_json, "ci.json");
  EXPECT_EQ(options.format, Format::csv);
  EXPECT_EQ(options.progress, Progress::never);
  EXPECT_TRUE(options.strict);
}

TEST(CommandLine, OneGpuOrSeveral) {
  for (const char* gpu : {"0", "1"}) {  // 0 is a choice too
    EXPECT_EQ(refusal({"--gpu", gpu, "--gpus", "0,1"}), "--gpu and --gpus: give one of them");
  }
}

TEST(CommandLine, QuietIsWithoutProgress) {
  EXPECT_FALSE(parse({}).quiet);
  for (const char* flag : {"-q", "--quiet"}) {
    EXPECT_TRUE(parse({flag}).quiet);
    EXPECT_EQ(parse({flag}).progress, Progress::never);
    EXPECT_TRUE(parse({"doctor", flag}).quiet);
  }
  EXPECT_EQ(refusal({"-q", "--progress", "always"}),
            "--quiet writes no progress: leave out --progress always");
}

TEST(CommandLine, ColorIsOneOfThree) {
  EXPECT_EQ(parse({}).color, Color::automatic);
  EXPECT_EQ(parse({"--color", "always"}).color, Color::always);
  EXPECT_EQ(parse({"doctor", "--color=never"}).color, Color::never);
  EXPECT_EQ(refusal({"--color", "mauve"}),
            "--color: unknown color 'mauve': known are auto, always, never");
}

TEST(CommandLine, FormatsAreThoseOfTheCommand) {
  for (const char* format : {"jsonl", "sql"}) {
    EXPECT_NO_THROW(parse({"run", "--format", format}));
    EXPECT_NO_THROW(parse({"plan", "--format", format}));  // a run's command line, planned
    for (const char* command : {"doctor", "memory-cost", "advise"}) {
      EXPECT_NE(refusal({command, "--format", format}), "") << command;
    }
  }
  EXPECT_EQ(refusal({"doctor", "--format", "sql"}),
            "--format: unknown format 'sql': known are table, md, csv, json");
  EXPECT_EQ(refusal({"advise", "--format", "csv"}),
            "--format: unknown format 'csv': known are table, md, json");
}

TEST(CommandLine, PackagesGetAManPageAndCompletions) {
  const auto text = [](const Args& args) { return std::get<EarlyExit>(parse_any(args)).text; };
  EXPECT_TRUE(text({"--man"}).starts_with(".TH OFFLOAD_BENCH 1 "));
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(text({"--completion", shell}),
              text({("--completion=" + std::string(shell)).c_str()}));
    EXPECT_NE(text({"--completion", shell}).find("pinned_zero_copy"), std::string::npos) << shell;
  }
  EXPECT_EQ(refusal({"--completion", "powershell"}),
            "unknown shell 'powershell': known are bash, zsh, fish");
  EXPECT_EQ(refusal({"--completion"}), "unknown shell '': known are bash, zsh, fish");
  EXPECT_NE(refusal({"--man", "run"}), "");
  EXPECT_NE(refusal({"run", "--man"}), "");
}

TEST(CommandLine, ReadsTheSelection) {
  const Options options = parse(
      {"--policies", "pinned_zero_copy,managed_demand", "--policies=host_compute", "--workloads",
       "gemv", "--weights", "llama3.1-8b.o_proj", "--model", "meta-llama/Llama-3.1-70B", "--tensor",
       "a:3x5:fp16,b:7x9:fp8_e4m3", "--sizes", "1MiB,4KiB..64KiB*4", "--start", "cold,warm"});
  EXPECT_EQ(options.policies, (Names{"pinned_zero_copy", "managed_demand", "host_compute"}));
  EXPECT_EQ(options.workloads, (Names{"gemv"}));
  EXPECT_EQ(options.weights, (Names{"llama3.1-8b.o_proj"}));
  EXPECT_EQ(options.models, (Names{"meta-llama/Llama-3.1-70B"}));
  ASSERT_EQ(options.tensors.size(), 2U);
  EXPECT_EQ(options.tensors[0].name, "a");
  EXPECT_EQ(options.tensors[0].dtype, DType::fp16);
  EXPECT_EQ(options.tensors[0].rows, 3U);
  EXPECT_EQ(options.tensors[0].cols, 5U);
  EXPECT_EQ(options.tensors[1].dtype, DType::fp8_e4m3);
  EXPECT_EQ(options.sizes, (std::vector<std::size_t>{1U << 20, 4096, 16384, 65536}));
  EXPECT_EQ(options.starts, (std::vector<Start>{Start::cold, Start::warm}));
}

TEST(CommandLine, MemoryCostSelectsNoCases) {
  EXPECT_TRUE(parse({}).cases);
  EXPECT_FALSE(parse({}).host_memory_cost);
  const Options alone = parse({"memory-cost", "--model", "llama3.1-8b", "--slice", "1GiB"});
  EXPECT_EQ(alone.action, Action::memory_cost);
  EXPECT_TRUE(alone.host_memory_cost);
  EXPECT_FALSE(alone.cases);
  // What it allocates follows the rules, which are otherwise about suites that walk a model.
  EXPECT_FALSE(parse({"memory-cost", "--cpu-offload-gb", "4"}).cases);
  const Options planned = parse({"memory-cost", "--plan"});
  EXPECT_EQ(planned.action, Action::plan);
  EXPECT_TRUE(planned.host_memory_cost);
  EXPECT_FALSE(planned.cases);
  // Whatever selects cases belongs to a run, which can measure it as well.
  for (const char* flag : {"--suite=quick", "--policies=host_compute", "--sizes=1MiB", "--limits",
                           "--benchmark_filter=gemv"}) {
    EXPECT_NE(refusal({"memory-cost", flag}), "") << flag;
    const Options both = parse({"--memory-cost", flag});
    EXPECT_TRUE(both.host_memory_cost && both.cases) << flag;
  }
}

TEST(CommandLine, LoadingTakesTheAllocatorsPlace) {
  EXPECT_FALSE(parse({"memory-cost"}).loading);
  const Options loading = parse({"memory-cost", "--loading", "--file-directory", "/"});
  EXPECT_TRUE(loading.loading);
  EXPECT_FALSE(loading.host_memory_cost);
  EXPECT_FALSE(loading.cases);
  EXPECT_EQ(loading.tuning.file_directory, "/");
  EXPECT_EQ(parse({"memory-cost", "--loading", "--plan"}).action, Action::plan);
  for (const char* flag : {"--model=llama3.1-8b", "--slice=1GiB", "--checkpoint-shapes"}) {
    const std::string why = refusal({"memory-cost", "--loading", flag});
    EXPECT_NE(why.find("loads a file of its own: leave out --"), std::string::npos) << why;
  }
  EXPECT_NE(refusal({"memory-cost", "--loading", "--n-cpu-moe=1"}), "");
  EXPECT_NE(refusal({"--loading"}), "") << "a run has files in its policies";
}

TEST(CommandLine, NamesAreReadInAnyCase) {
  EXPECT_EQ(parse({"--policies", "Managed_Demand"}).policies, (Names{"managed_demand"}));
  EXPECT_EQ(parse({"--policies", "UVA,Cpu"}).policies, (Names{"uva", "cpu"}));
  EXPECT_EQ(parse({"--format", "JSON"}).format, Format::json);
}

TEST(CommandLine, NumbersAreDecimal) {
  EXPECT_EQ(parse({"--samples", "010"}).samples, 10U);
  EXPECT_NE(refusal({"--samples", "0x10"}), "");
  EXPECT_NE(refusal({"--samples", "+3"}), "");
  EXPECT_NE(refusal({"--samples", " 3"}), "");
}

TEST(CommandLine, EvidenceIsTheSuitesUnlessGiven) {
  EXPECT_EQ(parse({}).evidence, EvidenceLevel::quick);
  EXPECT_EQ(parse({"--suite", "micro"}).evidence, EvidenceLevel::all);
  EXPECT_EQ(parse({"--suite", "micro", "--evidence", "none"}).evidence, EvidenceLevel::none);
  const char* const name = "stream_read/host_compute/1MiB/steady";
  EXPECT_EQ(parse({"explain", name}).evidence, EvidenceLevel::all);
  EXPECT_EQ(parse({"explain", name, "--evidence=quick"}).evidence, EvidenceLevel::quick);
  EXPECT_EQ(parse({"--passes", "7"}).passes, 7U);
}

TEST(CommandLine, ExplainTakesACase) {
  const char* const name = "stream_read/managed_demand/1MiB/cold";
  for (const Args& args :
       {Args{"explain", name, "--samples=3"}, Args{"explain", "--samples", "3", name}}) {
    const Options options = parse(args);
    EXPECT_EQ(options.action, Action::explain);
    EXPECT_EQ(options.explain, name);
    EXPECT_EQ(options.samples, 3U);
  }
  EXPECT_EQ(parse({"run"}).explain, "");
}

TEST(CommandLine, ACommandComesFirstAndRunIsTheDefault) {
  EXPECT_EQ(parse({"run", "--suite", "full"}).action, Action::run);
  EXPECT_EQ(parse({"run", "--suite", "full"}).suite, parse({"--suite", "full"}).suite);
  EXPECT_EQ(parse({"list"}).action, Action::list);
  EXPECT_EQ(parse({"plan", "--suite", "full"}).action, Action::plan);
  EXPECT_EQ(parse({"platform", "--gpu", "1", "--redact"}).action, Action::platform);
  EXPECT_EQ(parse({"doctor", "--gpu", "1", "--format", "json", "--output", "-"}).action,
            Action::doctor);
  EXPECT_EQ(refusal({"doctor", "--suite", "full"}),
            "unknown flag --suite: --help lists all of them");
  EXPECT_EQ(refusal({"--suite", "full", "plan"}), "the command plan must come first");
  EXPECT_EQ(refusal({"list", "x"}), "unexpected argument 'x': every argument belongs to a --flag");
  EXPECT_EQ(refusal({"plam"}), "unknown command 'plam': did you mean 'plan'?");
  EXPECT_EQ(refusal({"list", "--suite", "full"}), "unknown flag --suite: --help lists all of them");
  EXPECT_EQ(refusal({"list", "--benchmark_filter=x"}), "list does not take --benchmark_filter=x");
}

TEST(CommandLine, FormerFlagsNameTheirCommand) {
  EXPECT_EQ(refusal({"--list"}), "--list is a command now: offload_bench list");
  EXPECT_EQ(refusal({"--dry-run", "--suite", "full"}),
            "--dry-run is a command now: offload_bench plan");
  EXPECT_EQ(refusal({"--print-platform"}),
            "--print-platform is a command now: offload_bench platform");
  EXPECT_EQ(refusal({"--explain", "gemv/host_compute/1MiB/steady"}),
            "--explain is a command now: offload_bench explain CASE");
  EXPECT_EQ(refusal({"--host-memory-cost"}),
            "--host-memory-cost is a command now: offload_bench memory-cost");
}

struct BadInput {
  Args args;
  const char* expected;
};

TEST(CommandLine, EachMistakeGetsOneClearLine) {
  const std::vector<BadInput> mistakes{
      {{"--policies", "managd_demand"},
       "unknown policy 'managd_demand': did you mean 'managed_demand'?"},
      {{"--policies", "uvaa"}, "unknown policy 'uvaa': did you mean 'uva'?"},
      {{"--policies", "nothing"}, "host_compute, resident, uva, zero-copy, copy, uvm"},
      {{"--policies", "pinned_zero_copy,"}, "--policies: has an empty item in 'pinned_zero_copy,'"},
      {{"--workloads", "gemm"}, "unknown workload 'gemm': did you mean 'gemv'?"},
      {{"--suite", "ful"}, "unknown suite 'ful': did you mean 'full'?"},
      {{"--suite", "decodes"}, "unknown suite 'decodes': did you mean 'decode'?"},
      {{"--start", "hot"}, "unknown start 'hot'"},
      {{"--format", "yaml"}, "unknown format 'yaml'"},
      {{"--progress", "sometimes"}, "unknown progress 'sometimes'"},
      {{"--sizes", "0"}, "size '0' must be at least 1 byte"},
      {{"--sizes", "64MB"}, "write 64MiB"},
      {{"--panel", "1TiB"}, "'TiB' is none of the units B, KiB, MiB and GiB"},
      {{"--suite", "decode", "--cpu-offload-gb", "-1"}, "to 1000000, not"},
      {{"frobnicate"}, "unknown command 'frobnicate': known are run, "},
      {{"--samples", "0"}, "--samples: must be a whole number from 1 to 1000000, not '0'"},
      {{"--samples", "-3"}, "--samples: must be a whole number"},
      {{"--samples", "3.5"}, "not '3.5'"},
      {{"--samples", "99999999999999999999"}, "--samples: must be a whole number"},
      {{"--file-directory", "/no/such"}, "--file-directory: must be a directory that exists"},
      {{"--gpu", "-1"}, "--gpu: must be a whole number"},
      {{"--gpu", "zero"}, "--gpu: must be a whole number"},
      {{"--threads", "1e3"}, "--threads: must be a whole number"},
      {{"--tensor", "a"}, "must read NAME:ROWSxCOLS:DTYPE"},
      {{"--tensor", "a:3x5"}, "must read NAME:ROWSxCOLS:DTYPE"},
      {{"--tensor", "a/b:3x5:bf16"}, "needs a name of letters"},
      {{"--tensor", ":3x5:bf16"}, "needs a name of letters"},
      {{"--tensor", "a b:3x5:bf16"}, "needs a name of letters"},
      {{"--tensor", "a:3:bf16"}, "needs a shape ROWSxCOLS"},
      {{"--tensor", "a:3x5x7:bf16"}, "needs a shape ROWSxCOLS"},
      {{"--tensor", "a:x5:bf16"}, "needs a shape ROWSxCOLS"},
      {{"--tensor", "a:0x5:bf16"}, "has no elements"},
      {{"--tensor", "a:3x5:bf15"}, "unknown dtype 'bf15': did you mean 'bf16'?"},
      {{"--tensor", "a:9999999999x9999999999:bf16"}, "is too large"},
      {{"--output", "x.json", "--ci-json", "x.json"}, "would both write to 'x.json'"},
      {{"--output", "-", "--ci-json", "-"}, "would both write to '-'"},
      {{"--output", "./x.json", "--ci-json", "x.json"}, "would both write to './x.json'"},
      {{"--output", "/no/../tmp/x.json", "--ci-json", "/tmp//x.json"}, "would both write to"},
      {{"--evidence", "some"}, "unknown evidence 'some'"},
      {{"--evidence", "none", "--passes", "3"}, "--passes is a part of the evidence"},
      {{"explain", "gemv/host_compute/1MiB/steady", "--evidence", "none"},
       "explain reports the evidence"},
      {{"--passes", "0"}, "--passes: must be a whole number from 1"},
      {{"explain"}, "explain needs a case: <workload>/<policy>/<weights>/<start>"},
      {{"explain", "a/b/c/d", "e/f/g/h"}, "unexpected argument 'e/f/g/h'"},
      {{"run.json"}, "unexpected argument 'run.json'"},
      {{"--policies", "host_compute", "managed_demand"}, "unexpected argument 'managed_demand'"},
  };
  for (const BadInput& mistake : mistakes) {
    const std::string text = refusal(mistake.args);
    EXPECT_NE(text.find(mistake.expected), std::string::npos)
        << mistake.args.front() << " " << mistake.args.back() << ": " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(CommandLine, OneFileSpelledTwoWaysIsOneFile) {
  const std::string whole = (std::filesystem::current_path() / "x.json").string();
  EXPECT_NE(refusal({"--output", "x.json", "--ci-json", whole.c_str()}).find("would both write to"),
            std::string::npos);
  EXPECT_NO_THROW(parse({"--output", "x.json", "--ci-json", "y.json"}));
  EXPECT_NO_THROW(parse({"--output", "-", "--ci-json", "x.json"}));
}

TEST(CommandLine, NoOutputIsAnInput) {
  using Lists = std::vector<Args>;
  for (const Args& arguments :
       Lists{{"--model", "config.json", "--output", "./config.json"},
             {"--model", "m", "--output", "m/config.json"},
             {"--model", "m/", "--output", "m/model-1.safetensors"},
             {"--model", "a.gguf", "--suite", "decode", "--ci-json", "a.gguf"},
             {"advise", "--model", "m", "--platform", "rates.json", "--output", "rates.json"}}) {
    EXPECT_NE(refusal(arguments).find("would be replaced"), std::string::npos)
        << arguments.back() << ": " << refusal(arguments);
  }
  EXPECT_NO_THROW(parse({"--model", "m", "--output", "m/results.json"}));
  EXPECT_NO_THROW(parse({"--model", "m", "--output", "config.json"}));
}

TEST(CommandLine, NoOutputIsAnInputInTheCacheOrThroughALink) {
  namespace fs = std::filesystem;
  const fs::path cache = fs::path(::testing::TempDir()) / "outputs_cache";
  const fs::path model = cache / "models--org--Tiny/snapshots/abc";
  fs::create_directories(model);
  std::ofstream(model / "config.json") << "{}";
  fs::create_symlink(model / "config.json", cache / "link");
  ASSERT_EQ(setenv("HF_HUB_CACHE", cache.c_str(), 1), 0);
  const std::string folder = model.string();
  for (const auto& [given, output] :
       {std::pair<std::string, fs::path>("org/Tiny", model / "config.json"),
        {"org/Tiny", model / "model.safetensors.index.json"},
        {folder, cache / "link"},
        {folder + "/config.json", model / "model-00001-of-00002.safetensors"}}) {
    EXPECT_NE(refusal({"--model", given.c_str(), "--output", output.c_str()}).find("replaced"),
              std::string::npos)
        << given << ' ' << output;
  }
  const std::string stock = "--benchmark_out=" + folder + "/config.json";
  EXPECT_NE(refusal({"--model", "org/Tiny", stock.c_str()}).find("replaced"), std::string::npos);
  EXPECT_NO_THROW(parse({"--model", "org/Tiny", "--output", (cache / "config.json").c_str()}));
  ASSERT_EQ(unsetenv("HF_HUB_CACHE"), 0);
  fs::remove_all(cache);
}

TEST(CommandLine, NoOutputIsAnother) {
  const std::string both = "--output and --benchmark_out would both write to 'x.json'";
  EXPECT_EQ(refusal({"--output", "x.json", "--benchmark_out=./x.json"}).find(both), 0U);
  ASSERT_EQ(setenv("BENCHMARK_OUT", "x.json", 1), 0);
  EXPECT_NE(refusal({"--output", "x.json"}).find("BENCHMARK_OUT in the environment"),
            std::string::npos);
  // A flag wins, and what measures nothing writes none.
  EXPECT_NO_THROW(parse({"--output", "x.json", "--benchmark_out=y.json"}));
  EXPECT_NO_THROW(parse({"doctor", "--output", "x.json"}));
  ASSERT_EQ(unsetenv("BENCHMARK_OUT"), 0);
}

TEST(CommandLine, NoOutputIsWhatAnotherIsWhileItIsWritten) {
  using Lists = std::vector<Args>;
  for (const Args& arguments : Lists{{"--output", "x.json", "--benchmark_out=x.json.part"},
                                     {"--output", "x.json", "--benchmark_out=./x.json.journal"},
                                     {"--output", "x.json", "--ci-json", "x.json.part"},
                                     {"--output", "x.json.part", "--ci-json", "x.json"}}) {
    EXPECT_NE(refusal(arguments).find("while it is written"), std::string::npos)
        << arguments.back() << ": " << refusal(arguments);
  }
  EXPECT_NO_THROW(parse({"--output", "-", "--ci-json", "-.part"}));
}

TEST(CommandLine, ValuesThatGoogleBenchmarkCannotTakeAreRefused) {
  const std::vector<std::pair<std::string, std::string>> mistakes{
      {"--benchmark_repetitions=-1", "from 1"},
      {"--benchmark_repetitions=0", "from 1"},
      {"--benchmark_repetitions=abc", "from 1"},
      {"--benchmark_repetitions=99999999999", "from 1"},
      {"--benchmark_filter=(", "regular"},
      {"--benchmark_filter=-[", "regular"},
      {"--benchmark_filter=(((.*)*)*)*X", "repeats a group"},
      {"--benchmark_filter=(ab){2}", "repeats a group"},
      {"--benchmark_filter=.*.*.*.*.*X", "more than 4 repetitions"},
      {"--benchmark_out=/no/such/x.json", "No such file or directory"},
      {"--benchmark_out=/", "Is a directory"},
      {"--benchmark_format=yaml", "json"},
      {"--benchmark_out_format=yaml", "json"},
      {"--benchmark_time_unit=h", "ms"},
      {"--benchmark_context=abc", "KEY=VALUE"},
      {"--v=abc", "whole number"},
  };
  for (const auto& [argument, expected] : mistakes) {
    const std::string text = refusal({argument.c_str()});
    EXPECT_TRUE(text.starts_with(argument.substr(0, argument.find('=')) + ": ")) << text;
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  }
  for (const char* argument :
       {"--benchmark_repetitions=2", "--benchmark_filter=", "--benchmark_filter=all",
        "--benchmark_filter=-gemv", "--benchmark_filter=(a|b).*[0-9]$",
        "--benchmark_filter=a.*b.*c.*|d.*e.*f.*", "--benchmark_enable_random_interleaving=false",
        "--benchmark_out=new.json", "--benchmark_report_aggregates_only=true",
        "--benchmark_format=csv", "--benchmark_time_unit=ms", "--benchmark_context=a=b=c", "--v=1",
        "--benchmark_list_tests", "--benchmark_counters_tabular=true"}) {
    EXPECT_EQ(parse({argument}).benchmark_flags, std::vector<std::string>{argument});
  }
}

TEST(CommandLine, FlagsThatBreakWhatASampleIsAreRefusedByName) {
  for (const std::string flag :
       {"--benchmark_enable_random_interleaving", "--benchmark_enable_random_interleaving=true",
        "--benchmark_enable_random_interleaving=1", "--benchmark_min_time=2",
        "--benchmark_min_time=10x", "--benchmark_min_warmup_time=0.3", "--benchmark_dry_run"}) {
    const std::string text = refusal({flag.c_str()});
    const std::string name = flag.substr(0, flag.find('='));
    EXPECT_TRUE(text.starts_with(name + " is not passed on to Google Benchmark: ")) << text;
  }
  EXPECT_NE(refusal({("--benchmark_filter=" + std::string(100'000, 'a')).c_str()})
                .find("is longer than 1000 characters"),
            std::string::npos);
}

TEST(CommandLine, VariablesThatStandForFlagsAreLookedAtToo) {
  using Variables = std::vector<std::pair<std::string, std::string>>;
  const auto refusal = [](const Variables& variables) {
    return message_of<UsageError>([&] { check_benchmark_environment(variables); });
  };
  EXPECT_EQ(refusal({{"PATH", "/bin"}, {"BENCHMARK_ENABLE_RANDOM_INTERLEAVING", "1"}}),
            "BENCHMARK_ENABLE_RANDOM_INTERLEAVING in the environment is not passed on to Google "
            "Benchmark: the samples of a case follow one another");
  EXPECT_EQ(refusal({{"BENCHMARK_FORMAT", "xml"}}),
            "BENCHMARK_FORMAT in the environment: 'xml' must be one of console, json, csv");
  // What this program sets itself wins over these.
  EXPECT_NO_THROW(check_benchmark_environment(
      {{"BENCHMARK_MIN_TIME", "2"}, {"BENCHMARK_REPETITIONS", "0"}, {"BENCHMARK_FILTER", "gemv"}}));
}

TEST(CommandLine, MisspeltFlagsGetASuggestion) {
  EXPECT_EQ(refusal({"--policy", "host_compute"}),
            "unknown flag --policy: did you mean --policies?");
  EXPECT_EQ(refusal({"--polices=host_compute"}),
            "unknown flag --polices: did you mean --policies?");
  EXPECT_EQ(refusal({"--sample", "5"}), "unknown flag --sample: did you mean --samples?");
  EXPECT_EQ(refusal({"--dryrun"}), "unknown flag --dryrun: --help lists all of them");
  EXPECT_EQ(refusal({"--benchmrk_filter=x"}),
            "unknown flag --benchmrk_filter: did you mean --benchmark_filter?");
  EXPECT_EQ(refusal({"--nothing-like-it"}),
            "unknown flag --nothing-like-it: --help lists all of them");
  EXPECT_EQ(refusal({"--out", "x"}), "unknown flag --out: did you mean --output?");
  EXPECT_EQ(refusal({"--device", "1"}), "unknown flag --device: --help lists all of them");
  EXPECT_NE(refusal({"-x"}).find("unknown flag -x"), std::string::npos);
}

TEST(CommandLine, AMissingOrRepeatedValueIsRefused) {
  for (const char* flag : {"--samples", "--policies", "--output"}) {
    EXPECT_EQ(refusal({flag}), std::string(flag) + ": needs a value");
    EXPECT_EQ(refusal({(std::string(flag) + "=").c_str()}), std::string(flag) + ": needs a value");
  }
  EXPECT_EQ(refusal({"--output", "--strict"}), "--output: needs a value, not the flag --strict");
  EXPECT_EQ(refusal({"--suite", "quick", "--suite", "full"}), "--suite: was given more than once");
  EXPECT_NE(refusal({"--strict=maybe"}), "");
  EXPECT_NE(refusal({"--skew=,", "--limits"}), "");
  EXPECT_EQ(refusal({"--tokens=1,,2"}), "--tokens: has an empty item in '1,,2'");
  EXPECT_EQ(parse({"--output", "a,,b.json"}).output, "a,,b.json") << "not a list";
}

TEST(CommandLine, BenchmarkFlagsPassThroughInOrder) {
  const Options options = parse(
      {"--benchmark_filter=gemv/.*cold", "--samples", "3", "--benchmark_list_tests", "--v=2"});
  EXPECT_EQ(options.benchmark_flags,
            (Names{"--benchmark_filter=gemv/.*cold", "--benchmark_list_tests", "--v=2"}));
  EXPECT_EQ(options.samples, 3U);
}

TEST(CommandLine, ABenchmarkFlagNeedsItsEqualsSign) {
  EXPECT_NE(refusal({"--benchmark_out", "x.json"}).find("write --benchmark_out=x.json"),
            std::string::npos);
}

std::string early(const Args& args) { return std::get<EarlyExit>(parse_any(args)).text; }

TEST(CommandLine, HelpShowsEveryFlagWithItsDefault) {
  const std::string help = early({"--help"});
  const Options defaults;
  for (const char* flag : {"run",
                           "list",
                           "plan",
                           "explain",
                           "platform",
                           "doctor",
                           "memory-cost",
                           "--memory-cost",
                           "--suite",
                           "--policies",
                           "--workloads",
                           "--weights",
                           "--model",
                           "--tensor",
                           "--sizes",
                           "--start",
                           "--gpu",
                           "--threads",
                           "--samples",
                           "--seed",
                           "--allow-oversubscription",
                           "--limits",
                           "--evidence",
                           "--passes",
                           "--output",
                           "--ci-json",
                           "--format",
                           "--progress",
                           "--strict",
                           "-h,--help",
                           "--version",
                           "--tokens",
                           "--chunks",
                           "--skew",
                           "--graph",
                           "--cpu-offload-gb",
                           "--cpu-offload-params",
                           "--n-cpu-moe",
                           "--slice",
                           "--offload-group-size",
                           "--offload-num-in-group",
                           "--panel",
                           "--slots",
                           "--offload-params",
                           "--offload-prefetch-step",
                           "--host-share",
                           "--file-directory",
                           "--checkpoint-shapes",
                           "--benchmark_*"}) {
    EXPECT_NE(help.find("  " + std::string(flag)), std::string::npos) << flag;
  }
  std::istringstream words(help);
  std::string flat;  // without the breaks between lines
  for (std::string word; words >> word;) flat += " " + word;
  const auto shows = [&](const std::string& flag, const std::string& fallback) {
    const std::size_t at = flat.find(" " + flag + " ");
    const std::size_t begin = flat.find("[default: ", at);
    return flat.substr(begin, flat.find(']', begin) - begin) == "[default: " + fallback;
  };
  EXPECT_TRUE(shows("--suite", defaults.suite));
  EXPECT_TRUE(shows("--samples", "the suite's: 10 for quick"));
  EXPECT_TRUE(shows("--seed", std::to_string(defaults.seed)));
  EXPECT_TRUE(shows("--gpu", std::to_string(defaults.gpu)));
  EXPECT_TRUE(shows("--evidence", "the suite's: quick for quick"));
  EXPECT_TRUE(shows("--format", "table"));
  EXPECT_TRUE(shows("--progress", "auto"));
  EXPECT_NE(help.find("130"), std::string::npos);
  EXPECT_NE(help.find("Examples:"), std::string::npos);
}

TEST(CommandLine, EachCommandHasItsHelp) {
  for (const auto& [command, action] : action_names) {
    const std::string name(command);
    const std::string help = early({name.c_str(), "--help"});
    EXPECT_NE(help.find("Usage: offload_bench " + name), std::string::npos) << help;
    EXPECT_EQ(help.find("\n\n\n"), std::string::npos) << help;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  }
  std::istringstream lines(early({"--help"}));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  EXPECT_EQ(early({"list", "--help"}).find("--suite"), std::string::npos);
  EXPECT_NE(early({"explain", "--help"}).find("CASE"), std::string::npos);
}

TEST(CommandLine, HelpAndVersionWinOverBadValues) {
  EXPECT_NE(early({"-h"}).find("Usage: offload_bench"), std::string::npos);
  EXPECT_NE(early({"--samples", "x", "--help"}).find("Usage: offload_bench"), std::string::npos);
  EXPECT_EQ(early({"--version"}).rfind("offload_bench ", 0), 0U);
  EXPECT_EQ(early({"plan", "--samples", "0", "--version"}), early({"--version"}));
}

}  // namespace
}  // namespace offload
