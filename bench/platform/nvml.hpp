// SPDX-License-Identifier: Apache-2.0
// NVIDIA's management library, opened at run time, so that a machine without it, or without a
// driver, starts all the same. CUDA Toolkits do not always bring nvml.h, and its ABI is stable: the
// few declarations needed are made here and where they are used.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "offload/platform.hpp"

namespace offload::nvml {

inline constexpr int success = 0;
inline constexpr const char* library_file = "libnvidia-ml.so.1";
using Device = struct OpaqueDevice*;

/// The library, initialised; not ready() where that fails.
class Library {
 public:
  explicit Library(const char* file = library_file);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  bool ready() const { return ready_; }
  /// nullptr where this library has no such function.
  template <class Signature>
  Signature* function(const char* name) const {
    return reinterpret_cast<Signature*>(symbol(name));
  }
  /// `pci_bus_id` as cudaDeviceGetPCIBusId writes it, e.g. "0000:17:00.0"; nullptr when unknown.
  Device device(const std::string& pci_bus_id) const;
  /// What `name`, a function of a device, answers; nullopt where it cannot.
  std::optional<int> number(const char* name, Device device) const;
  /// A value of nvmlDeviceGetFieldValues; `scope` is the number of a link, or 0.
  std::optional<long long> field(Device device, unsigned int id, unsigned int scope = 0) const;
  /// Numbers of the C2C links that are up; nullopt where the driver does not know such links.
  std::optional<std::vector<unsigned int>> active_c2c_links(Device device) const;

 private:
  void* symbol(const char* name) const;

  struct Close {
    void operator()(void* library) const;
  };
  std::unique_ptr<void, Close> library_;
  bool ready_ = false;
};

}  // namespace offload::nvml

namespace offload {

/// What NVML says of one GPU; where the library cannot be opened every field stays empty.
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

/// What NVML does not answer stays empty, and `unknown` says what it said instead.
GpuSettings read_gpu_settings(const nvml::Library& library, nvml::Device device);

/// NVML's bits of what holds the clocks down, as words; an idle GPU has none.
std::vector<std::string> throttle_words(std::uint64_t reasons);

}  // namespace offload
