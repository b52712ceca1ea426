// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/shared_rates.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "bench/measure/calibration.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/start_line.hpp"
#include "bench/measure/timed.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/content.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

constexpr std::size_t copied_bytes = 256 * MiB;
constexpr int copies = 4;
constexpr int starts = 20;

/// The memory that one lane moves, and how.
class Mover {
 public:
  Mover(Session& session, WallTime& wall)
      : session_(session),
        wall_(wall),
        host_(session.host_buffers().borrow(HostMemory::pageable,
                                            host_read_bytes(session.platform().host))) {
    reference::fill_random({host_.data(), host_.bytes()}, DType::u8, 1, session.workers());
    if (!session.gpu()) return;
    pinned_.emplace(session.host_buffers().borrow(HostMemory::pinned, copied_bytes));
    reference::fill_random({pinned_->data(), copied_bytes}, DType::u8, 1, session.workers());
    device_ = cuda::DeviceBuffer(copied_bytes);
    sum_ = cuda::DeviceBuffer(sizeof(std::uint64_t));
    shape_ = best_sm_read(session, wall, pinned_->data(), copied_bytes, 1).shape;
  }

  std::size_t host_bytes() const { return host_.bytes(); }

  double copy(StartLine& line) {
    return timed(line, [this] {
      for (int i = 0; i < copies; ++i) {
        cuda::memcpy_async(device_.data(), pinned_->data(), copied_bytes, session_.stream());
      }
    });
  }
  double read_by_sms(StartLine& line) {
    return timed(line, [this] {
      kernels::stream_read(pinned_->data(), copied_bytes, static_cast<std::uint64_t*>(sum_.data()),
                           session_.stream(), shape_);
    });
  }
  double read_by_cpu(StartLine& line) {
    session_.flush_host_cache();
    std::uint64_t sum = 0;
    line.line_up(session_.stream(), true);
    const Stopwatch watch;
    host::stream_read(host_.data(), host_.bytes(), &sum, session_.workers());
    session_.workers().join();
    const double seconds = watch.seconds();
    wall_.measured += seconds;
    return seconds;
  }
  /// When this GPU begins, by the host's clock; or this thread, where there is none.
  double begin(StartLine& line, bool from_idle) {
    using Clock = std::chrono::steady_clock;
    const auto now = [] {
      return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
    };
    if (!session_.gpu()) {
      line.line_up(session_.stream(), true);
      return now();
    }
    cuda::stream_synchronize(session_.stream());
    std::byte* const mark = pinned_->data();
    const std::atomic_ref word(*reinterpret_cast<std::uint8_t*>(mark));
    word.store(0);
    line.line_up(session_.stream(), from_idle);
    cuda::memset_async(mark, 1, 1, session_.stream());
    while (word.load() == 0) {
    }
    return now();
  }

 private:
  double timed(StartLine& line, const std::function<void()>& pass) {
    session_.flush_device_cache();
    line.line_up(session_.stream(), false);
    session_.timer().begin(session_.stream());
    pass();
    const double seconds = session_.timer().end(session_.stream());
    wall_.measured += seconds;
    return seconds;
  }

  Session& session_;
  WallTime& wall_;
  HostBuffers::Loan host_;
  std::optional<HostBuffers::Loan> pinned_;
  cuda::DeviceBuffer device_;
  cuda::DeviceBuffer sum_;
  kernels::StreamReadShape shape_;
};

/// What each lane found, round by round.
using Found = std::vector<std::vector<double>>;

template <typename Round>
std::vector<double> of_rounds(const Found& found, const Round& round) {
  std::vector<double> all;
  for (std::size_t i = 0; i < found.front().size(); ++i) {
    std::vector<double> of_lanes;
    for (const auto& lane : found) of_lanes.push_back(lane[i]);
    all.push_back(round(of_lanes));
  }
  return all;
}

double longest(const std::vector<double>& seconds) { return *std::ranges::max_element(seconds); }

/// Bytes of all over the longest, of the best round: the yardstick, as of each GPU alone.
double best_rate(const Found& found, double bytes_each) {
  const std::vector<double> seconds = of_rounds(found, longest);
  return bytes_each * static_cast<double>(found.size()) / *std::ranges::min_element(seconds);
}

StartSkew skew_of(const Found& begun) {
  const std::vector<double> apart = of_rounds(begun, [](const std::vector<double>& times) {
    const auto [first, last] = std::ranges::minmax_element(times);
    return *last - *first;
  });
  return {percentile(apart, 50), longest(apart), apart.size()};
}

}  // namespace

SharedRates measure_shared_rates(Lanes& lanes) {
  const Range range("calibrate together");
  const bool gpu = lanes.first().session->gpu();
  StartLine line(lanes.size(), gpu);
  Found begun(lanes.size());
  Found copied(lanes.size());
  Found read(lanes.size());
  Found read_by_cpu(lanes.size());
  std::size_t host_bytes = 0;
  lanes.run(lanes.all(), [&](std::size_t index, Lane& lane) {
    try {
      {
        Mover mover(*lane.session, lane.wall);
        line.agree(0);
        for (int i = 0; i < starts; ++i) begun[index].push_back(mover.begin(line, i % 2 == 0));
        for (int i = 0; gpu && i < repeats; ++i) copied[index].push_back(mover.copy(line));
        for (int i = 0; gpu && i < repeats; ++i) read[index].push_back(mover.read_by_sms(line));
        for (int i = 0; i < repeats; ++i) read_by_cpu[index].push_back(mover.read_by_cpu(line));
        if (index == 0) host_bytes = mover.host_bytes();
      }
      lane.session->host_buffers().trim();
    } catch (...) {
      line.leave();
      throw;
    }
  });
  SharedRates rates;
  rates.start = skew_of(begun);
  if (gpu) {
    rates.copy_h2d = best_rate(copied, double{copies} * copied_bytes);
    rates.sm_read_pinned = best_rate(read, copied_bytes);
  }
  rates.host_read = best_rate(read_by_cpu, static_cast<double>(host_bytes));
  return rates;
}

Calibration beside_others(Calibration alone, const SharedRates& shared, std::size_t count) {
  if (alone.host_read <= 0 || shared.host_read <= 0) return alone;
  const double share = shared.host_read / static_cast<double>(count) / alone.host_read;
  if (share >= 1) return alone;
  alone.host_read *= share;
  for (auto& [threads, rate] : alone.host_read_by_threads) rate = std::min(rate, alone.host_read);
  if (alone.host_read_beside_copy) *alone.host_read_beside_copy *= share;
  return alone;
}

}  // namespace offload
