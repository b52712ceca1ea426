// SPDX-License-Identifier: Apache-2.0
// Where the GPUs of one process line up, a thread each, so that a pass begins on all of them at the
// same moment.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>

#include "bench/measure/company.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/stream.hpp"

namespace offload {

class StartLine final : public Company {
 public:
  /// Of `members` threads. `gates`: whether their streams are held back too.
  StartLine(std::size_t members, bool gates);

  void line_up(StreamHandle stream, bool from_idle) override;
  double agree(double mine) override;
  /// Of a member that cannot come any more: it holds nobody up.
  void leave() noexcept;

 private:
  /// The turn that completes with this member's arrival at the earliest.
  std::uint32_t next_turn() const { return completed_.load() + 1; }
  void arrive(std::uint32_t turn);
  void open(std::uint32_t turn) noexcept;

  const std::size_t members_;
  std::unique_ptr<HostAllocation> opened_;   // the turn that streams may begin; nullptr: no gates
  std::atomic<std::uint32_t> completed_{0};  // turns that all have arrived for
  std::atomic<bool> abandoned_{false};
  std::mutex mutex_;  // of the rest
  std::size_t arrived_ = 0;
  double most_ = lowest;  // of those that have arrived
  double agreed_ = lowest;

  static constexpr double lowest = std::numeric_limits<double>::lowest();
};

}  // namespace offload
