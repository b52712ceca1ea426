// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>
#include <utility>

#include "offload/cuda/communicator.hpp"

namespace offload {

CommunicatorGroup::CommunicatorGroup(std::size_t size, Connect connect,
                                     std::chrono::milliseconds patience)
    : size_(size), connect_(std::move(connect)), patience_(patience) {}

std::shared_ptr<Communicator> CommunicatorGroup::join(std::size_t rank) {
  {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    const bool decided =
        changed_.wait_for(lock, patience_, [this] { return given_up_ || arrived_ == size_; });
    if (!decided) given_up_ = true;  // whoever comes later must not wait for this one
    if (!decided) changed_.notify_all();
    if (given_up_) throw std::runtime_error("the GPUs could not be joined: one did not come");
  }
  std::shared_ptr<Communicator> member;
  try {
    member = connect_(rank, size_);
  } catch (...) {
    give_up();
    throw;
  }
  const std::lock_guard lock(mutex_);
  if (given_up_) {
    member->abort();
    throw std::runtime_error("the GPUs could not be joined: another failed");
  }
  members_.push_back(member);
  return member;
}

void CommunicatorGroup::give_up() noexcept {
  std::vector<std::weak_ptr<Communicator>> members;
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    members.swap(members_);
  }
  changed_.notify_all();
  for (const auto& weak : members) {
    if (const auto member = weak.lock()) member->abort();
  }
}

}  // namespace offload
