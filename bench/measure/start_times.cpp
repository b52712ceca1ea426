// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/start_times.hpp"

#include <algorithm>
#include <cstdint>

#include "bench/measure/timed.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

constexpr int repeats = 5;
constexpr std::size_t pieces = 64;
constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr std::size_t small_bytes = std::size_t{64} << 10;

/// What each of so many takes beyond the time of its bytes.
double beyond(double seconds, std::size_t count, std::size_t bytes, double rate) {
  const double each = seconds / static_cast<double>(count);
  return std::max(0.0, each - static_cast<double>(bytes) / rate);
}

}  // namespace

void calibrate_starts(Session& session, WallTime& wall, std::byte* pinned, std::byte* device,
                      std::size_t bytes, Calibration& result) {
  const StreamHandle stream = session.stream();
  const std::size_t count = std::min(pieces, bytes / piece_bytes);
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
  const auto kernel = [&](std::size_t i) {
    kernels::stream_read(device + i * small_bytes, small_bytes, sum_at, stream);
  };
  const double launched = median_seconds(session, wall, repeats, [&] {
    for (std::size_t i = 0; i < pieces; ++i) kernel(i);
  });
  result.launch = beyond(launched, pieces, small_bytes, *result.device_read);

  constexpr std::size_t turns = 32;
  std::uint64_t host_sum = 0;
  cuda::stream_synchronize(stream);
  const Stopwatch watch;
  for (std::size_t i = 0; i < turns; ++i) {
    kernel(i);
    cuda::stream_synchronize(stream);
    host::stream_read(pinned, small_bytes, &host_sum, session.workers());
    session.workers().join();
  }
  result.hand_over = watch.seconds() / static_cast<double>(2 * turns);
}

}  // namespace offload
