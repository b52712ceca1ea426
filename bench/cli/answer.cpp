// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/answer.hpp"

#include <string>

#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/report/results_file.hpp"

namespace offload {

int answer(const Options& options, const std::function<Answered()>& ask) {
  const InterruptGuard interrupts;
  OutputFile output("--output", options.output);
  try {
    const Answered answered = ask();
    if (!options.output.empty()) output.commit(answered.json);
    if (options.output == "-") {
      write_stderr(answered.text);
    } else {
      write_stdout(answered.text);
    }
    return answered.exit_code;
  } catch (const Interrupted& interrupted) {
    write_message(std::string("interrupted by ") + signal_name(interrupted.signal));
    return exit_interrupted;
  }
}

}  // namespace offload
