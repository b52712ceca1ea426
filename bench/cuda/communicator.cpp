// SPDX-License-Identifier: Apache-2.0
// NCCL through its C interface, declared here as far as it is used: its ABI is stable, and its
// header comes with neither the toolkit nor the Python package's users.
#include "offload/cuda/communicator.hpp"

#include <dlfcn.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace offload::cuda {
namespace {

using NcclComm = struct OpaqueNcclComm*;
using NcclResult = int;  // an enum of C
struct NcclUniqueId {
  std::array<char, 128> bytes;
};
static_assert(sizeof(NcclUniqueId) == 128 && std::is_trivially_copyable_v<NcclUniqueId>);

constexpr NcclResult nccl_success = 0;
constexpr int nccl_uint8 = 1;
constexpr int nccl_bfloat16 = 9;
constexpr int nccl_sum = 0;
constexpr int oldest_version = 21000;  // knows bf16

constexpr const char* how_to_install =
    "install libnccl2, or pip install nvidia-nccl-cu13 (-cu12 for CUDA 12); "
    "OFFLOAD_BENCH_NCCL=FILE "
    "names another";

/// "2.27.7"; before 2.9 NCCL counted otherwise, and those are too old.
std::string nccl_version_text(int version) {
  if (version < 10000) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 100) + "." +
           std::to_string(version % 100);
  }
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." +
         std::to_string(version % 100);
}

struct CloseNccl {
  void operator()(void* library) const { dlclose(library); }
};

class NcclLibrary {
 public:
  explicit NcclLibrary(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      library_.reset(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
      if (!library_) continue;
      if (take(file)) return;
      library_.reset();
    }
    if (found_.reason.empty()) found_.reason = std::string("NCCL was not found: ") + how_to_install;
  }

  const NcclFound& found() const { return found_; }

  NcclResult (*get_unique_id)(NcclUniqueId*) = nullptr;
  NcclResult (*comm_init_rank)(NcclComm*, int, NcclUniqueId, int) = nullptr;
  NcclResult (*comm_destroy)(NcclComm) = nullptr;
  NcclResult (*comm_abort)(NcclComm) = nullptr;
  NcclResult (*gather)(const void*, void*, std::size_t, int, NcclComm, StreamHandle) = nullptr;
  NcclResult (*reduce)(const void*, void*, std::size_t, int, int, NcclComm, StreamHandle) = nullptr;

  /// Throws "<what> failed: ..." unless `result` is success. `comm` may be nullptr.
  void check_nccl(NcclResult result, const char* what, NcclComm comm) const {
    if (result == nccl_success) return;
    std::string text = std::string(what) + " failed: " + error_string_(result);
    // The last error may say more, or nothing.
    const char* const more = last_error_ != nullptr ? last_error_(comm) : nullptr;
    if (more != nullptr && *more != '\0') text.append(" (").append(more).append(")");
    for (char& c : text) {
      if (c == '\n') c = ' ';
    }
    throw std::runtime_error(text);
  }

 private:
  template <typename Function>
  bool load(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library_.get(), name));
    return function != nullptr;
  }

  /// Whether the library that is open has what is needed; where not, why.
  bool take(const std::string& file) {
    NcclResult (*get_version)(int*) = nullptr;
    int version = 0;
    if (!load(get_version, "ncclGetVersion") || get_version(&version) != nccl_success) {
      found_.reason = file + " is not NCCL: " + how_to_install;
      return false;
    }
    const bool complete =
        load(get_unique_id, "ncclGetUniqueId") && load(comm_init_rank, "ncclCommInitRank") &&
        load(comm_destroy, "ncclCommDestroy") && load(comm_abort, "ncclCommAbort") &&
        load(gather, "ncclAllGather") && load(reduce, "ncclAllReduce") &&
        load(error_string_, "ncclGetErrorString");
    load(last_error_, "ncclGetLastError");  // from 2.13 on
    if (version < oldest_version || !complete) {
      found_.reason = "NCCL " + nccl_version_text(version) + " (" + file +
                      ") is too old, 2.10 is needed: " + how_to_install;
      return false;
    }
    found_ = {file, nccl_version_text(version), ""};
    return true;
  }

  std::unique_ptr<void, CloseNccl> library_;
  NcclFound found_;
  const char* (*error_string_)(NcclResult) = nullptr;
  const char* (*last_error_)(NcclComm) = nullptr;
};

/// Never closed: NCCL has threads of its own.
const NcclLibrary& nccl_library() {
  static const auto* const library =
      new NcclLibrary(nccl_files([](const char* name) { return std::getenv(name); }));
  return *library;
}

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(const NcclUniqueId& id, std::size_t rank, std::size_t size)
      : rank_(rank), size_(size) {
    NcclComm comm = nullptr;
    library_.check_nccl(
        library_.comm_init_rank(&comm, static_cast<int>(size), id, static_cast<int>(rank)),
        "ncclCommInitRank", nullptr);
    comm_ = comm;
  }
  ~NcclCommunicator() override {
    const std::lock_guard lock(calls_);
    if (comm_ == nullptr) return;
    // After an error ncclCommDestroy may wait for others for ever.
    if (failed_) {
      library_.comm_abort(comm_);
    } else {
      library_.comm_destroy(comm_);
    }
  }

  std::size_t rank() const override { return rank_; }
  std::size_t size() const override { return size_; }

  void all_gather(const void* mine, void* all, std::size_t bytes, StreamHandle stream) override {
    call("ncclAllGather",
         [&] { return library_.gather(mine, all, bytes, nccl_uint8, comm_, stream); });
  }
  void all_reduce(void* values, std::size_t count, StreamHandle stream) override {
    call("ncclAllReduce", [&] {
      return library_.reduce(values, values, count, nccl_bfloat16, nccl_sum, comm_, stream);
    });
  }
  void abort() noexcept override {
    // One that waits inside NCCL for the others' first call holds this for as long: NCCL lets it go
    // when it is aborted under its feet, which is what aborting is for.
    std::unique_lock lock(calls_, std::chrono::seconds(1));
    if (NcclComm comm = comm_.exchange(nullptr)) library_.comm_abort(comm);
  }

 private:
  template <typename Call>
  void call(const char* what, const Call& function) {
    const std::lock_guard lock(calls_);
    if (comm_ == nullptr) throw std::runtime_error(std::string(what) + ": the GPUs were given up");
    const NcclResult result = function();
    if (result == nccl_success) return;
    failed_ = true;
    library_.check_nccl(result, what, comm_);
  }

  const NcclLibrary& library_ = nccl_library();
  const std::size_t rank_;
  const std::size_t size_;
  std::timed_mutex calls_;
  std::atomic<NcclComm> comm_{nullptr};
  bool failed_ = false;
};

}  // namespace

const NcclFound& nccl() { return nccl_library().found(); }

NcclFound find_nccl(const std::vector<std::string>& files) { return NcclLibrary(files).found(); }

Connect connect_by_nccl() {
  // The first that comes makes what the others need to find it.
  struct Meeting {
    std::once_flag once;
    NcclUniqueId id{};
  };
  return [meeting = std::make_shared<Meeting>()](
             std::size_t rank, std::size_t size) -> std::shared_ptr<Communicator> {
    const NcclLibrary& library = nccl_library();
    if (!library.found().reason.empty()) throw std::runtime_error(library.found().reason);
    std::call_once(meeting->once, [&] {
      library.check_nccl(library.get_unique_id(&meeting->id), "ncclGetUniqueId", nullptr);
    });
    return std::make_shared<NcclCommunicator>(meeting->id, rank, size);
  };
}

}  // namespace offload::cuda
