// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/nvml_library.hpp"

#include <dlfcn.h>

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
