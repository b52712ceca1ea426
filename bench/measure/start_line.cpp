// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/start_line.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "kernels/start_gate.hpp"

namespace offload {
namespace {

/// Enough to enqueue the first kernels of a pass, which takes some 10 us.
constexpr std::chrono::microseconds hold{40};

std::uint32_t* word_of(const HostAllocation& memory) {
  return reinterpret_cast<std::uint32_t*>(memory.data());
}

}  // namespace

StartLine::StartLine(std::size_t members, bool gates)
    : members_(members),
      opened_(gates ? std::make_unique<HostAllocation>(HostMemory::pinned, sizeof(std::uint32_t))
                    : nullptr) {
  open(0);
}

void StartLine::open(std::uint32_t turn) noexcept {
  if (opened_) std::atomic_ref(*word_of(*opened_)).store(turn);
}

void StartLine::arrive(std::uint32_t turn) {
  {
    const std::lock_guard lock(mutex_);
    if (++arrived_ == members_) {
      arrived_ = 0;
      agreed_ = std::exchange(most_, lowest);
      open(turn);
      completed_.store(turn);
      return;
    }
  }
  // By spinning: to be woken takes tens of microseconds.
  while (completed_.load() != turn) {
    if (abandoned_.load()) throw Abandoned();
    std::this_thread::yield();
  }
}

void StartLine::line_up(StreamHandle stream, bool from_idle) {
  if (abandoned_.load()) throw Abandoned();
  const bool gate = opened_ && !from_idle;
  const std::uint32_t turn = next_turn();
  // Open already: it loads the kernel, which must not be left to when others hold their GPUs back.
  if (gate) kernels::start_gate(word_of(*opened_), turn - 1, {}, stream);
  arrive(turn);
  if (!gate) return;
  // Now all are ready: none allocates, frees or loads anything, which might wait for a GPU that is
  // held back.
  kernels::start_gate(word_of(*opened_), turn + 1, hold, stream);
  arrive(turn + 1);
}

double StartLine::agree(double mine) {
  if (abandoned_.load()) throw Abandoned();
  const std::uint32_t turn = next_turn();
  {
    const std::lock_guard lock(mutex_);
    most_ = std::max(most_, mine);
  }
  arrive(turn);
  return agreed_;  // until this member arrives again
}

void StartLine::leave() noexcept {
  abandoned_.store(true);
  open(completed_.load() + 1);  // of whoever has a gate enqueued
}

}  // namespace offload
