// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/host_watch.hpp"

#include <algorithm>
#include <utility>

#include "bench/core/cpus.hpp"

namespace offload {
namespace {

// /proc/stat counts in ticks of 10 ms.
constexpr double least_seconds = 0.1;

}  // namespace

HostWatch::HostWatch(std::filesystem::path root)
    : root_(std::move(root)), cpus_(host::affinity_cpus()) {}

double HostWatch::own_seconds(const DriverThreads& driver) {
  double sum = process_usage().cpu_seconds;
  for (const double seconds : driver.seconds()) sum += seconds;
  return sum;
}

void HostWatch::begin(const DriverThreads& driver) {
  times_before_ = read_cpu_times(root_, cpus_);
  own_before_ = own_seconds(driver);
  watch_ = {};
}

Observed<HostState> HostWatch::end(const DriverThreads& driver) const {
  HostState found;
  found.seconds = watch_.seconds();
  const double own = own_seconds(driver) - own_before_;
  const auto times = read_cpu_times(root_, cpus_);
  found.cpus = cpus_.size();
  if (times && times_before_ && found.seconds >= least_seconds) {
    found.steal_seconds = std::max(0.0, times->steal - times_before_->steal);
    found.others_seconds = std::max(0.0, times->busy - times_before_->busy - own);
  }
  found.load_average = read_load_average(root_);
  found.cpu_mhz = read_cpu_mhz(root_, cpus_);
  return Observed<HostState>::measured(found);
}

}  // namespace offload
