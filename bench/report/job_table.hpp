// SPDX-License-Identifier: Apache-2.0
// What all ranks of a job gave together, for people.
#pragma once
#include <string>
#include <vector>

#include "bench/measure/job_company.hpp"
#include "bench/report/page.hpp"

namespace offload {

struct JobCase {
  std::string name;
  JobFigures all;
};

/// GB/s of all ranks: the bytes they asked for over the time of the slowest, which is named; of a
/// case that some have not, how many have.
void write_job(Page& page, const std::vector<JobCase>& cases, std::size_t ranks);

}  // namespace offload
