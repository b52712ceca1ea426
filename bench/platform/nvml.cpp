// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/nvml.hpp"

#include <dlfcn.h>

#include <array>

namespace offload::nvml {
namespace {

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

}  // namespace

void Library::Close::operator()(void* library) const { dlclose(library); }

Library::Library(const char* file) : library_(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
  const auto init = function<int()>("nvmlInit_v2");
  ready_ = init != nullptr && init() == success;
}

Library::~Library() {
  if (!ready_) return;
  if (const auto shutdown = function<int()>("nvmlShutdown")) shutdown();
}

void* Library::symbol(const char* name) const {
  return library_ ? dlsym(library_.get(), name) : nullptr;
}

Device Library::device(const std::string& pci_bus_id) const {
  Device device = nullptr;
  const auto by_bus_id = function<int(const char*, Device*)>("nvmlDeviceGetHandleByPciBusId_v2");
  if (!ready_ || by_bus_id == nullptr) return nullptr;
  return by_bus_id(pci_bus_id.c_str(), &device) == success ? device : nullptr;
}

std::optional<int> Library::number(const char* name, Device device) const {
  unsigned int value = 0;
  const auto get = function<int(Device, unsigned int*)>(name);
  if (get == nullptr || get(device, &value) != success) return std::nullopt;
  return static_cast<int>(value);
}

std::optional<long long> Library::field(Device device, unsigned int id, unsigned int scope) const {
  FieldValue query;
  query.field = id;
  query.scope = scope;
  const auto get = function<int(Device, int, FieldValue*)>("nvmlDeviceGetFieldValues");
  if (get == nullptr || get(device, 1, &query) != success) return std::nullopt;
  if (query.status != success) return std::nullopt;
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

std::optional<std::vector<unsigned int>> Library::active_c2c_links(Device device) const {
  const auto count = field(device, c2c_link_count);
  if (!count) return std::nullopt;
  std::vector<unsigned int> active;
  for (unsigned int link = 0; link < static_cast<unsigned int>(*count); ++link) {
    if (field(device, c2c_link_status, link) == 1) active.push_back(link);
  }
  return active;
}

}  // namespace offload::nvml

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
