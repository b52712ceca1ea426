// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/directions.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "bench/measure/counters.hpp"
#include "bench/measure/timed.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/content.hpp"
#include "kernels/stream_copy.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

/// The fastest of some grids: writes need no answer, so that few blocks can fill a link, and many
/// can crowd it.
double best_sm_write(Session& session, WallTime& wall, const std::byte* from, std::byte* to,
                     std::size_t bytes) {
  const int sms = session.platform().gpu->sm_count;
  double best = std::numeric_limits<double>::infinity();
  for (const int blocks : {sms / 4, sms, 4 * sms}) {
    best = std::min(best, median_seconds(session, wall, repeats, [&] {
                      kernels::stream_copy(from, to, bytes, session.stream(), std::max(blocks, 1));
                    }));
  }
  return static_cast<double>(bytes) / best;
}

/// Copies to the GPU and from it, over parts of the same buffers that do not overlap.
class BothWays {
 public:
  BothWays(Session& session, WallTime& wall, std::byte* pinned, std::byte* device,
           std::size_t bytes)
      : session_(session), wall_(wall), pinned_(pinned), device_(device), bytes_(bytes / 2) {}

  void measure(const Calibration& alone, std::optional<double>& h2d, std::optional<double>& d2h) {
    const double in = static_cast<double>(bytes_) / *alone.copy_h2d;
    const double out = static_cast<double>(bytes_) / *alone.copy_d2h;
    h2d = rate(in, out, [&](std::size_t company) {
      const Times took = run(copies, company);
      return Beside{took.in, took.out};
    });
    d2h = rate(out, in, [&](std::size_t company) {
      const Times took = run(company, copies);
      return Beside{took.out, took.in};
    });
  }

 private:
  static constexpr std::size_t copies = 4;

  struct Times {
    double in = 0;  // seconds until the last copy to the GPU was done
    double out = 0;
  };

  template <typename Both>
  std::optional<double> rate(double timed, double company, const Both& both) {
    const std::size_t wanted = enough_company(copies * timed, company);
    std::vector<double> seconds;
    for (int i = 0; i < repeats; ++i) {
      if (const auto found = seconds_beside(wanted, both)) seconds.push_back(*found);
    }
    if (seconds.empty()) return std::nullopt;
    return static_cast<double>(copies * bytes_) / percentile(seconds, 50);
  }

  Times run(std::size_t in, std::size_t out) {
    cuda::stream_synchronize(session_.stream());
    begin_.record(session_.stream());
    begin_.block(home_);
    for (std::size_t i = 0; i < std::max(in, out); ++i) {  // in turn, so that neither has a start
      if (i < out) cuda::memcpy_async(pinned_ + bytes_, device_ + bytes_, bytes_, home_);
      if (i < in) cuda::memcpy_async(device_, pinned_, bytes_, session_.stream());
    }
    out_end_.record(home_);
    in_end_.record(session_.stream());
    out_end_.synchronize();
    in_end_.synchronize();
    const Times took{in_end_.seconds_since(begin_), out_end_.seconds_since(begin_)};
    wall_.measured += std::max(took.in, took.out);
    return took;
  }

  Session& session_;
  WallTime& wall_;
  std::byte* pinned_;
  std::byte* device_;
  std::size_t bytes_;
  cuda::Stream home_;
  cuda::Event begin_;
  cuda::Event in_end_;
  cuda::Event out_end_;
};

bool is_on_gpu(const cuda::ManagedBuffer& memory, const Platform& platform) {
  const auto found = find_residency({{memory.data(), memory.bytes()}}, gpu_nodes(platform));
  return found.value && found.value->pages_asked > 0 &&
         found.value->not_on_cpu == found.value->pages_asked;
}

}  // namespace

void calibrate_directions(Session& session, WallTime& wall, std::byte* pinned, std::byte* device,
                          std::size_t bytes, Calibration& result) {
  result.sm_write_pinned = best_sm_write(session, wall, device, pinned, bytes);
  BothWays(session, wall, pinned, device, bytes)
      .measure(result, result.copy_h2d_beside_d2h, result.copy_d2h_beside_h2d);
}

std::optional<double> host_read_of_gpu_memory(Session& session, WallTime& wall, std::size_t bytes) {
  const Platform& platform = session.platform();
  const MemoryModel& model = platform.gpu->memory_model;
  if (!model.direct_managed_access_from_host || model.shares_host_memory) return std::nullopt;
  const cuda::ManagedBuffer memory(bytes);
  reference::fill_random({memory.data(), bytes}, DType::u8, 1, session.workers());
  using cuda::Advice;
  using cuda::Processor;
  cuda::mem_advise(memory.data(), bytes, Advice::set_preferred_location, Processor::gpu);
  cuda::mem_advise(memory.data(), bytes, Advice::set_accessed_by, Processor::cpu);
  cuda::mem_prefetch_async(memory.data(), bytes, Processor::gpu, session.stream());
  cuda::stream_synchronize(session.stream());
  if (!is_on_gpu(memory, platform)) return std::nullopt;
  std::vector<double> seconds;
  seconds.reserve(repeats);
  for (int i = 0; i < repeats; ++i) {
    seconds.push_back(timed_host_read(session, wall, memory.data(), bytes, bytes));
  }
  if (!is_on_gpu(memory, platform)) return std::nullopt;
  return static_cast<double>(bytes) / percentile(seconds, 50);
}

}  // namespace offload
