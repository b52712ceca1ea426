// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/flags/groups.hpp"

#include "bench/cli/exit_code.hpp"
#include "bench/cli/values.hpp"

namespace offload {
namespace {

constexpr const char* where = "Where results go";

}  // namespace

void add_output_file(CLI::App& command, Options& options) {
  const Flags flags(command, where);
  flags.value("--output", "FILE", options.output, "results as JSON; - is stdout", values::path(),
              "none");
}

void add_view(CLI::App& command, Options& options, Formats formats) {
  const Flags flags(command, where);
  flags.choice("--format", options.format, formats, "of the answer on stdout");
  flags.choice("--color", options.color, color_names,
               "of tables; auto is on a terminal, unless NO_COLOR is set");
  flags.choice("--progress", options.progress, progress_names,
               "on stderr; auto is a line that is rewritten on a terminal, and one each 30 s "
               "elsewhere");
  flags.toggle("-q,--quiet", options.quiet, "nothing but errors on stderr");
}

void add_outputs(CLI::App& command, Options& options, Formats formats) {
  const Flags flags(command, where);
  add_output_file(command, options);
  flags.value("--ci-json", "FILE", options.ci_json, "one median row per case, for CI services",
              values::path(), "none");
  add_view(command, options, formats);
  add_redact(command, options);
  flags.toggle("--strict", options.strict,
               "exit with " + std::to_string(exit_strict_skips) + " if a case was skipped");
}

void add_redact(CLI::App& command, Options& options) {
  const Flags flags(command, where);
  flags.toggle("--redact", options.redact,
               "leave host name, serial numbers, paths and environment out");
}

}  // namespace offload
