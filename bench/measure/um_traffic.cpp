// SPDX-License-Identifier: Apache-2.0
// CUPTI hands over records in buffers, through plain functions without a user pointer and from a
// thread of its own: what they add to is therefore one object per process, under a mutex.
#include "bench/measure/um_traffic.hpp"

#include <cuda_runtime_api.h>
#include <cupti.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

constexpr auto kind = CUPTI_ACTIVITY_KIND_UNIFIED_MEMORY_COUNTER;
constexpr std::size_t buffer_bytes = std::size_t{4} << 20;  // some 40000 records
constexpr std::size_t buffer_alignment = 4096;              // CUPTI asks for 8
constexpr std::size_t known_bytes = std::size_t{16} << 20;
constexpr int max_attempts = 4;

std::size_t& by_cause(BytesByCause& bytes, std::uint32_t cause) {
  switch (cause) {
    case CUPTI_ACTIVITY_UNIFIED_MEMORY_MIGRATION_CAUSE_COHERENCE:
      return bytes.fault;
    case CUPTI_ACTIVITY_UNIFIED_MEMORY_MIGRATION_CAUSE_PREFETCH:
      return bytes.around_fault;
    case CUPTI_ACTIVITY_UNIFIED_MEMORY_MIGRATION_CAUSE_USER:
      return bytes.prefetch;
    case CUPTI_ACTIVITY_UNIFIED_MEMORY_MIGRATION_CAUSE_EVICTION:
      return bytes.eviction;
    case CUPTI_ACTIVITY_UNIFIED_MEMORY_MIGRATION_CAUSE_ACCESS_COUNTERS:
      return bytes.access_counters;
    default:
      return bytes.other;
  }
}

class Totals {
 public:
  /// To the last window that was open when it happened. Records of before the first one are late.
  void add(const CUpti_ActivityUnifiedMemoryCounter2& record) {
    const std::lock_guard lock(mutex_);
    const auto later = std::ranges::upper_bound(windows_, record.start, {}, &Window::begin);
    if (later != windows_.begin()) add(record, std::prev(later)->traffic);
  }
  void add_dropped(std::size_t records) {
    const std::lock_guard lock(mutex_);
    dropped_ += records;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    windows_.clear();
    dropped_ = 0;
  }
  /// What happens from `timestamp` on, by CUPTI's clock, is counted apart from what happened
  /// before.
  void open_window(std::uint64_t timestamp) {
    const std::lock_guard lock(mutex_);
    windows_.push_back({timestamp, {}});
  }
  UmTraffic window(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return windows_[index].traffic;
  }
  std::size_t dropped() {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  struct Window {
    std::uint64_t begin;
    UmTraffic traffic;
  };

  static void add(const CUpti_ActivityUnifiedMemoryCounter2& record, UmTraffic& traffic) {
    const std::size_t value = record.value;
    switch (record.counterKind) {
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_HTOD:
        by_cause(traffic.to_device, record.flags) += value;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_DTOH:
        by_cause(traffic.to_host, record.flags) += value;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_GPU_PAGE_FAULT:
        traffic.gpu_fault_groups += value;  // of one page
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_CPU_PAGE_FAULT_COUNT:
        ++traffic.cpu_faults;  // one record each; the value is a program counter
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_THRASHING:
        ++traffic.thrashing;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_THROTTLING:
        ++traffic.throttling;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_REMOTE_MAP:
        ++traffic.remote_maps;  // the value is the size of the region mapped
        break;
      default:
        break;
    }
  }

  std::mutex mutex_;
  std::vector<Window> windows_;
  std::size_t dropped_ = 0;
};

/// Never destroyed: CUPTI's thread may still call back while the process ends.
Totals& totals() {
  static Totals& instance = *new Totals;
  return instance;
}

void CUPTIAPI buffer_requested(std::uint8_t** buffer, std::size_t* size, std::size_t* max_records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(buffer_alignment, buffer_bytes));
  *size = *buffer == nullptr ? 0 : buffer_bytes;
  *max_records = 0;  // as many as fit
}

void CUPTIAPI buffer_completed(CUcontext context, std::uint32_t stream, std::uint8_t* buffer,
                               std::size_t /*size*/, std::size_t valid) {
  CUpti_Activity* record = nullptr;
  while (valid > 0 && cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind != kind) continue;
    // Later versions of the record only append to this one.
    totals().add(*reinterpret_cast<const CUpti_ActivityUnifiedMemoryCounter2*>(record));
  }
  std::size_t dropped = 0;
  if (cuptiActivityGetNumDroppedRecords(context, stream, &dropped) == CUPTI_SUCCESS) {
    totals().add_dropped(dropped);
  }
  std::free(buffer);
}

std::string text_of(CUptiResult result, const char* call) {
  const char* text = nullptr;
  if (cuptiGetResultString(result, &text) != CUPTI_SUCCESS || text == nullptr) text = "unknown";
  return std::string(call) + ": " + text;
}

CUptiResult configure() {
  std::array<CUpti_ActivityUnifiedMemoryCounterConfig, 7> counters{};
  constexpr std::array kinds{
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_HTOD,
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_DTOH,
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_CPU_PAGE_FAULT_COUNT,
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_GPU_PAGE_FAULT,
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_REMOTE_MAP,
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_THRASHING,
      CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_THROTTLING,
  };
  int device = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return CUPTI_ERROR_INVALID_DEVICE;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    counters[i].scope = CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_SCOPE_PROCESS_SINGLE_DEVICE;
    counters[i].kind = kinds[i];
    counters[i].deviceId = static_cast<std::uint32_t>(device);
    counters[i].enable = 1;
  }
  return cuptiActivityConfigureUnifiedMemoryCounter(counters.data(),
                                                    static_cast<std::uint32_t>(counters.size()));
}

/// Counters are on while this lives. What was not flushed before it ends is lost.
class Enabled {
 public:
  Enabled() : result_(cuptiActivityEnable(kind)) {}
  ~Enabled() {
    if (result_ != CUPTI_SUCCESS) return;
    (void)cuptiActivityDisable(kind);
    (void)cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
  }
  Enabled(const Enabled&) = delete;
  Enabled& operator=(const Enabled&) = delete;
  CUptiResult result() const { return result_; }

 private:
  CUptiResult result_;
};

/// Of what was not counted for anybody, such as the faults of placing weights.
void discard_records() {
  (void)cudaDeviceSynchronize();
  (void)cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
  totals().clear();
}

Support set_up_counters() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    (void)cudaGetLastError();
    return Support::no("no GPU");
  }
  const auto registered = cuptiActivityRegisterCallbacks(buffer_requested, buffer_completed);
  if (registered != CUPTI_SUCCESS) {
    return Support::no(text_of(registered, "cuptiActivityRegisterCallbacks"));
  }
  const auto configured = configure();
  if (configured != CUPTI_SUCCESS) {
    return Support::no(text_of(configured, "cuptiActivityConfigureUnifiedMemoryCounter"));
  }
  return Support::yes();
}

}  // namespace

const Support& UmCollector::available() {
  if (support_) return *support_;
  support_ = set_up_counters();
  if (*support_) support_ = start();
  // What is counted first may not be delivered at all.
  int attempts = 0;
  while (*support_ && !count_right()) {
    stop();
    if (++attempts == max_attempts) {
      support_ = Support::no("CUPTI delivers no records of a known transfer");
    }
  }
  return *support_;
}

Support UmCollector::start() {
  if (counters_) return Support::yes();
  auto counters = std::make_shared<const Enabled>();
  if (counters->result() != CUPTI_SUCCESS) {
    return Support::no(text_of(counters->result(), "cuptiActivityEnable"));
  }
  counters_ = std::move(counters);
  return Support::yes();
}

bool UmCollector::count_right() {
  const cuda::ManagedBuffer buffer(known_bytes);
  const cuda::Stream stream;
  std::memset(buffer.data(), 1, known_bytes);
  const std::array<Pass, 1> prefetch{{{[] {},
                                       [&] {
                                         cuda::mem_prefetch_async(buffer.data(), known_bytes,
                                                                  cuda::Processor::gpu, stream);
                                         cuda::stream_synchronize(stream);
                                       }}}};
  const Observed<std::vector<UmTraffic>> found = count(prefetch);
  return found.value && found.value->front().to_device.total() == known_bytes;
}

Observed<std::vector<UmTraffic>> UmCollector::measure(std::span<const Pass> passes) {
  if (available()) return count(passes);
  for (const Pass& pass : passes) {
    pass.prepare();
    pass.run();
  }
  return Observed<std::vector<UmTraffic>>::unavailable(available().reason());
}

Observed<std::vector<UmTraffic>> UmCollector::count(std::span<const Pass> passes) {
  using Counted = Observed<std::vector<UmTraffic>>;
  const auto open_window = [] {
    (void)cudaDeviceSynchronize();
    std::uint64_t now = 0;
    (void)cuptiGetTimestamp(&now);
    totals().open_window(now);
  };
  const Support on = start();
  bool is_first = true;
  for (const Pass& pass : passes) {
    pass.prepare();
    if (std::exchange(is_first, false)) discard_records();
    open_window();
    pass.run();
    open_window();
  }
  if (!on) return Counted::unavailable(on.reason());
  // Records exist once the work has ended.
  const cudaError_t done = cudaDeviceSynchronize();
  if (done != cudaSuccess) return Counted::unavailable(cudaGetErrorString(done));
  const auto flushed = cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
  if (flushed != CUPTI_SUCCESS) {
    return Counted::unavailable(text_of(flushed, "cuptiActivityFlushAll"));
  }
  if (const std::size_t dropped = totals().dropped(); dropped > 0) {
    return Counted::unavailable("CUPTI dropped " + std::to_string(dropped) + " records");
  }
  std::vector<UmTraffic> traffic;
  for (std::size_t i = 0; i < passes.size(); ++i) traffic.push_back(totals().window(2 * i));
  return Counted::measured(std::move(traffic));
}

}  // namespace offload
