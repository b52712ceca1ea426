// SPDX-License-Identifier: Apache-2.0
// Communicators of threads, which exchange memory of the CPU at once: as NCCL has it, with neither
// GPUs nor streams.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "offload/cuda/communicator.hpp"

namespace offload {

class FakeCommunicator final : public Communicator {
 public:
  /// What the members of one group have between them.
  struct Table {
    explicit Table(std::size_t members) : offered(members) {}
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<const void*> offered;
    std::size_t arrived = 0;
    std::size_t turn = 0;
    bool aborted = false;
  };

  FakeCommunicator(std::shared_ptr<Table> table, std::size_t rank)
      : table_(std::move(table)), rank_(rank) {}

  std::size_t rank() const override { return rank_; }
  std::size_t size() const override { return table_->offered.size(); }

  void all_gather(const void* mine, void* all, std::size_t bytes, StreamHandle) override {
    table_->offered[rank_] = mine;
    meet();
    for (std::size_t i = 0; i < size(); ++i) {
      auto* const to = static_cast<std::byte*>(all) + i * bytes;
      if (to != table_->offered[i]) std::memcpy(to, table_->offered[i], bytes);
    }
    meet();  // nobody changes what another still reads
    gathered_.push_back(bytes);
  }
  void all_reduce(void*, std::size_t, StreamHandle) override { meet(); }
  void abort() noexcept override {
    const std::lock_guard lock(table_->mutex);
    table_->aborted = true;
    table_->changed.notify_all();
  }

  /// Bytes of each call, in order.
  const std::vector<std::size_t>& gathered() const { return gathered_; }

 private:
  void meet() {
    std::unique_lock lock(table_->mutex);
    const std::size_t turn = table_->turn;
    if (++table_->arrived == table_->offered.size()) {
      table_->arrived = 0;
      ++table_->turn;
      table_->changed.notify_all();
    }
    table_->changed.wait(lock, [&] { return table_->aborted || table_->turn != turn; });
    if (table_->turn == turn) throw std::runtime_error("given up");
  }

  std::shared_ptr<Table> table_;
  std::size_t rank_;
  std::vector<std::size_t> gathered_;
};

inline Connect connect_fakes(std::size_t members) {
  auto table = std::make_shared<FakeCommunicator::Table>(members);
  return [table](std::size_t rank, std::size_t) -> std::shared_ptr<Communicator> {
    return std::make_shared<FakeCommunicator>(table, rank);
  };
}

}  // namespace offload
