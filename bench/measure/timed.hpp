// SPDX-License-Identifier: Apache-2.0
// Bare calls and kernels, timed as passes of cases are: by the session's clock, caches flushed
// before.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>

#include "bench/measure/session.hpp"
#include "bench/record.hpp"
#include "offload/units.hpp"

namespace offload {

/// How much memory one expert takes: the smallest piece that engines bring by itself.
inline constexpr std::size_t expert_bytes = 4 * MiB;
/// Of each timing, unless it says otherwise.
inline constexpr int repeats = 5;

/// Median seconds of `repeats` runs of `pass`, each after a flush of the L2 where there is a GPU.
double median_seconds(Session& session, WallTime& wall, int repeats,
                      const std::function<void()>& pass);

/// Seconds of one `pass`, after a flush of the L2 where there is a GPU.
double timed_seconds(Session& session, WallTime& wall, const std::function<void()>& pass);

/// Seconds of one plain read of host memory by all workers, after a flush of the CPU's caches: in
/// pieces of `piece` bytes, each of which all workers share.
double timed_host_read(Session& session, WallTime& wall, const std::byte* data, std::size_t bytes,
                       std::size_t piece);

/// Two things done at once, the second `times` times.
struct Beside {
  double timed = 0;    // seconds until the first was done
  double company = 0;  // seconds until the second was
};
/// How often the second is to be done where the first takes `timed` seconds alone and the second
/// `company` each time, so that it is probably the later to end: each slows the other down.
std::size_t enough_company(double timed, double company);
/// Seconds of the first with the second beside it all the time: the second is given more to do
/// until it takes at least as long. nullopt if it never does.
std::optional<double> seconds_beside(std::size_t times,
                                     const std::function<Beside(std::size_t times)>& both);

}  // namespace offload
