// SPDX-License-Identifier: Apache-2.0
// The working parts of a run: stream, host threads, buffers, clock, the GPU's counters and cache
// flushes.
#pragma once
#include <memory>
#include <optional>

#include "bench/measure/company.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/host_workers.hpp"
#include "offload/platform.hpp"
#include "offload/workload.hpp"

namespace offload {

/// Times what lies between begin and end: by events on the stream where there is a GPU, so that
/// enqueueing is not counted, by the steady clock where there is none.
class PassTimer final : public SetupClock {
 public:
  explicit PassTimer(bool gpu);
  void begin(StreamHandle stream);
  void set_up(StreamHandle stream) override;
  /// Waits for the stream. Seconds since begin().
  double end(StreamHandle stream);
  /// Seconds from begin() to set_up() of the pass that ended; nullopt when it reported none.
  std::optional<double> setup_seconds() const { return setup_seconds_; }

 private:
  struct Events {
    cuda::Event begin;
    cuda::Event set_up;
    cuda::Event end;
  };
  std::unique_ptr<Events> events_;
  Stopwatch watch_;  // without events
  bool is_set_up_ = false;
  std::optional<double> setup_seconds_;
};

class Session {
 public:
  /// `platform` must outlive the session. threads == 0: all this process may use.
  Session(const Platform& platform, std::size_t threads, HostPages pages = HostPages::as_set);

  const Platform& platform() const { return platform_; }
  bool gpu() const { return platform_.gpu.has_value(); }
  HostWorkers& workers() { return workers_; }
  HostBuffers& host_buffers() { return host_buffers_; }
  StreamHandle stream() const { return stream_ ? static_cast<StreamHandle>(*stream_) : nullptr; }
  LaunchTarget target() { return {stream(), workers_}; }
  PassTimer& timer() { return timer_; }
  const GpuCounters& gpu_counters() const { return gpu_counters_; }
  PlaceContext place_context() { return {platform_, host_buffers_, workers_, tuning_, rates_}; }
  const Tuning& tuning() const { return tuning_; }
  void set_tuning(const Tuning& tuning) { tuning_ = tuning; }
  void set_rates(const Rates& rates) { rates_ = rates; }

  /// Those that run the case at the same time, this one among them; nullptr: this one alone.
  void set_company(Company* company) { company_ = company; }
  /// Waits until a sample's pass can begin on all of them: Company::line_up().
  void line_up(bool from_idle) const {
    if (company_ != nullptr) company_->line_up(stream(), from_idle);
  }
  /// What is decided by a time is decided alike by all: the most of what they have.
  double agree(double mine) const { return company_ == nullptr ? mine : company_->agree(mine); }

  /// Enqueue a read of three times the L2 size: nothing of the weights stays cached, and, unlike
  /// after a write, no dirty line has to be written back inside the timed pass.
  void flush_device_cache();
  /// Read twice the last-level cache (64 MiB at least) with every worker. Complete on return.
  void flush_host_cache();
  /// Wait for the stream and the workers.
  void wait();

 private:
  const Platform& platform_;
  HostWorkers workers_;
  HostBuffers host_buffers_;
  std::unique_ptr<cuda::Stream> stream_;
  PassTimer timer_;
  GpuCounters gpu_counters_;
  Tuning tuning_;
  Rates rates_;
  cuda::DeviceBuffer l2_filler_;
  cuda::DeviceBuffer l2_filler_sum_;
  std::unique_ptr<HostAllocation> llc_filler_;
  Company* company_ = nullptr;
};

}  // namespace offload
