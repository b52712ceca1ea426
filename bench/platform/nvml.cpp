// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/nvml.hpp"

#include <array>

#include "bench/platform/gpu_settings.hpp"

namespace offload {
namespace {

// Field identifiers; the scope is the number of the link.
constexpr unsigned int c2c_link_max_mb_per_second = 172;

void read_c2c(const nvml::Library& library, nvml::Device device, NvmlFacts& facts) {
  const auto active = library.active_c2c_links(device);
  if (!active) return;
  double bytes_per_second = 0;
  bool all_known = true;
  for (const unsigned int link : *active) {
    const auto rate = library.field(device, c2c_link_max_mb_per_second, link);
    all_known = all_known && rate.has_value();
    bytes_per_second += 1e6 * static_cast<double>(rate.value_or(0));
  }
  facts.c2c_links = static_cast<int>(active->size());
  if (!active->empty() && all_known) facts.c2c_bytes_per_second = bytes_per_second;
}

}  // namespace

NvmlFacts read_nvml(const std::string& pci_bus_id, const char* library_file) {
  NvmlFacts facts;
  const nvml::Library library(library_file);
  if (!library.ready()) {
    facts.settings.unknown = {{"all", std::string(library_file) + " (NVML) cannot be opened"}};
    return facts;
  }

  std::array<char, 96> release{};
  const auto driver_version =
      library.function<int(char*, unsigned int)>("nvmlSystemGetDriverVersion");
  if (driver_version != nullptr &&
      driver_version(release.data(), static_cast<unsigned int>(release.size())) == nvml::success) {
    facts.driver_release = release.data();
  }

  const nvml::Device device = library.device(pci_bus_id);
  if (device == nullptr) {
    facts.settings.unknown = {{"all", "NVML does not know this GPU"}};
    return facts;
  }
  facts.pcie_max_generation = library.number("nvmlDeviceGetMaxPcieLinkGeneration", device);
  facts.pcie_max_width = library.number("nvmlDeviceGetMaxPcieLinkWidth", device);
  facts.pcie_generation = library.number("nvmlDeviceGetCurrPcieLinkGeneration", device);
  facts.pcie_width = library.number("nvmlDeviceGetCurrPcieLinkWidth", device);
  read_c2c(library, device, facts);
  facts.settings = read_gpu_settings(library, device);
  return facts;
}

}  // namespace offload
