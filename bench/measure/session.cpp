// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/session.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/flush_l2.hpp"
#include "kernels/stream_read.hpp"

namespace offload {

PassTimer::PassTimer(bool gpu) : events_(gpu ? std::make_unique<Events>() : nullptr) {}

void PassTimer::begin(StreamHandle stream) {
  is_set_up_ = false;
  setup_seconds_.reset();
  if (events_) {
    events_->begin.record(stream);
  } else {
    watch_ = {};
  }
}

void PassTimer::set_up(StreamHandle stream) {
  is_set_up_ = true;
  if (events_) {
    events_->set_up.record(stream);
  } else {
    setup_seconds_ = watch_.seconds();
  }
}

double PassTimer::end(StreamHandle stream) {
  if (!events_) return watch_.seconds();
  events_->end.record(stream);
  events_->end.synchronize();
  if (is_set_up_) setup_seconds_ = events_->set_up.seconds_since(events_->begin);
  return events_->end.seconds_since(events_->begin);
}

Session::Session(const Platform& platform, std::size_t threads, HostPages pages)
    : platform_(platform),
      workers_(threads),
      host_buffers_(pages),
      stream_(platform.gpu ? std::make_unique<cuda::Stream>() : nullptr),
      timer_(platform.gpu.has_value()),
      gpu_counters_(platform.gpu ? platform.gpu->pci_bus_id : "") {
  if (!platform.gpu) return;
  l2_filler_ = cuda::DeviceBuffer(3 * std::max(platform.gpu->l2_bytes, std::size_t{1} << 20));
  l2_filler_sum_ = cuda::DeviceBuffer(sizeof(std::uint64_t));
  cuda::memset_async(l2_filler_.data(), 0x5a, l2_filler_.bytes(), stream());
  cuda::memset_async(l2_filler_sum_.data(), 0, l2_filler_sum_.bytes(), stream());
  cuda::stream_synchronize(stream());
}

void Session::flush_device_cache() {
  kernels::flush_l2(static_cast<const std::byte*>(l2_filler_.data()), l2_filler_.bytes(),
                    static_cast<std::uint64_t*>(l2_filler_sum_.data()), stream());
}

void Session::flush_host_cache() {
  if (!llc_filler_) {
    const std::size_t bytes = flush_bytes(platform_.host);
    llc_filler_ = std::make_unique<HostAllocation>(HostMemory::pageable, bytes);
    // Written, so that the pages are distinct memory and not one shared page of zeros.
    std::memset(llc_filler_->data(), 0x5a, bytes);
  }
  std::uint64_t sum = 0;
  host::stream_read(llc_filler_->data(), llc_filler_->bytes(), &sum, workers_);
  workers_.join();
}

void Session::wait() {
  workers_.join();
  if (gpu()) cuda::stream_synchronize(stream());
}

}  // namespace offload
