// SPDX-License-Identifier: Apache-2.0
#include "bench/doctor.hpp"

#include <iostream>
#include <vector>

#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/cli/progress.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/host_watch.hpp"
#include "bench/measure/session.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/doctor.hpp"
#include "bench/report/results_file.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

void measure(Examination& found) {
  const DriverThreads driver;
  HostWatch watch;
  WallTime wall;
  Session session(found.platform, 0);
  watch.begin(driver);
  found.calibration = calibrate(session, wall, leave_if_interrupted);
  found.host = watch.end(driver);
}

Examination look_at(const Options& options) {
  Examination found;
  found.platform = probe_platform(options.gpu);
  ProgressLine progress(options.progress, {1});
  progress.begin("examining this machine");
  try {
    measure(found);
  } catch (const CudaError& error) {
    found.failure = error.what();
  }
  return found;
}

}  // namespace

int run_doctor(const Options& options) {
  const InterruptGuard interrupts;
  OutputFile output("--output", options.output);
  try {
    const Examination found = look_at(options);
    const std::string text = doctor_text(found, options.format);
    if (!options.output.empty()) output.commit(doctor_json(found));
    if (options.output == "-") {
      std::cerr << text;  // with the results on stdout it is for the eyes only
    } else {
      write_stdout(text);
    }
    return count_of(examine(found), Verdict::look_here) == 0 ? exit_ok : exit_case_failed;
  } catch (const Interrupted& interrupted) {
    std::cerr << "offload_bench: interrupted by " << signal_name(interrupted.signal) << '\n';
    return exit_interrupted;
  }
}

}  // namespace offload
