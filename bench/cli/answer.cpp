// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/answer.hpp"

#include <iostream>

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
      std::cerr << answered.text;  // with the document on stdout it is for the eyes only
    } else {
      write_stdout(answered.text);
    }
    return answered.exit_code;
  } catch (const Interrupted& interrupted) {
    std::cerr << "offload_bench: interrupted by " << signal_name(interrupted.signal) << '\n';
    return exit_interrupted;
  }
}

}  // namespace offload
