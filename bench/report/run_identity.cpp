// SPDX-License-Identifier: Apache-2.0
#include "bench/report/run_identity.hpp"

#include "bench/report/results_file.hpp"

namespace offload {

NamedTexts run_identity(const RunRecord& run) {
  const Platform& platform = run.platform;
  return {{"started_at", run.started_at},
          {"schema_version", results_schema_version},
          {"version", run.build.version},
          {"git_commit", run.build.git_commit},
          {"host_name", run.host_name},
          {"cpu", platform.host.cpu},
          {"gpu", platform.gpu ? platform.gpu->name : ""},
          {"driver", platform.gpu ? platform.gpu->driver_release : ""}};
}

}  // namespace offload
