// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/timed.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "bench/measure/wall_clock.hpp"
#include "kernels/stream_read.hpp"
#include "offload/statistics.hpp"

namespace offload {

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

double timed_host_read(Session& session, WallTime& wall, const std::byte* data, std::size_t bytes,
                       std::size_t piece) {
  session.flush_host_cache();
  std::uint64_t sum = 0;
  const Stopwatch watch;
  for (std::size_t at = 0; at < bytes; at += piece) {
    host::stream_read(data + at, std::min(piece, bytes - at), &sum, session.workers());
  }
  session.workers().join();
  const double seconds = watch.seconds();
  wall.measured += seconds;
  return seconds;
}

std::size_t enough_company(double timed, double company) {
  constexpr double longer = 1.5;
  return static_cast<std::size_t>(std::ceil(longer * timed / company));
}

std::optional<double> seconds_beside(std::size_t times,
                                     const std::function<Beside(std::size_t times)>& both) {
  constexpr int most_tries = 6;
  for (int i = 0; i < most_tries; ++i) {
    const Beside took = both(times);
    if (took.company >= took.timed) return took.timed;
    times *= 2;
  }
  return std::nullopt;
}

}  // namespace offload
