// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/help.hpp"

#include <array>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"

namespace offload {
namespace {

constexpr std::array<std::pair<ExitCode, std::string_view>, 7> exit_codes{{
    {exit_ok, "every case passed"},
    {exit_case_failed, "a case failed, doctor found something to look at, or another error"},
    {exit_usage, "the command line asks for something that cannot be done"},
    {exit_nothing_matched, "nothing was left to measure, or fits what advise was told of"},
    {exit_strict_skips, "--strict was given and a case was skipped"},
    {exit_dead_context, "the GPU stopped answering; what was measured before is kept"},
    {exit_interrupted, "interrupted; what was measured before is kept"},
}};

constexpr std::size_t text_column = 30;  // of flags and of what they do

}  // namespace

std::string_view benchmark_flags_meaning() {
  return "passed on to Google Benchmark, and wins over what this program sets, but for what makes "
         "a sample anything but one iteration; write the equals sign";
}

std::span<const std::pair<ExitCode, std::string_view>> exit_code_meanings() { return exit_codes; }

std::string_view examples() {
  return "offload_bench --output run.json\n"
         "offload_bench plan --suite decode --model llama3.1-8b\n"
         "offload_bench --workloads gemv --model llama3.1-8b --start cold \\\n"
         "              --policies pinned_zero_copy,managed_demand --samples 21\n"
         "source <(offload_bench --completion bash)   # or zsh, fish; --man: the manual page\n";
}

std::string help_footer() {
  std::ostringstream out;
  const std::string flag = "  --benchmark_*=VALUE         ";
  out << flag << wrap(benchmark_flags_meaning(), text_column + 60, text_column, text_column)
      << "\n\nExit codes:\n";
  for (const auto& [code, meaning] : exit_codes) {
    out << "  " << std::left << std::setw(28) << code << meaning << '\n';
  }
  out << "\nExamples:\n";
  std::istringstream lines{std::string(examples())};
  for (std::string line; std::getline(lines, line);) out << "  " << line << '\n';
  return out.str();
}

std::string version_text(const BuildInfo& build) {
  std::string text = "offload_bench " + build.version;
  if (!build.git_commit.empty()) {
    text += " (" + build.git_commit + (build.git_dirty ? ", modified" : "") + ")";
  }
  text += "\n" + build.build_type + " build, " + build.compiler + ", ";
  text += build.cuda_toolkit.empty() ? "without CUDA" : "CUDA " + build.cuda_toolkit;
  if (!build.cuda_architectures.empty()) text += " for " + build.cuda_architectures;
  return text + ", Google Benchmark " + build.benchmark_library + "\n";
}

}  // namespace offload
