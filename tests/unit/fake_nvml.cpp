// SPDX-License-Identifier: Apache-2.0
// A management library with three GPUs: one that answers everything, one whose answers make no
// sense, and one that supports nothing. Its declarations are nvml.h's.
#include <cstring>
#include <string_view>

// NOLINTBEGIN(readability-identifier-naming): the names are NVML's

namespace {

constexpr int success = 0;
constexpr int not_supported = 3;
constexpr int not_found = 6;

struct Gpu {
  bool supported = true;
  unsigned int nonsense = 0;  // instead of every answer
};
Gpu answering;
Gpu confused{true, 77};
Gpu mute{false, 0};

int answer(const Gpu* gpu, unsigned int* value, unsigned int truth) {
  if (!gpu->supported) return not_supported;
  *value = gpu->nonsense != 0 ? gpu->nonsense : truth;
  return success;
}

struct Bar1Memory {
  unsigned long long total, free, used;
};
struct Versioned {
  unsigned int version, value;
};
struct ConfidentialState {
  unsigned int environment, feature, developer_tools;
};

}  // namespace

extern "C" {

int nvmlInit_v2() { return success; }
int nvmlShutdown() { return success; }

int nvmlSystemGetDriverVersion(char* text, unsigned int length) {
  std::strncpy(text, "580.1", length);
  return success;
}
int nvmlSystemGetConfComputeState(ConfidentialState* state) {
  *state = {2, 1, 0};
  return success;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* id, Gpu** gpu) {
  const std::string_view address = id;
  if (address == "0000:01:00.0") *gpu = &answering;
  if (address == "0000:02:00.0") *gpu = &confused;
  if (address == "0000:03:00.0") *gpu = &mute;
  return *gpu != nullptr ? success : not_found;
}

int nvmlDeviceGetSerial(Gpu* gpu, char* text, unsigned int length) {
  if (!gpu->supported) return not_supported;
  std::strncpy(text, "1650123456789", length);
  return success;
}
int nvmlDeviceGetEccMode(Gpu* gpu, unsigned int* current, unsigned int* pending) {
  *pending = 0;  // what will be, which is not asked
  return answer(gpu, current, 1);
}
int nvmlDeviceGetMigMode(Gpu* gpu, unsigned int* current, unsigned int* pending) {
  *pending = 1;
  return answer(gpu, current, 0);
}
int nvmlDeviceGetPersistenceMode(Gpu* gpu, unsigned int* mode) { return answer(gpu, mode, 1); }
int nvmlDeviceGetComputeMode(Gpu* gpu, unsigned int* mode) { return answer(gpu, mode, 3); }
int nvmlDeviceGetPowerManagementLimit(Gpu* gpu, unsigned int* milliwatts) {
  return answer(gpu, milliwatts, 700'000);
}
int nvmlDeviceGetEnforcedPowerLimit(Gpu* gpu, unsigned int* milliwatts) {
  return answer(gpu, milliwatts, 650'500);
}
int nvmlDeviceGetPowerManagementDefaultLimit(Gpu* gpu, unsigned int* milliwatts) {
  return answer(gpu, milliwatts, 720'000);
}
// The kind of a clock is 1 for the SMs', 2 for the memory's.
int nvmlDeviceGetClockInfo(Gpu* gpu, unsigned int kind, unsigned int* mhz) {
  return answer(gpu, mhz, kind == 1 ? 345 : 2619);
}
int nvmlDeviceGetMaxClockInfo(Gpu* gpu, unsigned int kind, unsigned int* mhz) {
  return answer(gpu, mhz, kind == 1 ? 1980 : 3201);
}
int nvmlDeviceGetApplicationsClock(Gpu* gpu, unsigned int kind, unsigned int* mhz) {
  return answer(gpu, mhz, kind == 1 ? 1755 : 3105);
}
int nvmlDeviceGetCurrentClocksEventReasons(Gpu* gpu, unsigned long long* reasons) {
  if (!gpu->supported) return not_supported;
  *reasons = 0x1 | 0x4 | 0x40;
  return success;
}
int nvmlDeviceGetTemperature(Gpu* gpu, unsigned int sensor, unsigned int* celsius) {
  return answer(gpu, celsius, sensor == 0 ? 31 : 0);
}
int nvmlDeviceGetBAR1MemoryInfo(Gpu* gpu, Bar1Memory* memory) {
  if (!gpu->supported) return not_supported;
  *memory = {137'438'953'472, 137'000'000'000, 438'953'472};
  return success;
}
int nvmlDeviceGetAddressingMode(Gpu* gpu, Versioned* mode) {
  if (mode->version != 0x1000008) return not_supported;
  // Success and no answer at all, as seen of a real driver.
  if (gpu->nonsense != 0) return success;
  return answer(gpu, &mode->value, 1);
}
int nvmlDeviceGetNumaNodeId(Gpu* gpu, unsigned int* node) {
  if (gpu->nonsense != 0) {
    *node = static_cast<unsigned int>(-1);
    return success;
  }
  return answer(gpu, node, 5);
}
}

// NOLINTEND(readability-identifier-naming)
