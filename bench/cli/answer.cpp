// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/answer.hpp"

#include <cstdlib>
#include <string>

#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/cli/progress.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/report/results_file.hpp"

namespace offload {
namespace {

/// Set and not empty, as https://no-color.org has it.
bool is_set(const char* variable) {
  const char* const value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && *value != '\0';
}

bool is_on_stderr(const Options& options) { return options.output == "-"; }

}  // namespace

bool is_colored(const Options& options) {
  if (options.format != Format::table) return false;
  if (options.color != Color::automatic) return options.color == Color::always;
  return !is_set("NO_COLOR") && is_terminal(is_on_stderr(options) ? stderr : stdout);
}

void show(const Options& options, std::string_view text) {
  if (options.rank && options.rank->index > 0) return;
  const bool colored = is_colored(options);
  if (!is_on_stderr(options)) return write_stdout(text, colored);
  if (!options.quiet) write_stderr(text, colored);
}

void complain(const Options& options, std::string_view text) {
  write_message((options.rank ? led_by(*options.rank) : std::string()) + std::string(text));
}

int answer(const Options& options, const std::function<Answered()>& ask) {
  const InterruptGuard interrupts;
  OutputFile output("--output", options.output);
  try {
    const Answered answered = ask();
    if (!options.output.empty()) output.commit(answered.json);
    show(options, answered.text);
    return answered.exit_code;
  } catch (const Interrupted& interrupted) {
    write_message(std::string("interrupted by ") + signal_name(interrupted.signal));
    return exit_interrupted;
  }
}

}  // namespace offload
