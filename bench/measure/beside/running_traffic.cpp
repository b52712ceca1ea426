// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/beside/running_traffic.hpp"

#include <algorithm>
#include <chrono>
#include <deque>

#include "bench/measure/ranges.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::size_t units_ahead = 3;  // enqueued beyond the one at work, so that it never pauses
constexpr double alone_seconds = 0.2;   // that its rate alone is measured for
constexpr double warm_up_seconds = 0.05;
constexpr double kept_seconds = 100;  // of what went on: longer than a pass takes

using Seconds = std::chrono::duration<double>;

double now() { return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

void ProgressOverTime::add(double seconds, double bytes) { points_.push_back({seconds, bytes}); }

double ProgressOverTime::at(double seconds) const {
  if (points_.empty()) return 0;
  const auto after = std::ranges::lower_bound(points_, seconds, {}, &Point::seconds);
  if (after == points_.begin()) return points_.front().bytes;
  if (after == points_.end()) return points_.back().bytes;
  const Point& before = *(after - 1);
  const double part = (seconds - before.seconds) / (after->seconds - before.seconds);
  return before.bytes + part * (after->bytes - before.bytes);
}

double ProgressOverTime::between(double from, double to) const { return at(to) - at(from); }

void ProgressOverTime::forget_before(double seconds) {
  const auto after = std::ranges::lower_bound(points_, seconds, {}, &Point::seconds);
  if (after - points_.begin() > 1) points_.erase(points_.begin(), after - 1);
}

RunningTraffic::RunningTraffic(Session& session, const TrafficKind& kind,
                               const TrafficSettings& settings)
    : session_(session), kind_(kind), settings_(settings), traffic_(kind.make(session, settings)) {
  found_.kind = kind.name;
  found_.pace = settings.pace;
  found_.unit_bytes = traffic_->unit_bytes();
  thread_ = std::thread([this] { run(); });
  try {
    const double unpaced = measure_alone();
    found_.traffic_alone = unpaced;
    if (settings.pace < 1) {
      const double unit = static_cast<double>(found_.unit_bytes) / unpaced;
      pause_.store(unit * (1 / settings.pace - 1));
      found_.traffic_alone = measure_alone();
    }
  } catch (...) {
    stop();
    throw;
  }
}

RunningTraffic::~RunningTraffic() { stop(); }

void RunningTraffic::run() {
  try {
    if (session_.platform().gpu) cuda::set_device(session_.platform().gpu->index);
    const cuda::Stream stream;
    enqueue_until_stopped(stream);
    cuda::stream_synchronize(stream);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
}

void RunningTraffic::enqueue_until_stopped(StreamHandle stream) {
  const Range range("traffic beside");
  std::deque<cuda::Event> done;  // which cannot be moved
  for (std::size_t i = 0; i <= units_ahead; ++i) done.emplace_back(cuda::EventWait::sleeps);
  const double unit = static_cast<double>(traffic_->unit_bytes());
  std::size_t begun = 0;
  std::size_t ended = 0;
  const auto await_oldest = [&] {
    done[ended % done.size()].synchronize();
    ++ended;
    const std::lock_guard lock(mutex_);
    progress_.add(now(), unit * static_cast<double>(ended));
  };
  while (!stopping_.load()) {
    const double pause = pause_.load();
    const std::size_t ahead = pause > 0 ? 0 : units_ahead;
    while (begun - ended <= ahead) {
      traffic_->enqueue_unit(stream);
      done[begun % done.size()].record(stream);
      ++begun;
    }
    await_oldest();
    if (pause > 0 && begun == ended) {
      std::this_thread::sleep_for(Seconds(pause));
      const std::lock_guard lock(mutex_);
      progress_.add(now(), unit * static_cast<double>(ended));  // nothing went on meanwhile
    }
  }
  while (ended < begun) await_oldest();
}

double RunningTraffic::measure_alone() {
  std::this_thread::sleep_for(Seconds(warm_up_seconds));
  const double from = now();
  std::this_thread::sleep_for(Seconds(alone_seconds));
  const double to = now();
  rethrow_failure();
  const std::lock_guard lock(mutex_);
  const double bytes = progress_.between(from, to);
  if (bytes <= 0) throw ImplausibleResult(found_.kind + ": nothing of it went on in 0.2 s");
  return bytes / (to - from);
}

void RunningTraffic::count_pass(double seconds) {
  const double to = now();
  const double from = to - seconds;
  rethrow_failure();
  uncounted_.push_back({from, to});
  count(false);
}

// How far the unit had come that was at work when a pass ended is known once the unit has ended.
void RunningTraffic::count(bool all) {
  const std::lock_guard lock(mutex_);
  const auto known = [&](const Window& window) { return all || window.to <= progress_.newest(); };
  while (!uncounted_.empty() && known(uncounted_.front())) {
    const Window& window = uncounted_.front();
    counted_bytes_ += progress_.between(window.from, window.to);
    counted_seconds_ += window.to - window.from;
    uncounted_.pop_front();
  }
  const double oldest = uncounted_.empty() ? progress_.newest() : uncounted_.front().from;
  // A pass that is under way began before now.
  progress_.forget_before(std::min(oldest, now() - kept_seconds));
}

CaseBeside RunningTraffic::end() {
  stop();
  rethrow_failure();
  count(true);
  if (const auto fault = traffic_->fault()) throw ImplausibleResult("traffic beside: " + *fault);
  if (counted_seconds_ > 0) found_.traffic = counted_bytes_ / counted_seconds_;
  return found_;
}

void RunningTraffic::stop() noexcept {
  stopping_.store(true);
  if (thread_.joinable()) thread_.join();
}

void RunningTraffic::rethrow_failure() {
  std::exception_ptr failure;
  {
    const std::lock_guard lock(mutex_);
    failure = failure_;
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace offload
