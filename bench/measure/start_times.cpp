// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/start_times.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bench/measure/timed.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

constexpr std::size_t most_copies = 64;
constexpr std::size_t piece_bytes = MiB;
constexpr std::size_t small_bytes = 64 * KiB;

/// What each of so many takes beyond the time of its bytes.
double beyond(double seconds, std::size_t count, std::size_t bytes, double rate) {
  const double each = seconds / static_cast<double>(count);
  return std::max(0.0, each - static_cast<double>(bytes) / rate);
}

}  // namespace

void calibrate_starts(Session& session, WallTime& wall, std::byte* pinned, std::byte* device,
                      std::size_t bytes, Calibration& result) {
  const StreamHandle stream = session.stream();
  const std::size_t count = std::min(most_copies, bytes / piece_bytes);
  const double copied = median_seconds(session, wall, repeats, [&] {
    for (std::size_t i = 0; i < count; ++i) {
      cuda::memcpy_async(device + i * piece_bytes, pinned + i * piece_bytes, piece_bytes, stream);
    }
  });
  result.copy_start = beyond(copied, count, piece_bytes, *result.copy_h2d);
  if (session.platform().gpu->memory_model.batched_copies) {
    cuda::CopyBatch batch;
    for (std::size_t i = 0; i < count; ++i) {
      batch.add(device + i * piece_bytes, pinned + i * piece_bytes, piece_bytes);
    }
    const double batched =
        median_seconds(session, wall, repeats, [&] { cuda::memcpy_batch_async(batch, stream); });
    result.batch_start = beyond(batched, count, piece_bytes, *result.copy_h2d);
  }

  const cuda::DeviceBuffer sum(sizeof(std::uint64_t));
  auto* const sum_at = static_cast<std::uint64_t*>(sum.data());
  cuda::memset_async(sum.data(), 0, sum.bytes(), stream);
  const std::size_t kernels_of_all = std::min(most_copies, bytes / expert_bytes);
  const double launched = median_seconds(session, wall, repeats, [&] {
    for (std::size_t i = 0; i < kernels_of_all; ++i) {
      kernels::stream_read(device + i * expert_bytes, expert_bytes, sum_at, stream);
    }
  });
  result.launch = beyond(launched, kernels_of_all, expert_bytes, *result.device_read);
}

double hand_over_seconds(Session& session) {
  constexpr std::size_t turns = 32;
  const StreamHandle stream = session.stream();
  const cuda::DeviceBuffer device(small_bytes);
  const cuda::DeviceBuffer sum(sizeof(std::uint64_t));
  const std::vector<std::byte> host(small_bytes);
  std::uint64_t host_sum = 0;
  cuda::memset_async(device.data(), 0, device.bytes(), stream);
  cuda::memset_async(sum.data(), 0, sum.bytes(), stream);
  cuda::stream_synchronize(stream);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < turns; ++i) {
    const Stopwatch watch;
    kernels::stream_read(static_cast<const std::byte*>(device.data()), small_bytes,
                         static_cast<std::uint64_t*>(sum.data()), stream);
    cuda::stream_synchronize(stream);
    host::stream_read(host.data(), small_bytes, &host_sum, session.workers());
    session.workers().join();
    seconds.push_back(watch.seconds() / 2);
  }
  return percentile(seconds, 50);
}

}  // namespace offload
