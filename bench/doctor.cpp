// SPDX-License-Identifier: Apache-2.0
#include "bench/doctor.hpp"

#include <vector>

#include "bench/cli/answer.hpp"
#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/cli/progress.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/host_watch.hpp"
#include "bench/measure/session.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/doctor.hpp"
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
  return answer(options, [&] {
    const Examination found = look_at(options);
    const bool clean = count_of(examine(found), Verdict::look_here) == 0;
    return Answered{doctor_text(found, options.format, is_colored(options)), doctor_json(found),
                    clean ? exit_ok : exit_case_failed};
  });
}

}  // namespace offload
