// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/calibration.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "bench/measure/counters.hpp"
#include "bench/measure/directions.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/start_times.hpp"
#include "bench/measure/timed.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/content.hpp"
#include "kernels/pointer_chase.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/peer.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"
#include "offload/statistics.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr std::size_t transfer_bytes = 256 * MiB;  // the copy engine is at its plateau from 64 MiB
constexpr std::size_t device_bytes = 1024 * MiB;
constexpr std::size_t chase_bytes = 64 * MiB;
constexpr std::size_t chase_steps = 1024;
constexpr int beside_repeats = 3;
constexpr std::uint64_t seed = 1;

double rate(std::size_t bytes, double seconds) { return static_cast<double>(bytes) / seconds; }

std::size_t at_most_a_quarter(std::size_t wanted, std::size_t available) {
  return std::min(wanted, std::max(available / 4, 4 * MiB) & ~(MiB - 1));
}

/// Host memory that no cache holds, and what the CPU reads of it: alone at two times, the best of
/// all, for this is the yardstick, and whatever disturbs it only lowers it.
class HostReads {
 public:
  HostReads(Session& session, WallTime& wall)
      : session_(session), wall_(wall), bytes_(host_read_bytes(session.platform().host)) {
    {
      const ScopedTimer timer(wall.allocation);
      memory_.emplace(session.host_buffers().borrow(HostMemory::pageable, bytes_));
    }
    reference::fill_random({memory_->data(), bytes_}, DType::u8, seed, session.workers());
  }

  const std::byte* data() const { return memory_->data(); }
  std::size_t bytes() const { return bytes_; }

  void alone(Calibration& result) {
    for (int i = 0; i < repeats; ++i) {
      const double seconds = timed_host_read(session_, wall_, data(), bytes_, bytes_);
      result.host_read = std::max(result.host_read, rate(bytes_, seconds));
    }
    for (int i = 0; i < repeats; ++i) {
      const double seconds = timed_host_read(session_, wall_, data(), bytes_, expert_bytes);
      pieces_seconds_ = std::min(pieces_seconds_, seconds);
    }
    const double beyond = pieces_seconds_ - static_cast<double>(bytes_) / result.host_read;
    const std::size_t pieces = bytes_ / expert_bytes;
    result.host_start = std::max(0.0, beyond / static_cast<double>(pieces));
  }

  /// By fewer threads than all: 1, 2, 4 and so on.
  void by_threads(Calibration& result) {
    for (std::size_t count = 1; count < session_.workers().size(); count *= 2) {
      HostWorkers some(count);
      double& best = result.host_read_by_threads[count];
      for (int i = 0; i < few_repeats; ++i) {
        std::uint64_t sum = 0;
        session_.flush_host_cache();
        const Stopwatch watch;
        host::stream_read(data(), bytes_, &sum, some);
        some.join();
        best = std::max(best, rate(bytes_, watch.seconds()));
      }
    }
    result.host_read_by_threads[session_.workers().size()] = result.host_read;
  }

 private:
  static constexpr int few_repeats = 2;

  Session& session_;
  WallTime& wall_;
  std::size_t bytes_;
  std::optional<HostBuffers::Loan> memory_;
  double pieces_seconds_ = std::numeric_limits<double>::infinity();
};

double chase_latency(Session& session, WallTime& wall, const std::byte* data, std::uint64_t* out) {
  const std::size_t steps = chase_steps;
  return median_seconds(session, wall, repeats,
                        [&] { kernels::pointer_chase(data, 0, steps, out, session.stream()); }) /
         static_cast<double>(steps);
}

/// Copy engine and CPU share the host's memory: what each reads while the other does too, over the
/// same memory and by the same clock as alone, and with the other at work all the time.
class BothAtOnce {
 public:
  BothAtOnce(Session& session, WallTime& wall, const HostReads& reads, void* to,
             const std::byte* from, std::size_t bytes)
      : session_(session), wall_(wall), reads_(reads), to_(to), from_(from), bytes_(bytes) {}

  void measure(Calibration& result) {
    const double copy = static_cast<double>(bytes_) / *result.copy_h2d;
    const double read = static_cast<double>(reads_.bytes()) / result.host_read;
    constexpr std::size_t copies = 8;
    std::vector<double> reading;
    std::vector<double> copying;
    for (int i = 0; i < beside_repeats; ++i) {
      const auto read_seconds = seconds_beside(enough_company(read, copy), [&](std::size_t wanted) {
        const auto [copied, read_all] = run(wanted, 1);
        return Beside{read_all, copied};
      });
      const auto copy_seconds =
          seconds_beside(enough_company(copies * copy, read), [&](std::size_t wanted) {
            const auto [copied, read_all] = run(copies, wanted);
            return Beside{copied, read_all};
          });
      if (read_seconds) reading.push_back(*read_seconds);
      if (copy_seconds) copying.push_back(*copy_seconds);
    }
    if (!reading.empty()) {
      result.host_read_beside_copy = rate(reads_.bytes(), percentile(reading, 50));
    }
    if (!copying.empty()) {
      result.copy_h2d_beside_host = rate(copies * bytes_, percentile(copying, 50));
    }
  }

 private:
  /// Seconds until all copies, and until all reads are done.
  std::pair<double, double> run(std::size_t copies, std::size_t reads) {
    session_.flush_host_cache();
    cuda::stream_synchronize(session_.stream());
    std::uint64_t sum = 0;
    const Stopwatch watch;
    begin_.record(session_.stream());
    for (std::size_t i = 0; i < copies; ++i) {
      cuda::memcpy_async(to_, from_, bytes_, session_.stream());
    }
    end_.record(session_.stream());  // not after the reads, whose end would be the copies' then
    for (std::size_t i = 0; i < reads; ++i) {
      host::stream_read(reads_.data(), reads_.bytes(), &sum, session_.workers());
    }
    session_.workers().join();
    const double read_seconds = watch.seconds();
    end_.synchronize();
    const double copy_seconds = end_.seconds_since(begin_);
    wall_.measured += std::max(read_seconds, copy_seconds);
    return {copy_seconds, read_seconds};
  }

  Session& session_;
  WallTime& wall_;
  const HostReads& reads_;
  void* to_;
  const std::byte* from_;
  std::size_t bytes_;
  cuda::Event begin_;
  cuda::Event end_;
};

/// The link as the copy engine finds it: an idle one lowers its generation, and reading that takes
/// the driver tens of milliseconds while the GPU is busy.
void read_link_under_load(Session& session, void* to, const std::byte* from, std::size_t bytes,
                          Calibration& result) {
  constexpr double load_seconds = 0.1;
  const double copies = load_seconds * *result.copy_h2d / static_cast<double>(bytes);
  for (int i = 0; i < std::clamp(static_cast<int>(copies), 2, 1000); ++i) {
    cuda::memcpy_async(to, from, bytes, session.stream());
  }
  GpuState state;
  session.gpu_counters().note_after(state);
  cuda::stream_synchronize(session.stream());
  if (session.platform().link) {
    result.link_generation = state.pcie_generation;
    result.link_width = state.pcie_width;
  }
  result.throttled = state.throttled_after;
}

/// What one copy of a calibration moves.
std::size_t copied_bytes(const Platform& platform) {
  return at_most_a_quarter(transfer_bytes,
                           std::min(host_memory_limit(platform.host), gpu_memory_limit(platform)));
}

void calibrate_gpu(Session& session, WallTime& wall, const HostReads& reads,
                   const std::function<void()>& checkpoint, Calibration& result) {
  const Platform& platform = session.platform();
  const StreamHandle stream = session.stream();
  const std::size_t bytes = copied_bytes(platform);
  const std::size_t big = at_most_a_quarter(device_bytes, gpu_memory_limit(platform));
  const auto pinned = [&] {
    const ScopedTimer timer(wall.allocation);
    return session.host_buffers().borrow(HostMemory::pinned, bytes);
  }();
  const cuda::DeviceBuffer device(std::max(bytes, big));
  const cuda::DeviceBuffer out(2 * sizeof(std::uint64_t));
  auto* const device_bytes_at = static_cast<std::byte*>(device.data());
  auto* const results = static_cast<std::uint64_t*>(out.data());
  reference::fill_random({pinned.data(), bytes}, DType::u8, seed, session.workers());
  cuda::memset_async(out.data(), 0, out.bytes(), stream);
  for (std::size_t at = 0; at < device.bytes(); at += bytes) {
    cuda::memcpy_async(device_bytes_at + at, pinned.data(), std::min(bytes, device.bytes() - at),
                       stream);
  }
  cuda::stream_synchronize(stream);
  checkpoint();

  const auto copy = [&](void* to, const void* from, std::optional<double>& best) {
    for (int i = 0; i < repeats; ++i) {
      const double found =
          rate(bytes,
               timed_seconds(session, wall, [&] { cuda::memcpy_async(to, from, bytes, stream); }));
      best = std::max(best.value_or(0), found);
    }
  };
  // The best, as of the host's reads, and at two times: others take a part of a shared host's link
  // for longer than a few copies last.
  const auto copies = [&] {
    copy(device.data(), pinned.data(), result.copy_h2d);
    copy(pinned.data(), device.data(), result.copy_d2h);
  };
  copies();
  checkpoint();
  result.sm_read_pinned = rate(bytes, best_sm_read(session, wall, pinned.data(), bytes, 2).seconds);
  checkpoint();
  result.device_read = rate(big, median_seconds(session, wall, 2 * repeats, [&] {
                              kernels::stream_read(device_bytes_at, big, results, stream);
                            }));

  checkpoint();
  copies();
  read_link_under_load(session, device.data(), pinned.data(), bytes, result);
  BothAtOnce(session, wall, reads, device.data(), pinned.data(), bytes).measure(result);
  checkpoint();
  calibrate_directions(session, wall, pinned.data(), device_bytes_at, bytes, result);
  result.host_read_of_gpu_memory = host_read_of_gpu_memory(session, wall, bytes);

  const std::size_t chase = std::min(chase_bytes, bytes);
  reference::make_chain({pinned.data(), chase}, seed);
  cuda::memcpy_async(device.data(), pinned.data(), chase, stream);
  result.link_latency = chase_latency(session, wall, pinned.data(), results);
  result.device_latency = chase_latency(session, wall, device_bytes_at, results);
  calibrate_starts(session, wall, pinned.data(), device_bytes_at, bytes, result);
}

}  // namespace

void calibrate_peer(Session& session, WallTime& wall, Calibration& result) {
  const Peer* const peer = serving_peer(session.platform());
  if (peer == nullptr) return;
  const std::size_t bytes = copied_bytes(session.platform());
  // It may be full, or another's alone: then nothing is known of it, and all else still is.
  const auto memory = [&]() -> std::optional<cuda::PeerBuffer> {
    try {
      return std::optional<cuda::PeerBuffer>(std::in_place, bytes, peer->index);
    } catch (const CudaError& error) {
      if (error.context_dead()) throw;
      return std::nullopt;
    }
  }();
  if (!memory) return;
  const cuda::DeviceBuffer here(bytes);
  cuda::memset_async(memory->data(), 0, bytes, session.stream());
  for (int i = 0; i < repeats; ++i) {
    const double seconds = timed_seconds(session, wall, [&] {
      cuda::memcpy_async(here.data(), memory->data(), bytes, session.stream());
    });
    result.peer_copy = std::max(result.peer_copy.value_or(0), rate(bytes, seconds));
  }
  result.sm_read_peer = rate(bytes, best_sm_read(session, wall, memory->data(), bytes, 2).seconds);
}

double pageable_copy_rate(Session& session, WallTime& wall) {
  const std::size_t bytes = copied_bytes(session.platform());
  const cuda::DeviceBuffer device(bytes);
  std::vector<double> rates;
  {
    const auto pageable = [&] {
      const ScopedTimer timer(wall.allocation);
      return session.host_buffers().borrow(HostMemory::pageable, bytes);
    }();
    reference::fill_random({pageable.data(), bytes}, DType::u8, seed, session.workers());
    for (int i = 0; i < repeats; ++i) {
      session.flush_host_cache();  // the CPU reads it, to stage it
      const double seconds = timed_seconds(session, wall, [&] {
        cuda::memcpy_async(device.data(), pageable.data(), bytes, session.stream());
      });
      rates.push_back(rate(bytes, seconds));
    }
  }
  session.host_buffers().trim();
  return percentile(rates, 50);
}

std::size_t host_read_bytes(const Host& host) {
  constexpr std::size_t least = 512 * MiB;
  constexpr std::size_t most = 4096 * MiB;
  const std::size_t wanted = 4 * host.last_level_cache_bytes.value_or(0);
  return at_most_a_quarter(std::clamp(wanted, least, most), host_memory_limit(host));
}

BestRead best_sm_read(Session& session, WallTime& wall, const std::byte* data, std::size_t bytes,
                      int repeats_wanted) {
  const cuda::DeviceBuffer sum(sizeof(std::uint64_t));
  cuda::memset_async(sum.data(), 0, sum.bytes(), session.stream());
  BestRead best;
  const int sms = session.platform().gpu->sm_count;
  for (const int blocks : {sms / 2, sms, 2 * sms, 4 * sms, 8 * sms}) {
    for (const int threads : {256, 512}) {
      for (const int load_bytes : {4, 8, 16}) {
        const kernels::StreamReadShape shape{blocks, threads, load_bytes};
        const double seconds = median_seconds(session, wall, repeats_wanted, [&] {
          kernels::stream_read(data, bytes, static_cast<std::uint64_t*>(sum.data()),
                               session.stream(), shape);
        });
        if (best.seconds == 0 || seconds < best.seconds) best = {seconds, shape};
      }
    }
  }
  return best;
}

Calibration calibrate(Session& session, WallTime& wall, const std::function<void()>& checkpoint) {
  const Range range("calibrate");
  Calibration result;
  {
    const ScopedTimer timer(result.seconds);
    {
      HostReads reads(session, wall);
      reads.alone(result);
      checkpoint();
      if (session.gpu()) {
        // At two times: it doubles as soon as others take one of the CPUs for a while.
        const double at_first = hand_over_seconds(session);
        calibrate_gpu(session, wall, reads, checkpoint, result);
        result.copy_pageable = pageable_copy_rate(session, wall);
        reads.alone(result);
        result.hand_over = std::min(at_first, hand_over_seconds(session));
      }
      reads.by_threads(result);
    }
    session.host_buffers().trim();
  }
  return result;
}

}  // namespace offload
