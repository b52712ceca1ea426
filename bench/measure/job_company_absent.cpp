// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/job_company.hpp"

namespace offload {

std::unique_ptr<JobCompany> join_job(const std::function<void()>& /*checkpoint*/) {
  return nullptr;
}

}  // namespace offload
