// SPDX-License-Identifier: Apache-2.0
// Takes out of a record what names the machine or its user, for results that are to be published.
// Whatever writes a record when --redact is given passes it through here first.
#pragma once
#include <string>

#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

/// Stands where something was taken out.
inline constexpr const char* redacted_text = "redacted";

/// Who runs this, and where.
struct Identity {
  std::string host_name;
  std::string user;
  std::string home;
  std::string working_directory;
};
Identity this_identity();

/// Paths keep their last component. Of the environment, the values of BENCHMARK_* and CUDA_* stay
/// as far as they hold no path and name no GPU. Names of cases stay: they are made of options.
RunRecord redacted(const RunRecord& run, const Identity& identity = this_identity());
/// A case of `run`, which is not redacted itself.
CaseRecord redacted(const CaseRecord& record, const RunRecord& run,
                    const Identity& identity = this_identity());
Platform redacted(const Platform& platform, const Identity& identity = this_identity());

}  // namespace offload
