// SPDX-License-Identifier: Apache-2.0
// Stands in for runtime.cpp and vmm.cpp where there is no CUDA Toolkit. Nothing reaches the
// throwing functions unless unavailable() was ignored.
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload::cuda {
namespace {

constexpr const char* reason = "built without CUDA";

[[noreturn]] void refuse() {
  throw CudaError(std::string("no GPU work is possible: ") + reason, false, false);
}

}  // namespace

std::optional<std::string> unavailable(int) { return reason; }
int device_count() { return 0; }
void set_device(int) { refuse(); }
void device_synchronize() { refuse(); }
MemoryInfo mem_get_info() { refuse(); }

void* malloc_device(std::size_t) { refuse(); }
void free_device(void*) noexcept {}
void* host_alloc(std::size_t, HostAlloc) { refuse(); }
void free_host(void*) noexcept {}
void host_register(void*, std::size_t) { refuse(); }
void host_register_read_only(const void*, std::size_t) { refuse(); }
void host_unregister(const void*) noexcept {}
void* host_get_device_pointer(const void*) { refuse(); }
void* malloc_managed(std::size_t) { refuse(); }

void* driver_function(const char*) { refuse(); }

VmmRange vmm_create_on_host(std::size_t, int) { refuse(); }
void vmm_destroy(const VmmRange&) noexcept {}
std::size_t vmm_host_granularity(int) { refuse(); }

void mem_advise(const void*, std::size_t, Advice, Location) { refuse(); }
void mem_prefetch_async(const void*, std::size_t, Location, StreamHandle) { refuse(); }
void mem_prefetch_batch_async(const PrefetchBatch&, Location, StreamHandle) { refuse(); }
std::optional<Location> last_prefetch_location(const void*, std::size_t) { return std::nullopt; }
void memcpy_async(void*, const void*, std::size_t, StreamHandle) { refuse(); }
void memcpy_batch_async(const CopyBatch&, StreamHandle) { refuse(); }
void memset_async(void*, int, std::size_t, StreamHandle) { refuse(); }
void stream_synchronize(StreamHandle) { refuse(); }

Stream::Stream() { refuse(); }
Stream::~Stream() {}

Event::Event(EventWait) { refuse(); }
Event::~Event() {}
void Event::record(StreamHandle) { refuse(); }
void Event::synchronize() const { refuse(); }
void Event::block(StreamHandle) const { refuse(); }
double Event::seconds_since(const Event&) const { refuse(); }

Graph::Graph(StreamHandle, const std::function<void()>&) { refuse(); }
Graph::~Graph() {}
void Graph::launch(StreamHandle) const { refuse(); }

}  // namespace offload::cuda
