// SPDX-License-Identifier: Apache-2.0
// How one GPU is set up and what it is doing, as NVML says it.
#include "bench/platform/nvml.hpp"

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace offload {
namespace {

// Numbers of nvml.h.
constexpr int not_supported = 3;
constexpr int no_permission = 4;
constexpr unsigned int clock_sm = 1;
constexpr unsigned int clock_memory = 2;
constexpr unsigned int sensor_gpu = 0;

constexpr std::array<std::pair<std::uint64_t, const char*>, 8> throttle_names{{
    {0x2, "application clocks"},
    {0x4, "power cap"},
    {0x8, "hardware slowdown"},
    {0x10, "sync boost"},
    {0x20, "software thermal slowdown"},
    {0x40, "hardware thermal slowdown"},
    {0x80, "hardware power brake"},
    {0x100, "display clocks"},
}};

struct Bar1Memory {  // nvmlBAR1Memory_t
  unsigned long long total = 0;
  unsigned long long free = 0;
  unsigned long long used = 0;
};
struct AddressingMode {  // nvmlDeviceAddressingMode_v1_t
  unsigned int version = 0x1000008;
  unsigned int value = std::numeric_limits<unsigned int>::max();  // no mode: not answered
};
struct ConfidentialState {  // nvmlConfComputeSystemState_t
  unsigned int environment = 0;
  unsigned int feature = 0;
  unsigned int developer_tools = 0;
};
struct Temperature {  // nvmlTemperature_v1_t
  unsigned int version = 0x100000C;
  unsigned int sensor = sensor_gpu;
  int celsius = 0;
};

std::string status_text(int status) {
  std::string text = "NVML error " + std::to_string(status);
  if (status == not_supported) text += " (not supported)";
  if (status == no_permission) text += " (no permission)";
  return text;
}

/// Asks about one device and keeps note of what is not answered.
class Questions {
 public:
  Questions(const nvml::Library& library, nvml::Device device)
      : library_(library), device_(device) {}

  /// Calls `name` with `arguments`; false, and a note about `field`, unless that succeeds.
  template <class... Arguments>
  bool ask(std::string_view field, const char* name, Arguments... arguments) {
    auto* const function = library_.function<int(Arguments...)>(name);
    if (function == nullptr) return note(field, std::string("this NVML has no ") + name);
    const int status = function(arguments...);
    if (status == nvml::success) return true;
    return note(field, std::string(name) + ": " + status_text(status));
  }

  std::optional<unsigned int> number(std::string_view field, const char* name) {
    unsigned int value = 0;
    if (!ask(field, name, device_, &value)) return std::nullopt;
    return value;
  }

  std::optional<double> watts(std::string_view field, const char* name) {
    const auto milliwatts = number(field, name);
    if (!milliwatts) return std::nullopt;
    return 1e-3 * *milliwatts;
  }

  std::optional<int> clock(std::string_view field, const char* name, unsigned int kind) {
    unsigned int mhz = 0;
    if (!ask(field, name, device_, kind, &mhz)) return std::nullopt;
    return static_cast<int>(mhz);
  }

  /// An nvmlEnableState_t.
  std::optional<bool> state(std::string_view field, unsigned int value) {
    if (value <= 1) return value == 1;
    strange(field, value);
    return std::nullopt;
  }

  /// A mode that is in force now and one that will be after a reset.
  std::optional<bool> current_state(std::string_view field, const char* name) {
    unsigned int current = 0;
    unsigned int pending = 0;
    if (!ask(field, name, device_, &current, &pending)) return std::nullopt;
    return state(field, current);
  }

  /// `words[value]`; an empty word stands for a value that is not used.
  template <std::size_t N>
  std::string word(std::string_view field, unsigned int value,
                   const std::array<const char*, N>& words) {
    std::string found = value < N ? words.at(value) : "";
    if (found.empty()) strange(field, value);
    return found;
  }

  bool note(std::string_view field, std::string reason) {
    notes_.push_back({std::string(field), std::move(reason)});
    return false;
  }
  bool strange(std::string_view field, unsigned int value) {
    return note(field, "NVML says " + std::to_string(value) + ", which has no meaning here");
  }

  nvml::Device device() const { return device_; }
  std::vector<Unknown> take_notes() { return std::move(notes_); }

 private:
  const nvml::Library& library_;
  nvml::Device device_;
  std::vector<Unknown> notes_;
};

std::string read_serial(Questions& questions) {
  std::array<char, 64> serial{};
  if (!questions.ask("serial", "nvmlDeviceGetSerial", questions.device(), serial.data(),
                     static_cast<unsigned int>(serial.size() - 1))) {
    return {};
  }
  return serial.data();
}

std::string read_compute_mode(Questions& questions) {
  constexpr std::array<const char*, 4> words{"default", "", "prohibited", "exclusive process"};
  const auto mode = questions.number("compute_mode", "nvmlDeviceGetComputeMode");
  return mode ? questions.word("compute_mode", *mode, words) : "";
}

std::string read_addressing_mode(Questions& questions) {
  constexpr std::array<const char*, 3> words{"none", "hmm", "ats"};
  AddressingMode mode;
  if (!questions.ask("addressing_mode", "nvmlDeviceGetAddressingMode", questions.device(), &mode)) {
    return {};
  }
  // Some drivers report success and answer nothing.
  if (mode.value == AddressingMode{}.value) {
    questions.note("addressing_mode", "nvmlDeviceGetAddressingMode succeeds without an answer");
    return {};
  }
  return questions.word("addressing_mode", mode.value, words);
}

std::optional<std::vector<std::string>> read_throttled(const nvml::Library& library,
                                                       Questions& questions) {
  // The second is the name before driver 535.
  constexpr const char* name = "nvmlDeviceGetCurrentClocksEventReasons";
  constexpr const char* old_name = "nvmlDeviceGetCurrentClocksThrottleReasons";
  using Signature = int(nvml::Device, unsigned long long*);
  const bool is_new = library.function<Signature>(name) != nullptr;
  unsigned long long reasons = 0;
  if (!questions.ask("throttled", is_new ? name : old_name, questions.device(), &reasons)) {
    return std::nullopt;
  }
  return throttle_words(reasons);
}

std::optional<int> read_temperature(const nvml::Library& library, Questions& questions) {
  // The first is what replaces the second from CUDA 14 on.
  constexpr const char* name = "nvmlDeviceGetTemperatureV";
  if (library.function<int(nvml::Device, Temperature*)>(name) != nullptr) {
    Temperature temperature;
    if (!questions.ask("temperature_celsius", name, questions.device(), &temperature)) {
      return std::nullopt;
    }
    return temperature.celsius;
  }
  unsigned int celsius = 0;
  if (!questions.ask("temperature_celsius", "nvmlDeviceGetTemperature", questions.device(),
                     sensor_gpu, &celsius)) {
    return std::nullopt;
  }
  return static_cast<int>(celsius);
}

std::optional<std::size_t> read_bar1(Questions& questions) {
  Bar1Memory memory;
  if (!questions.ask("bar1_bytes", "nvmlDeviceGetBAR1MemoryInfo", questions.device(), &memory)) {
    return std::nullopt;
  }
  return memory.total;
}

std::optional<int> read_numa_node(Questions& questions) {
  const auto node = questions.number("numa_node", "nvmlDeviceGetNumaNodeId");
  if (!node) return std::nullopt;
  if (*node <= static_cast<unsigned int>(std::numeric_limits<int>::max())) {
    return static_cast<int>(*node);
  }
  questions.note("numa_node", "NVML says -1: none");
  return std::nullopt;
}

std::optional<bool> read_confidential(Questions& questions) {
  ConfidentialState state;
  if (!questions.ask("confidential_compute", "nvmlSystemGetConfComputeState", &state)) {
    return std::nullopt;
  }
  return questions.state("confidential_compute", state.feature);
}

void read_clocks(Questions& questions, GpuSettings& settings) {
  constexpr const char* now = "nvmlDeviceGetClockInfo";
  constexpr const char* most = "nvmlDeviceGetMaxClockInfo";
  constexpr const char* application = "nvmlDeviceGetApplicationsClock";
  settings.sm_mhz = questions.clock("sm_mhz", now, clock_sm);
  settings.max_sm_mhz = questions.clock("max_sm_mhz", most, clock_sm);
  settings.application_sm_mhz = questions.clock("application_sm_mhz", application, clock_sm);
  settings.memory_mhz = questions.clock("memory_mhz", now, clock_memory);
  settings.max_memory_mhz = questions.clock("max_memory_mhz", most, clock_memory);
  settings.application_memory_mhz =
      questions.clock("application_memory_mhz", application, clock_memory);
}

}  // namespace

GpuSettings read_gpu_settings(const nvml::Library& library, nvml::Device device) {
  Questions questions(library, device);
  GpuSettings settings;
  settings.serial = read_serial(questions);
  settings.ecc = questions.current_state("ecc", "nvmlDeviceGetEccMode");
  settings.mig = questions.current_state("mig", "nvmlDeviceGetMigMode");
  if (const auto mode = questions.number("persistence", "nvmlDeviceGetPersistenceMode")) {
    settings.persistence = questions.state("persistence", *mode);
  }
  settings.compute_mode = read_compute_mode(questions);
  settings.power_limit_watts =
      questions.watts("power_limit_watts", "nvmlDeviceGetPowerManagementLimit");
  settings.enforced_power_limit_watts =
      questions.watts("enforced_power_limit_watts", "nvmlDeviceGetEnforcedPowerLimit");
  settings.default_power_limit_watts =
      questions.watts("default_power_limit_watts", "nvmlDeviceGetPowerManagementDefaultLimit");
  read_clocks(questions, settings);
  settings.throttled = read_throttled(library, questions);
  settings.temperature_celsius = read_temperature(library, questions);
  settings.bar1_bytes = read_bar1(questions);
  settings.addressing_mode = read_addressing_mode(questions);
  settings.numa_node = read_numa_node(questions);
  settings.confidential_compute = read_confidential(questions);
  settings.unknown = questions.take_notes();
  return settings;
}

std::vector<std::string> throttle_words(std::uint64_t reasons) {
  std::vector<std::string> words;
  for (const auto& [bit, word] : throttle_names) {
    if ((reasons & bit) != 0) words.emplace_back(word);
  }
  return words;
}

}  // namespace offload
