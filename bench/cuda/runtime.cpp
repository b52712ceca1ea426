// SPDX-License-Identifier: Apache-2.0
#include "offload/cuda/runtime.hpp"

#include <cuda_runtime_api.h>

#include <array>

#include "bench/core/text.hpp"
#include "bench/cuda/check.hpp"
#include "bench/cuda/compat.hpp"

namespace offload::cuda {
namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string describe(cudaError_t error) {
  return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
}

[[noreturn]] void fail_allocation(cudaError_t error, const char* call, std::size_t bytes,
                                  const char* kind) {
  fail(error, std::string(call) + " of " + format_size_rounded(bytes) + " of " + kind,
       error == cudaErrorMemoryAllocation ? "free some or choose smaller weights" : "");
}

int current_device() {
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

cudaMemoryAdvise runtime_advice(Advice advice) {
  switch (advice) {
    case Advice::set_read_mostly:
      return cudaMemAdviseSetReadMostly;
    case Advice::unset_read_mostly:
      return cudaMemAdviseUnsetReadMostly;
    case Advice::set_preferred_location:
      return cudaMemAdviseSetPreferredLocation;
    case Advice::unset_preferred_location:
      return cudaMemAdviseUnsetPreferredLocation;
    case Advice::set_accessed_by:
      return cudaMemAdviseSetAccessedBy;
    case Advice::unset_accessed_by:
      break;
  }
  return cudaMemAdviseUnsetAccessedBy;
}

std::optional<std::string> why_no_device(int index) {
  int driver = 0;
  int runtime = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    return "no NVIDIA driver is loaded";
  }
  int count = 0;
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (counted == cudaErrorInsufficientDriver && cudaRuntimeGetVersion(&runtime) == cudaSuccess) {
    return "the NVIDIA driver is too old: it offers CUDA " + version_text(driver) +
           ", this binary was built with " + version_text(runtime);
  }
  if (counted == cudaErrorNoDevice || (counted == cudaSuccess && count == 0)) {
    return "the driver offers no CUDA device (is CUDA_VISIBLE_DEVICES set?)";
  }
  if (counted != cudaSuccess) return "the GPUs cannot be counted: " + describe(counted);
  if (index < 0 || index >= count) {
    return "there is no GPU " + std::to_string(index) + ": this machine has " +
           std::to_string(count) + (count == 1 ? ", number 0" : ", numbered from 0");
  }
  cudaError_t used = cudaSetDevice(index);
  if (used == cudaSuccess) used = cudaFree(nullptr);  // makes the context, before CUDA 12 too
  if (used != cudaSuccess) {
    return "GPU " + std::to_string(index) + " cannot be used: " + describe(used);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> unavailable(int index) {
  auto reason = why_no_device(index);
  if (reason) (void)cudaGetLastError();
  return reason;
}

int device_count() {
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    forget(error);
    return 0;
  }
  return count;
}

void set_device(int index) {
  if (const cudaError_t error = cudaSetDevice(index); error != cudaSuccess) {
    fail(error, "cudaSetDevice(" + std::to_string(index) + ")");
  }
}

void device_synchronize() { check(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }

MemoryInfo mem_get_info() {
  MemoryInfo info;
  check(cudaMemGetInfo(&info.free, &info.total), "cudaMemGetInfo");
  return info;
}

void* malloc_device(std::size_t bytes) {
  void* pointer = nullptr;
  if (const cudaError_t error = cudaMalloc(&pointer, bytes); error != cudaSuccess) {
    fail_allocation(error, "cudaMalloc", bytes, "GPU memory");
  }
  return pointer;
}

void free_device(void* pointer) noexcept { forget(cudaFree(pointer)); }

void* host_alloc(std::size_t bytes, HostAlloc kind) {
  const unsigned flags =
      cudaHostAllocMapped |
      (kind == HostAlloc::mapped_write_combined ? unsigned{cudaHostAllocWriteCombined} : 0U);
  void* pointer = nullptr;
  if (const cudaError_t error = cudaHostAlloc(&pointer, bytes, flags); error != cudaSuccess) {
    fail_allocation(error, "cudaHostAlloc", bytes, "pinned host memory");
  }
  return pointer;
}

void free_host(void* pointer) noexcept { forget(cudaFreeHost(pointer)); }

void host_register(void* pointer, std::size_t bytes) {
  const cudaError_t error = cudaHostRegister(pointer, bytes, cudaHostRegisterMapped);
  if (error != cudaSuccess) {
    fail_allocation(error, "cudaHostRegister", bytes, "host memory");
  }
}

void host_register_read_only(const void* pointer, std::size_t bytes) {
  constexpr unsigned flags = cudaHostRegisterMapped | cudaHostRegisterReadOnly;
  // CUDA's argument only lacks a const, here and below.
  const cudaError_t error = cudaHostRegister(const_cast<void*>(pointer), bytes, flags);
  if (error != cudaSuccess) {
    fail_allocation(error, "cudaHostRegister", bytes, "read-only host memory");
  }
}

void host_unregister(const void* pointer) noexcept {
  forget(cudaHostUnregister(const_cast<void*>(pointer)));
}

void* host_get_device_pointer(const void* host) {
  void* pointer = nullptr;
  check(cudaHostGetDevicePointer(&pointer, const_cast<void*>(host), 0), "cudaHostGetDevicePointer");
  return pointer;
}

void* malloc_managed(std::size_t bytes) {
  void* pointer = nullptr;
  const cudaError_t error = cudaMallocManaged(&pointer, bytes, cudaMemAttachGlobal);
  if (error != cudaSuccess) {
    fail_allocation(error, "cudaMallocManaged", bytes, "managed memory");
  }
  return pointer;
}

void mem_advise(const void* pointer, std::size_t bytes, Advice advice, Location location) {
  check(compat::mem_advise(pointer, bytes, runtime_advice(advice), location, current_device()),
        "cudaMemAdvise");
}

void mem_prefetch_async(const void* pointer, std::size_t bytes, Location to, StreamHandle stream) {
  check(compat::mem_prefetch(pointer, bytes, to, current_device(), stream), "cudaMemPrefetchAsync");
}

void mem_prefetch_batch_async(const PrefetchBatch& batch, Location to, StreamHandle stream) {
  if (batch.bytes.empty()) return;
  if (batch.bytes.size() == 1) {
    mem_prefetch_async(batch.pointers.front(), batch.bytes.front(), to, stream);
    return;
  }
  auto& unchanged = const_cast<PrefetchBatch&>(batch);  // CUDA's arguments only lack a const
  check(compat::mem_prefetch_batch(unchanged, to, current_device(), stream),
        "cudaMemPrefetchBatchAsync");
}

std::optional<Location> last_prefetch_location(const void* pointer, std::size_t bytes) {
  cudaMemLocationType type = cudaMemLocationTypeInvalid;
  int id = 0;
  std::array<void*, 2> values{&type, &id};
  std::array<std::size_t, 2> sizes{sizeof type, sizeof id};
  std::array<cudaMemRangeAttribute, 2> attributes{cudaMemRangeAttributeLastPrefetchLocationType,
                                                  cudaMemRangeAttributeLastPrefetchLocationId};
  const cudaError_t asked = cudaMemRangeGetAttributes(
      values.data(), sizes.data(), attributes.data(), attributes.size(), pointer, bytes);
  if (asked != cudaSuccess) {
    forget(asked);
    return std::nullopt;
  }
  if (type == cudaMemLocationTypeDevice) return Processor::gpu;
  if (type == cudaMemLocationTypeHostNuma) return Location(Processor::cpu, id);
  if (type == cudaMemLocationTypeHost) return Processor::cpu;
  return std::nullopt;
}

void memcpy_async(void* to, const void* from, std::size_t bytes, StreamHandle stream) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "cudaMemcpyAsync");
}

void memcpy_batch_async(const CopyBatch& batch, StreamHandle stream) {
  if (batch.bytes.empty()) return;
  auto& unchanged = const_cast<CopyBatch&>(batch);  // likewise
  check(compat::memcpy_batch(unchanged, stream), "cudaMemcpyBatchAsync");
}

void memset_async(void* to, int value, std::size_t bytes, StreamHandle stream) {
  check(cudaMemsetAsync(to, value, bytes, stream), "cudaMemsetAsync");
}

void stream_synchronize(StreamHandle stream) {
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}

Stream::Stream() {
  check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}
Stream::~Stream() { forget(cudaStreamDestroy(handle_)); }

Event::Event(EventWait wait) {
  check(cudaEventCreateWithFlags(
            &handle_, wait == EventWait::sleeps ? cudaEventBlockingSync : cudaEventDefault),
        "cudaEventCreate");
}
Event::~Event() { forget(cudaEventDestroy(handle_)); }
void Event::record(StreamHandle stream) {
  check(cudaEventRecord(handle_, stream), "cudaEventRecord");
}
void Event::synchronize() const { check(cudaEventSynchronize(handle_), "cudaEventSynchronize"); }
void Event::block(StreamHandle stream) const {
  check(cudaStreamWaitEvent(stream, handle_, 0), "cudaStreamWaitEvent");
}
double Event::seconds_since(const Event& start) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, start.handle_, handle_), "cudaEventElapsedTime");
  return static_cast<double>(milliseconds) / 1000.0;
}

Graph::Graph(StreamHandle stream, const std::function<void()>& enqueue) {
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  cudaGraph_t graph = nullptr;
  try {
    enqueue();
  } catch (...) {
    forget(cudaStreamEndCapture(stream, &graph));
    if (graph != nullptr) forget(cudaGraphDestroy(graph));
    throw;
  }
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  const cudaError_t error = cudaGraphInstantiate(&handle_, graph, 0);
  forget(cudaGraphDestroy(graph));
  check(error, "cudaGraphInstantiate");
}
Graph::~Graph() {
  if (handle_ != nullptr) forget(cudaGraphExecDestroy(handle_));
}
void Graph::launch(StreamHandle stream) const {
  check(cudaGraphLaunch(handle_, stream), "cudaGraphLaunch");
}

}  // namespace offload::cuda
