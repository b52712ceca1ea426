// SPDX-License-Identifier: Apache-2.0
// What GPUs tell each other over their own links, by NCCL, which is found at run time: no header of
// it is needed to build, and nobody needs it who measures one GPU.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "offload/stream.hpp"

namespace offload {

/// One GPU's end of what a group of them does together. All members call the same functions in the
/// same order, each on a thread of its own; what is enqueued on `stream` ends when all have it.
/// Throws std::runtime_error in one line where NCCL refuses, or where it was given up.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual std::size_t rank() const = 0;
  virtual std::size_t size() const = 0;
  /// `bytes` of each member, in the order of their ranks, into `all` (size() x bytes) on every one.
  /// `mine` may be the part of `all` where it belongs.
  virtual void all_gather(const void* mine, void* all, std::size_t bytes, StreamHandle stream) = 0;
  /// The sum of `count` bf16 values of each member, in place.
  virtual void all_reduce(void* values, std::size_t count, StreamHandle stream) = 0;
  /// From any thread: what is under way ends, unfinished, and nothing else can be asked for.
  virtual void abort() noexcept = 0;

 protected:
  Communicator() = default;
};

/// What makes a member, on the thread that calls it: returns once all `size` have called it.
using Connect = std::function<std::shared_ptr<Communicator>(std::size_t rank, std::size_t size)>;

/// Where the threads of one process meet to become members. Nobody calls `connect` before all are
/// there, so that none waits inside NCCL for one that failed before.
class CommunicatorGroup {
 public:
  CommunicatorGroup(std::size_t size, Connect connect,
                    std::chrono::milliseconds patience = std::chrono::minutes(2));

  /// Once by each. Throws std::runtime_error once one has left, failed or not come in time.
  std::shared_ptr<Communicator> join(std::size_t rank);
  /// Of one that cannot go on: all that wait here, or in a collective, are let go. For good.
  void give_up() noexcept;

 private:
  const std::size_t size_;
  const Connect connect_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t arrived_ = 0;
  bool given_up_ = false;
  std::vector<std::weak_ptr<Communicator>> members_;
};

namespace cuda {

/// What was found of NCCL.
struct NcclFound {
  std::string file;     // as it was opened
  std::string version;  // "2.27.7"
  std::string reason;   // why there is none, fit for the user; "" where there is one
};
/// Looks for it once.
const NcclFound& nccl();
/// The same of one of these files, the first that opens.
NcclFound find_nccl(const std::vector<std::string>& files);

/// Where it may be: OFFLOAD_BENCH_NCCL alone where that is set; else where the loader looks, then
/// in the Python package nvidia-nccl-cuXX of VIRTUAL_ENV, CONDA_PREFIX, PYTHONPATH, ~/.local and
/// the system. `variable` gives the value of one of the environment, or nullptr.
std::vector<std::string> nccl_files(const std::function<const char*(const char*)>& variable);

/// Members by NCCL, one on each thread's current GPU, no GPU twice; `nccl().reason` is "".
Connect connect_by_nccl();

}  // namespace cuda
}  // namespace offload
