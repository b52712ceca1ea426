// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/unsettled.hpp"

#include <cmath>
#include <cstddef>

#include "offload/start.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr double few = 0.05;  // of the bytes read, or of the pages
// Less than this GPU and driver exchange in any pass.
constexpr std::size_t exchanged_anyway = MiB;

double ratio(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// By the driver's counters; without them by the link's, which carries nothing else for weights
/// that are on the GPU.
std::optional<double> moved_per_read(const CaseRecord& record) {
  const auto& um = record.evidence.um.value;
  if (um && um->bytes_read > 0) return ratio(um->to_device.total(), um->bytes_read);
  const auto& link = record.evidence.link.value;
  const std::size_t read = record.bytes.touched;
  if (record.path != Path::device_memory || !link || read < exchanged_anyway) return std::nullopt;
  return link->wire_to_device / static_cast<double>(read);
}

}  // namespace

std::optional<Unsettled> find_unsettled(const CaseRecord& record) {
  if (record.start != name(Start::warm)) return std::nullopt;
  Unsettled found;
  found.moved_per_read = moved_per_read(record);
  const auto& pages = record.evidence.residency.value;
  if (pages && pages->pages_asked > 0 && pages->not_on_cpu_before) {
    found.on_gpu_before = ratio(*pages->not_on_cpu_before, pages->pages_asked);
    found.on_gpu_after = ratio(pages->not_on_cpu, pages->pages_asked);
  }
  const double shifted = std::abs(found.on_gpu_after.value_or(0) - found.on_gpu_before.value_or(0));
  if (found.moved_per_read.value_or(0) <= few && shifted <= few) return std::nullopt;
  return found;
}

}  // namespace offload
