// SPDX-License-Identifier: Apache-2.0
// CUPTI hands over records in buffers, through plain functions without a user pointer and from a
// thread of its own: what they add to is therefore one object per process, behind a mutex.
#include "bench/evidence/um_traffic.hpp"

#include <cuda_runtime_api.h>
#include <cupti.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

constexpr auto kind = CUPTI_ACTIVITY_KIND_UNIFIED_MEMORY_COUNTER;
constexpr std::size_t buffer_bytes = std::size_t{4} << 20;  // some 40000 records
constexpr std::size_t buffer_alignment = 4096;              // CUPTI asks for 8
constexpr std::size_t known_bytes = std::size_t{16} << 20;
constexpr int most_attempts = 4;

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
  void add(const CUpti_ActivityUnifiedMemoryCounter2& record) {
    const std::lock_guard lock(mutex_);
    if (record.start < since_) return;  // late, of an earlier pass
    const std::size_t value = record.value;
    switch (record.counterKind) {
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_HTOD:
        by_cause(traffic_.to_device, record.flags) += value;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_DTOH:
        by_cause(traffic_.to_host, record.flags) += value;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_GPU_PAGE_FAULT:
        traffic_.gpu_fault_groups += value;  // of one page
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_CPU_PAGE_FAULT_COUNT:
        ++traffic_.cpu_faults;  // one record each; the value is a program counter
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_THRASHING:
        ++traffic_.thrashing;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_THROTTLING:
        ++traffic_.throttling;
        break;
      case CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_REMOTE_MAP:
        ++traffic_.remote_maps;  // the value is the size of the region mapped
        break;
      default:
        break;
    }
  }
  void add_dropped(std::size_t records) {
    const std::lock_guard lock(mutex_);
    dropped_ += records;
  }
  /// Start anew, with what happens from `timestamp` on, by CUPTI's clock.
  void begin(std::uint64_t timestamp) {
    const std::lock_guard lock(mutex_);
    traffic_ = {};
    dropped_ = 0;
    since_ = timestamp;
  }
  /// Traffic and the number of records lost since begin().
  std::pair<UmTraffic, std::size_t> take() {
    const std::lock_guard lock(mutex_);
    return {std::exchange(traffic_, {}), std::exchange(dropped_, 0)};
  }

 private:
  std::mutex mutex_;
  UmTraffic traffic_;
  std::size_t dropped_ = 0;
  std::uint64_t since_ = 0;
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

/// Counters are on while this lives.
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

Support try_counters() {
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
  const Enabled trial;
  if (trial.result() == CUPTI_SUCCESS) return Support::yes();
  return Support::no(text_of(trial.result(), "cuptiActivityEnable"));
}

}  // namespace

const Support& UmCollector::available() {
  if (support_) return *support_;
  support_ = try_counters();
  // The first sessions may deliver nothing at all.
  int attempts = 0;
  while (*support_ && !count_right()) {
    if (++attempts == most_attempts) {
      support_ = Support::no("CUPTI delivers no records of a known transfer");
    }
  }
  return *support_;
}

bool UmCollector::count_right() {
  const cuda::ManagedBuffer buffer(known_bytes);
  const cuda::Stream stream;
  std::memset(buffer.data(), 1, known_bytes);
  const Found<UmTraffic> found = count([&] {
    cuda::mem_prefetch_async(buffer.data(), known_bytes, cuda::Processor::gpu, stream);
    cuda::stream_synchronize(stream);
  });
  return found.value && found.value->to_device.total() == known_bytes;
}

Found<UmTraffic> UmCollector::measure(const std::function<void()>& pass) {
  if (available()) return count(pass);
  pass();
  return Found<UmTraffic>::unavailable(available().reason());
}

Found<UmTraffic> UmCollector::count(const std::function<void()>& pass) {
  (void)cudaDeviceSynchronize();
  std::uint64_t now = 0;
  (void)cuptiGetTimestamp(&now);
  totals().begin(now);
  {
    const Enabled counters;
    pass();
    if (counters.result() != CUPTI_SUCCESS) {
      return Found<UmTraffic>::unavailable(text_of(counters.result(), "cuptiActivityEnable"));
    }
    // Records exist once the work has ended, and arrive only if flushed before counting ends, too.
    const cudaError_t done = cudaDeviceSynchronize();
    if (done != cudaSuccess) return Found<UmTraffic>::unavailable(cudaGetErrorString(done));
    const auto flushed = cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    if (flushed != CUPTI_SUCCESS)
      return Found<UmTraffic>::unavailable(text_of(flushed, "cuptiActivityFlushAll"));
  }
  const auto [traffic, dropped] = totals().take();
  if (dropped > 0)
    return Found<UmTraffic>::unavailable("CUPTI dropped " + std::to_string(dropped) + " records");
  return Found<UmTraffic>::measured(traffic);
}

}  // namespace offload
