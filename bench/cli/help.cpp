// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/help.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <utility>

#include "bench/cli/exit_code.hpp"

namespace offload {
namespace {

constexpr std::size_t width = 100;
constexpr std::size_t column = 30;  // where descriptions begin

constexpr std::array<std::pair<ExitCode, std::string_view>, 7> exit_codes{{
    {exit_ok, "every case passed"},
    {exit_case_failed, "a case failed, or another error"},
    {exit_usage, "the command line asks for something that cannot be done"},
    {exit_nothing_matched, "nothing was left to measure"},
    {exit_strict_skips, "--strict was given and a case was skipped"},
    {exit_dead_context, "the GPU stopped answering; what was measured before is kept"},
    {exit_interrupted, "interrupted; what was measured before is kept"},
}};

/// `text` broken at spaces, from the description column on.
void put_wrapped(std::ostream& out, const std::string& text) {
  std::istringstream words(text);
  std::string word;
  std::size_t used = column;
  while (words >> word) {
    if (used > column && used + 1 + word.size() > width) {
      out << '\n' << std::string(column, ' ');
      used = column;
    }
    if (used > column) {
      out << ' ';
      ++used;
    }
    out << word;
    used += word.size();
  }
  out << '\n';
}

void put_entry(std::ostream& out, const std::string& head, const std::string& description) {
  out << "  " << head;
  const std::size_t used = 2 + head.size();
  if (used + 2 > column) {
    out << '\n' << std::string(column, ' ');
  } else {
    out << std::string(column - used, ' ');
  }
  put_wrapped(out, description);
}

}  // namespace

std::string help_text(const std::vector<HelpSection>& sections) {
  std::ostringstream out;
  out << "Measures ways for a GPU to read model weights that live in host memory.\n"
         "Usage: offload_bench [flags]\n";
  for (const HelpSection& section : sections) {
    out << '\n' << section.title << ":\n";
    for (const auto& entry : section.entries) put_entry(out, entry.flag, entry.description);
  }
  out << '\n';
  put_entry(out, "--benchmark_*=VALUE",
            "passed on to Google Benchmark, and wins over what this program sets; write the equals "
            "sign");
  out << "\nExit codes:\n";
  for (const auto& [code, meaning] : exit_codes) {
    put_entry(out, std::to_string(code), std::string(meaning));
  }
  out << "\nExamples:\n"
         "  offload_bench --output run.json\n"
         "  offload_bench --workloads gemv --model llama3.1-8b --start cold \\\n"
         "                --policies pinned_zero_copy,managed_demand --samples 21\n";
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

std::string joined(const std::vector<std::string_view>& items, std::string_view separator) {
  std::string text;
  for (const std::string_view item : items) {
    if (!text.empty()) text += separator;
    text += item;
  }
  return text;
}

}  // namespace offload
