// SPDX-License-Identifier: Apache-2.0
// CUDA Toolkits do not always bring nvml.h, and its ABI is stable: the few declarations needed are
// made here.
#include "bench/platform/nvml.hpp"

#include <dlfcn.h>

#include <array>
#include <memory>

namespace offload {
namespace {

constexpr int nvml_success = 0;
using Device = struct OpaqueDevice*;

enum class ValueType : unsigned int {
  floating = 0,
  unsigned_int = 1,
  unsigned_long = 2,
  unsigned_long_long = 3,
  signed_long_long = 4,
  signed_int = 5,
};
union Value {
  double floating;
  unsigned int unsigned_int;
  unsigned long unsigned_long;
  unsigned long long unsigned_long_long;
  long long signed_long_long;
  int signed_int;
};
struct FieldValue {  // nvmlFieldValue_t
  unsigned int field = 0;
  unsigned int scope = 0;
  long long timestamp = 0;
  long long latency_us = 0;
  ValueType type = ValueType::floating;
  int status = 0;
  Value value{};
};
static_assert(sizeof(FieldValue) == 40);

// Field identifiers; the scope is the number of the link.
constexpr unsigned int c2c_link_count = 170;
constexpr unsigned int c2c_link_status = 171;  // 1 = active
constexpr unsigned int c2c_link_max_mb_per_second = 172;

struct CloseLibrary {
  void operator()(void* library) const { dlclose(library); }
};

/// The library, initialised; empty where that fails.
class Nvml {
 public:
  Nvml() : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    const auto init = function<int()>("nvmlInit_v2");
    ready_ = init != nullptr && init() == nvml_success;
  }
  ~Nvml() {
    if (!ready_) return;
    if (const auto shutdown = function<int()>("nvmlShutdown")) shutdown();
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool ready() const { return ready_; }

  template <class Signature>
  Signature* function(const char* name) const {
    if (!library_) return nullptr;
    return reinterpret_cast<Signature*>(dlsym(library_.get(), name));
  }

 private:
  std::unique_ptr<void, CloseLibrary> library_;
  bool ready_ = false;
};

std::optional<int> read_int(const Nvml& nvml, const char* name, Device device) {
  unsigned int value = 0;
  const auto get = nvml.function<int(Device, unsigned int*)>(name);
  if (get == nullptr || get(device, &value) != nvml_success) return std::nullopt;
  return static_cast<int>(value);
}

std::optional<long long> read_field(const Nvml& nvml, Device device, unsigned int field,
                                    unsigned int scope) {
  FieldValue query;
  query.field = field;
  query.scope = scope;
  const auto get = nvml.function<int(Device, int, FieldValue*)>("nvmlDeviceGetFieldValues");
  if (get == nullptr || get(device, 1, &query) != nvml_success) return std::nullopt;
  if (query.status != nvml_success) return std::nullopt;
  switch (query.type) {
    case ValueType::floating:
      return static_cast<long long>(query.value.floating);
    case ValueType::unsigned_int:
      return query.value.unsigned_int;
    case ValueType::unsigned_long:
      return static_cast<long long>(query.value.unsigned_long);
    case ValueType::unsigned_long_long:
      return static_cast<long long>(query.value.unsigned_long_long);
    case ValueType::signed_long_long:
      return query.value.signed_long_long;
    case ValueType::signed_int:
      return query.value.signed_int;
  }
  return std::nullopt;
}

void read_c2c(const Nvml& nvml, Device device, NvmlFacts& facts) {
  const auto links = read_field(nvml, device, c2c_link_count, 0);
  if (!links) return;
  int active = 0;
  double bytes_per_second = 0;
  bool all_known = true;
  for (unsigned int link = 0; link < static_cast<unsigned int>(*links); ++link) {
    if (read_field(nvml, device, c2c_link_status, link) != 1) continue;
    ++active;
    const auto rate = read_field(nvml, device, c2c_link_max_mb_per_second, link);
    all_known = all_known && rate.has_value();
    bytes_per_second += 1e6 * static_cast<double>(rate.value_or(0));
  }
  facts.c2c_links = active;
  if (active > 0 && all_known) facts.c2c_bytes_per_second = bytes_per_second;
}

}  // namespace

NvmlFacts read_nvml(const std::string& pci_bus_id) {
  NvmlFacts facts;
  const Nvml nvml;
  if (!nvml.ready()) return facts;

  std::array<char, 96> release{};
  const auto driver_version = nvml.function<int(char*, unsigned int)>("nvmlSystemGetDriverVersion");
  if (driver_version != nullptr &&
      driver_version(release.data(), static_cast<unsigned int>(release.size())) == nvml_success) {
    facts.driver_release = release.data();
  }

  Device device = nullptr;
  const auto by_bus_id =
      nvml.function<int(const char*, Device*)>("nvmlDeviceGetHandleByPciBusId_v2");
  if (by_bus_id == nullptr || by_bus_id(pci_bus_id.c_str(), &device) != nvml_success) return facts;
  facts.pcie_max_generation = read_int(nvml, "nvmlDeviceGetMaxPcieLinkGeneration", device);
  facts.pcie_max_width = read_int(nvml, "nvmlDeviceGetMaxPcieLinkWidth", device);
  facts.pcie_generation = read_int(nvml, "nvmlDeviceGetCurrPcieLinkGeneration", device);
  facts.pcie_width = read_int(nvml, "nvmlDeviceGetCurrPcieLinkWidth", device);
  read_c2c(nvml, device, facts);
  return facts;
}

}  // namespace offload
