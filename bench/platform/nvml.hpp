// SPDX-License-Identifier: Apache-2.0
// What NVIDIA's management library says of one GPU. The library is opened at run time: a machine
// without it, or without a driver, leaves every field empty.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "bench/platform/nvml_library.hpp"
#include "offload/platform.hpp"

namespace offload {

struct NvmlFacts {
  std::string driver_release;  // e.g. "580.159.04"
  // The most that GPU and slot can do together, and what is negotiated at this moment: an idle
  // link lowers its generation.
  std::optional<int> pcie_max_generation;
  std::optional<int> pcie_max_width;
  std::optional<int> pcie_generation;
  std::optional<int> pcie_width;
  std::optional<int> c2c_links;                // active ones; 0: there are none
  std::optional<double> c2c_bytes_per_second;  // of all active links, per direction
  GpuSettings settings;
};

/// `pci_bus_id` as cudaDeviceGetPCIBusId writes it, e.g. "0000:17:00.0".
NvmlFacts read_nvml(const std::string& pci_bus_id, const char* library = nvml::library_file);

}  // namespace offload
