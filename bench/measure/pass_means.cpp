// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/pass_means.hpp"

#include <algorithm>
#include <string>

namespace offload {

Moment moment_before(const DriverThreads& threads, const GpuCounters& counters) {
  Moment now;
  now.wire = counters.wire();
  now.threads = threads.seconds();
  now.process = process_usage();
  return now;
}

Moment moment_after(const DriverThreads& threads, const GpuCounters& counters) {
  Moment now;
  now.process = process_usage();
  now.threads = threads.seconds();
  now.wire = counters.wire();
  return now;
}

void PassMeans::add(const Moment& before, const Moment& after) {
  ++passes_;
  process_.cpu_seconds += after.process.cpu_seconds - before.process.cpu_seconds;
  process_.minor_faults += after.process.minor_faults - before.process.minor_faults;
  process_.major_faults += after.process.major_faults - before.process.major_faults;
  threads_.resize(std::max(threads_.size(), after.threads.size()), 0);
  for (std::size_t i = 0; i < after.threads.size(); ++i) {
    threads_[i] += after.threads[i] - before.threads[i];
  }
  if (!before.wire || !after.wire) return;
  ++passes_with_wire_;
  const LinkTraffic of_pass = link_traffic(*before.wire, *after.wire, gpu_only_reads_);
  link_.wire_to_device += of_pass.wire_to_device;
  link_.wire_to_host += of_pass.wire_to_host;
  if (of_pass.payload_to_device) {
    link_.payload_to_device = link_.payload_to_device.value_or(0) + *of_pass.payload_to_device;
  }
}

CpuTime PassMeans::cpu(const DriverThreads& threads) const {
  CpuTime time;
  time.process = mean(process_.cpu_seconds);
  if (!threads.available()) return time;
  const std::vector<std::string> names = threads.names();
  double sum = 0;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    sum += mean(threads_[i]);
    if (threads_[i] > 0) time.threads.emplace_back(names[i], mean(threads_[i]));
  }
  time.driver = sum;
  return time;
}

PageFaults PassMeans::page_faults() const {
  return {mean(process_.minor_faults), mean(process_.major_faults)};
}

std::optional<LinkTraffic> PassMeans::link() const {
  if (passes_ == 0 || passes_with_wire_ < passes_) return std::nullopt;
  LinkTraffic means{mean(link_.wire_to_device), mean(link_.wire_to_host), std::nullopt};
  if (link_.payload_to_device) means.payload_to_device = mean(*link_.payload_to_device);
  return means;
}

}  // namespace offload
