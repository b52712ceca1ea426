// SPDX-License-Identifier: Apache-2.0
// The ranks of a job that run each case at the same time, where MPI started them and this program
// was built with it.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "bench/measure/company.hpp"

namespace offload {

/// What all ranks gave of a case: the sum of the bytes they asked for, and the median time of the
/// slowest and who that was. Of those that failed nothing.
struct JobFigures {
  double bytes = 0;
  double seconds = 0;
  std::size_t slowest = 0;
  std::size_t ranks = 0;  // that have the case
};

/// Every rank calls the same functions in the same order. One that is gone without end() ends the
/// job, by its launcher: nobody waits for it for ever.
class JobCompany : public Company {
 public:
  /// Of the job, as MPI has it: a launcher that does not know this MPI starts each by itself.
  virtual std::size_t size() const = 0;
  /// Nothing follows; this rank does not wait for the others.
  virtual void end() = 0;

  /// The company is whole again, for the next case. Every rank calls it.
  virtual void begin_case() = 0;
  /// Of a rank that has failed in the case: the others are told, whatever they wait for.
  virtual void leave() = 0;
  /// Waits for those that are still in the case.
  virtual void end_case() = 0;

  /// Whether all have the same of this.
  virtual bool is_same(const std::vector<std::size_t>& mine) = 0;
  /// 0 seconds: this rank has nothing of the case.
  virtual JobFigures figures(double bytes, double seconds) = 0;
};

/// Of a process that MPI started beside others; until it is destroyed. `checkpoint` is called while
/// others are waited for, and throws to leave. nullptr in a build without MPI.
std::unique_ptr<JobCompany> join_job(const std::function<void()>& checkpoint);

}  // namespace offload
