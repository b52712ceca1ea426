// SPDX-License-Identifier: Apache-2.0
// The time model of the command plan. Rates are round figures of real machines (H200 on PCIe Gen5,
// two to sixteen host cores); they steer expectations and nothing else.
#include <algorithm>
#include <cmath>
#include <set>

#include "bench/measure/plan.hpp"
#include "bench/policies/parts/partly_resident.hpp"

namespace offload {
namespace {

constexpr double gib = 1024.0 * 1024.0 * 1024.0;

// Bytes per second.
constexpr double migration_rate = 8e9;  // page faults, and small prefetches
constexpr double eviction_rate = 12e9;  // managed pages going back to the host
constexpr double pageable_copy_rate = 6.5e9;
constexpr double fill_rate = 5e9;               // the master copy into a placement
constexpr double disk_rate = 1e9;               // likewise into a file, and from there when cold
constexpr double content_rate_per_cpu = 0.2e9;  // making weights and computing the reference
constexpr double host_read_rate_per_cpu = 4.4e9;
constexpr double host_read_rate_limit = 400e9;
constexpr double link_rate_unknown = 25e9;
constexpr double device_rate_unknown = 1e12;
constexpr double peer_rate = 300e9;        // NVLink; far less where GPUs meet over PCIe
constexpr double one_memory_rate = 200e9;  // published of GB10 and AGX Orin: 231 and 205 GB/s

// Seconds.
constexpr double pinning_per_gib = 0.6;
constexpr double case_overhead = 5e-3;  // registering, verifying, writing the journal
constexpr double device_cache_flush = 50e-6;
constexpr double calibration_with_gpu = 3;
constexpr double calibration_without_gpu = 1;
constexpr double limits = 20;

constexpr double chain_node_bytes = 128;
constexpr double max_chain_steps = 1024;
constexpr double fault_seconds = 25e-6;  // one page fault, its neighbourhood brought along

double latency(Path path) {
  switch (path) {
    case Path::device_memory:
    case Path::one_memory:
      return 0.7e-6;
    case Path::link:
    case Path::peer:
      return 1.2e-6;
    case Path::host_memory:
      return 0.1e-6;
  }
  return 0;
}

class TimeModel {
 public:
  TimeModel(const Platform& platform, const Tuning& tuning) : platform_(platform), tuning_(tuning) {
    const double cpus = std::max(1, platform.host.logical_cpus);
    host_rate_ = std::min(cpus * host_read_rate_per_cpu, host_read_rate_limit);
    content_rate_ = cpus * content_rate_per_cpu;
    if (platform.link && platform.link->peak_bytes_per_second) {
      link_rate_ = 0.8 * *platform.link->peak_bytes_per_second;
    }
    if (platform.gpu && platform.gpu->hbm_peak_bytes_per_second) {
      device_rate_ = 0.9 * *platform.gpu->hbm_peak_bytes_per_second;
    }
  }

  double case_seconds(const Case& item, std::size_t samples) const {
    const double pass = pass_seconds(item);
    const std::size_t in_a_sample = passes_per_sample(pass, item.start, cpu_reads(item));
    // Verified, settled and verified again.
    const double around = item.start == Start::cold ? 5 : 3;
    const double passes = around + static_cast<double>(samples * in_a_sample);
    return case_overhead + passes * (pass + reset_seconds(item));
  }

  double placement_seconds(const Case& item, bool allocator_is_new) const {
    const Requirement needs = memory_needed(*item.policy, *item.weights, tuning_);
    const double pinning =
        allocator_is_new ? static_cast<double>(needs.pinned) / gib * pinning_per_gib : 0;
    return pinning + bytes(item) / (item.policy->family == Family::file ? disk_rate : fill_rate);
  }

  double content_seconds(const Case& item) const { return bytes(item) / content_rate_; }

 private:
  static double bytes(const Case& item) { return static_cast<double>(item.weights->bytes()); }

  bool migrates_now(const Case& item) const {
    return item.start == Start::cold && migrates(*item.policy, platform_);
  }

  double pass_seconds(const Case& item) const {
    const Path path = item.policy->path(item.start, platform_);
    if (item.workload->content() == Content::chain) {
      const double steps = std::min(bytes(item) / chain_node_bytes, max_chain_steps);
      const double faults =
          migrates_now(item) ? std::min(bytes(item) / migration_rate, steps * fault_seconds) : 0;
      return std::max(1.0, steps) * latency(path) + faults;
    }
    return std::max(bytes(item), 1.0) / rate(item, path);
  }

  double rate(const Case& item, Path path) const {
    if (item.policy->family == Family::file && item.start == Start::cold) return disk_rate;
    switch (path) {
      case Path::device_memory:
        return device_rate_;
      case Path::host_memory:
        return host_rate_;
      case Path::one_memory:
        return copies_from_pageable(item) ? pageable_copy_rate : one_memory_rate;
      case Path::peer:
        return peer_rate;
      case Path::link:
        break;
    }
    if (migrates_now(item)) return migration_rate;
    return copies_from_pageable(item) ? pageable_copy_rate : link_rate_;
  }

  bool copies_from_pageable(const Case& item) const {
    const Requirement needs = memory_needed(*item.policy, *item.weights, tuning_);
    return needs.device > 0 && needs.pageable > 0;
  }

  bool cpu_reads(const Case& item) const {
    const bool computes = item.policy->path(item.start, platform_) == Path::host_memory;
    return computes || copies_from_pageable(item);
  }

  /// Back to cold, and the caches flushed.
  double reset_seconds(const Case& item) const {
    double seconds = platform_.gpu ? device_cache_flush : 0;
    if (migrates_now(item)) seconds += bytes(item) / eviction_rate;
    if (cpu_reads(item)) {
      const double cache = static_cast<double>(platform_.host.last_level_cache_bytes.value_or(0));
      seconds += std::max(2 * cache, gib / 16) / host_rate_;
    }
    return seconds;
  }

  const Platform& platform_;
  const Tuning& tuning_;
  double host_rate_ = 0;
  double content_rate_ = 0;
  double link_rate_ = link_rate_unknown;
  double device_rate_ = device_rate_unknown;
};

}  // namespace

double estimated_seconds(const Plan& plan, const Options& options, const Platform& platform) {
  const TimeModel model(platform, plan.tuning);
  double seconds = platform.gpu ? calibration_with_gpu : calibration_without_gpu;
  if (options.limits && platform.gpu) seconds += limits;

  const WeightSet* weights = nullptr;
  const Policy* policy = nullptr;
  std::set<std::string_view> allocators;
  std::set<Content> contents;
  for (const Case& item : plan.cases) {
    if (weights == nullptr || item.weights != weights) {
      weights = item.weights;
      policy = nullptr;
      allocators.clear();
      contents.clear();
    }
    if (contents.insert(item.workload->content()).second) seconds += model.content_seconds(item);
    if (item.policy != policy) {
      policy = item.policy;
      const bool allocator_is_new = allocators.insert(policy->memory).second;
      seconds += model.placement_seconds(item, allocator_is_new);
    }
    seconds += model.case_seconds(item, options.samples);
  }
  return seconds;
}

std::size_t passes_per_sample(double pass_seconds, Start start, bool cpu_reads) {
  const double pass = std::max(pass_seconds, 1e-9);
  double wanted = 20e-3 / pass;
  if (start == Start::cold) {
    wanted = 1e-3 / pass;
  } else if (cpu_reads) {
    wanted = std::max(60e-3 / pass, std::min(6.0, std::floor(0.5 / pass)));
  }
  return static_cast<std::size_t>(std::clamp(std::ceil(wanted), 1.0, 32.0));
}

}  // namespace offload
