// SPDX-License-Identifier: Apache-2.0
#include "bench/record.hpp"

namespace offload {

double CaseRecord::rate() const {
  if (!summary || summary->median <= 0) return 0;
  return static_cast<double>(bytes.requested) / summary->median;
}

double Member::rate() const {
  if (!summary || summary->median <= 0) return 0;
  return static_cast<double>(bytes) / summary->median;
}

bool CaseRecord::is_resident() const {
  if (path == Path::device_memory) return !migrates;
  return path == Path::one_memory && footprint.pinned + footprint.managed + footprint.pageable == 0;
}

bool CaseRecord::lasts() const {
  if (start == offload::name(Start::steady)) return true;
  return start == offload::name(Start::warm) && path != Path::device_memory && !unsettled;
}

BytesByCause& BytesByCause::operator+=(const BytesByCause& more) {
  fault += more.fault;
  around_fault += more.around_fault;
  prefetch += more.prefetch;
  eviction += more.eviction;
  access_counters += more.access_counters;
  other += more.other;
  return *this;
}

UmTraffic& UmTraffic::operator+=(const UmTraffic& more) {
  to_device += more.to_device;
  to_host += more.to_host;
  gpu_fault_groups += more.gpu_fault_groups;
  cpu_faults += more.cpu_faults;
  remote_maps += more.remote_maps;
  thrashing += more.thrashing;
  throttling += more.throttling;
  bytes_read += more.bytes_read;
  return *this;
}

std::optional<double> CaseBeside::traffic_ratio() const {
  if (!traffic || !traffic_alone || *traffic_alone <= 0) return std::nullopt;
  return *traffic / *traffic_alone;
}

}  // namespace offload
