// SPDX-License-Identifier: Apache-2.0
// A PCI device as Linux describes it.
#pragma once
#include <filesystem>
#include <string>

#include "offload/platform.hpp"

namespace offload {

/// `root` is "/" on a real machine; `bus_id` as cudaDeviceGetPCIBusId writes it, e.g.
/// "0000:3B:00.0". What cannot be read stays empty, and `unknown` says why.
PciDevice read_pci_device(const std::filesystem::path& root, const std::string& bus_id);

}  // namespace offload
