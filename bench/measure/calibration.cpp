// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/calibration.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "bench/measure/ranges.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/content.hpp"
#include "kernels/pointer_chase.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;
constexpr std::size_t transfer_bytes = 256 * MiB;  // the copy engine is at its plateau from 64 MiB
constexpr std::size_t device_bytes = 1024 * MiB;
constexpr std::size_t chase_bytes = 64 * MiB;
constexpr std::size_t chase_steps = 1024;
constexpr int repeats = 5;
constexpr std::uint64_t seed = 1;

double rate(std::size_t bytes, double seconds) { return static_cast<double>(bytes) / seconds; }

std::size_t at_most_a_quarter(std::size_t wanted, std::size_t available) {
  return std::min(wanted, std::max(available / 4, 4 * MiB) & ~(MiB - 1));
}

double host_read_rate(Session& session, WallTime& wall) {
  const Host& host = session.platform().host;
  const std::size_t wanted = std::max(512 * MiB, 4 * host.last_level_cache_bytes.value_or(0));
  const std::size_t bytes = at_most_a_quarter(wanted, host.available_bytes);
  const auto loan = [&] {
    const ScopedTimer timer(wall.allocation);
    return session.host_buffers().borrow(HostMemory::pageable, bytes);
  }();
  reference::fill_random({loan.data(), bytes}, DType::u8, seed, session.workers());
  std::vector<double> seconds;
  seconds.reserve(repeats);
  for (int i = 0; i < repeats; ++i) {
    seconds.push_back(timed_host_read(session, wall, loan.data(), bytes));
  }
  // The best, not the median: this is the yardstick, and whatever disturbs it only lowers it.
  return rate(bytes, *std::min_element(seconds.begin(), seconds.end()));
}

double chase_latency(Session& session, WallTime& wall, const std::byte* data, std::uint64_t* out) {
  const std::size_t steps = chase_steps;
  return median_seconds(session, wall, repeats,
                        [&] { kernels::pointer_chase(data, 0, steps, out, session.stream()); }) /
         static_cast<double>(steps);
}

/// Copy engine and CPU share the host's memory: what each reads while the other does too.
void both_at_once(Session& session, WallTime& wall, void* to, const std::byte* from,
                  std::size_t bytes, Calibration& result) {
  constexpr int copies = 12;
  const auto plain = session.host_buffers().borrow(HostMemory::pageable, bytes);
  std::fill_n(plain.data(), bytes, std::byte{0x5a});
  const double copying = copies * static_cast<double>(bytes) / *result.copy_h2d;
  const double alone = static_cast<double>(bytes) / result.host_read;
  // About as long as the copies, which slow the reads down as the reads do the copies.
  const int reads = std::max(1, static_cast<int>(copying / alone / 1.5));
  std::uint64_t sum = 0;
  cuda::stream_synchronize(session.stream());
  const Stopwatch watch;
  session.timer().begin(session.stream());
  for (int i = 0; i < copies; ++i) cuda::memcpy_async(to, from, bytes, session.stream());
  for (int i = 0; i < reads; ++i) host::stream_read(plain.data(), bytes, &sum, session.workers());
  session.workers().join();
  const double read_seconds = watch.seconds();
  const double copy_seconds = session.timer().end(session.stream());
  wall.measured += std::max(read_seconds, copy_seconds);
  result.copy_h2d_beside_host = copies * static_cast<double>(bytes) / copy_seconds;
  result.host_read_beside_copy = reads * static_cast<double>(bytes) / read_seconds;
}

void calibrate_gpu(Session& session, WallTime& wall, const std::function<void()>& checkpoint,
                   Calibration& result) {
  const Platform& platform = session.platform();
  const StreamHandle stream = session.stream();
  const std::size_t bytes = at_most_a_quarter(
      transfer_bytes, std::min(platform.host.available_bytes, platform.gpu->free_bytes));
  const std::size_t big = at_most_a_quarter(device_bytes, platform.gpu->free_bytes);
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
  both_at_once(session, wall, device.data(), pinned.data(), bytes, result);

  const std::size_t chase = std::min(chase_bytes, bytes);
  reference::make_chain({pinned.data(), chase}, seed);
  cuda::memcpy_async(device.data(), pinned.data(), chase, stream);
  result.link_latency = chase_latency(session, wall, pinned.data(), results);
  result.device_latency = chase_latency(session, wall, device_bytes_at, results);
}

}  // namespace

double median_seconds(Session& session, WallTime& wall, int repeats_wanted,
                      const std::function<void()>& pass) {
  pass();  // loads the kernel and maps what it touches
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(repeats_wanted));
  for (int i = 0; i < repeats_wanted; ++i) seconds.push_back(timed_seconds(session, wall, pass));
  return percentile(seconds, 50);
}

double timed_seconds(Session& session, WallTime& wall, const std::function<void()>& pass) {
  if (session.gpu()) session.flush_device_cache();
  session.timer().begin(session.stream());
  pass();
  const double seconds = session.timer().end(session.stream());
  wall.measured += seconds;
  return seconds;
}

double timed_host_read(Session& session, WallTime& wall, const std::byte* data, std::size_t bytes) {
  std::uint64_t sum = 0;
  const Stopwatch watch;
  host::stream_read(data, bytes, &sum, session.workers());
  session.workers().join();
  const double seconds = watch.seconds();
  wall.measured += seconds;
  return seconds;
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
    result.host_read = host_read_rate(session, wall);
    checkpoint();
    if (session.gpu()) calibrate_gpu(session, wall, checkpoint, result);
    session.host_buffers().trim();
  }
  return result;
}

}  // namespace offload
