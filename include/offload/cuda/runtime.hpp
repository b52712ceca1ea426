// SPDX-License-Identifier: Apache-2.0
// The CUDA calls this project makes, typed and checked, without CUDA's headers. Names follow the
// runtime API. Each throws CudaError (what, where, what to do) on failure. bench/cuda/runtime.cpp
// implements them; bench/cuda/runtime_absent.cpp stands in where there is no CUDA Toolkit, so that
// every other source builds the same either way.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "offload/stream.hpp"

struct CUevent_st;
struct CUgraphExec_st;

namespace offload::cuda {

/// Why no GPU can be used (no toolkit at build time, no driver, no device, bad index); nullopt if
/// device `index` works. Safe to call first, on any machine.
std::optional<std::string> unavailable(int index);
int device_count();  // 0 where none can be used
void set_device(int index);
void device_synchronize();
struct MemoryInfo {
  std::size_t free = 0;
  std::size_t total = 0;
};
MemoryInfo mem_get_info();

enum class HostAlloc : std::uint8_t { mapped, mapped_write_combined };

void* malloc_device(std::size_t bytes);
void free_device(void* pointer) noexcept;
void* host_alloc(std::size_t bytes, HostAlloc kind);
void free_host(void* pointer) noexcept;
void host_register(void* pointer, std::size_t bytes);
/// Of memory that the CPU may only read: MemoryModel::host_register_read_only.
void host_register_read_only(const void* pointer, std::size_t bytes);
void host_unregister(const void* pointer) noexcept;
/// The address kernels use for mapped host memory (the same one under UVA on all our systems).
void* host_get_device_pointer(const void* host);
void* malloc_managed(std::size_t bytes);  // attach: global; free with free_device

/// A function of the CUDA driver in its CUDA 12.0 form, found at run time so that the binary starts
/// on machines without libcuda. Throws CudaError where the driver does not have it.
void* driver_function(const char* symbol);

/// Physical memory on host NUMA node `node`, mapped for CPU and GPU (cuMemCreate). Rounded up to
/// the allocation granularity; `bytes` in the result is what was really taken.
struct VmmRange {
  void* pointer = nullptr;
  std::size_t bytes = 0;
  std::uint64_t handle = 0;
};
VmmRange vmm_create_on_host(std::size_t bytes, int node);
void vmm_destroy(const VmmRange& range) noexcept;
std::size_t vmm_host_granularity(int node);

/// A processor, as cudaMemAdvise and cudaMemPrefetchAsync name it: the current device or the CPU.
enum class Processor : std::uint8_t { gpu, cpu };
/// Where memory lies: with a processor, with the CPU on a NUMA node of the host where one is named.
/// Naming one takes a driver of CUDA 12.2 that knows the host's nodes; set_accessed_by takes none.
struct Location {
  // NOLINTNEXTLINE(google-explicit-constructor): most callers name a processor alone
  constexpr Location(Processor with, std::optional<int> on_node = std::nullopt)
      : processor(with), node(on_node) {}

  Processor processor;
  std::optional<int> node;
};
enum class Advice : std::uint8_t {
  set_read_mostly,
  unset_read_mostly,
  set_preferred_location,
  unset_preferred_location,
  set_accessed_by,
  unset_accessed_by,
};
void mem_advise(const void* pointer, std::size_t bytes, Advice advice, Location location);
void mem_prefetch_async(const void* pointer, std::size_t bytes, Location to, StreamHandle stream);

/// Ranges of managed memory that one call prefetches.
struct PrefetchBatch {
  std::vector<void*> pointers;
  std::vector<std::size_t> bytes;

  void add(const void* pointer, std::size_t size);
};
/// cudaMemPrefetchBatchAsync from CUDA 13 on, before that a call for each range; `stream` is not
/// the default stream.
void mem_prefetch_batch_async(const PrefetchBatch& batch, Location to, StreamHandle stream);
/// Where the driver was last asked to prefetch this managed memory to; nullopt when never, when
/// parts differ, or when the memory is not managed.
std::optional<Location> last_prefetch_location(const void* pointer, std::size_t bytes);
void memcpy_async(void* to, const void* from, std::size_t bytes, StreamHandle stream);

/// Copies that one call makes, in no order among themselves.
struct CopyBatch {
  std::vector<void*> to;
  std::vector<void*> from;
  std::vector<std::size_t> bytes;

  void add(void* destination, const void* source, std::size_t size);
};
/// cudaMemcpyBatchAsync: toolkit and driver of CUDA 12.8 or newer; `stream` is not the default
/// stream.
void memcpy_batch_async(const CopyBatch& batch, StreamHandle stream);
void memset_async(void* to, int value, std::size_t bytes, StreamHandle stream);

void stream_synchronize(StreamHandle stream);

/// A non-blocking stream of the current device.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // NOLINTNEXTLINE(google-explicit-constructor): it is a handle with an owner
  operator StreamHandle() const { return handle_; }

 private:
  StreamHandle handle_ = nullptr;
};

/// What a thread that waits for an event does with its CPU.
enum class EventWait : std::uint8_t { spins, sleeps };

class Event {
 public:
  explicit Event(EventWait wait = EventWait::spins);  // with timing
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(StreamHandle stream);
  void synchronize() const;
  void block(StreamHandle stream) const;  // cudaStreamWaitEvent
  /// Seconds from `start` to this event; both complete.
  double seconds_since(const Event& start) const;

 private:
  CUevent_st* handle_ = nullptr;
};

/// What `enqueue` put on `stream`, and on streams that joined it, captured to be launched at once.
class Graph {
 public:
  Graph(StreamHandle stream, const std::function<void()>& enqueue);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(StreamHandle stream) const;

 private:
  CUgraphExec_st* handle_ = nullptr;
};

/// Owns cudaMalloc memory; empty when default-constructed.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  DeviceBuffer(DeviceBuffer&& other) noexcept;
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Owns cudaMallocManaged memory.
class ManagedBuffer {
 public:
  explicit ManagedBuffer(std::size_t bytes);
  ~ManagedBuffer();
  ManagedBuffer(const ManagedBuffer&) = delete;
  ManagedBuffer& operator=(const ManagedBuffer&) = delete;
  ManagedBuffer(ManagedBuffer&& other) noexcept;
  ManagedBuffer& operator=(ManagedBuffer&& other) noexcept;
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace offload::cuda
