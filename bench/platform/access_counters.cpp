// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/access_counters.hpp"

#include <algorithm>
#include <charconv>

#include "offload/units.hpp"

namespace offload {
namespace {

// Of nvidia-uvm, as the module was loaded.
constexpr const char* migration = "uvm_perf_access_counter_migration_enable";
constexpr const char* threshold = "uvm_perf_access_counter_threshold";

std::optional<int> parameter(const NamedTexts& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &NamedTexts::value_type::first);
  if (found == parameters.end()) return std::nullopt;
  const std::string& text = found->second;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Where the driver decides for itself (migration_enable=-1).
AccessCounters by_default(const Platform& platform) {
  constexpr std::size_t too_small = 4096;
  const MemoryMode mode = memory_mode(platform.gpu->memory_model);
  switch (mode) {
    case MemoryMode::separate:
    case MemoryMode::hmm:
      return {false,
              "the driver turns them on by itself only where the GPU uses the host's page "
              "tables"};
    case MemoryMode::cdmm:
      return {false, "under CDMM system memory stays where it is"};
    case MemoryMode::one_memory:
      return {false, "there is one memory"};
    case MemoryMode::numa:
    case MemoryMode::ats:
      break;
  }
  if (platform.host.page_bytes == too_small) {
    return {false, "the driver has none with pages of 4 KiB"};
  }
  if (mode == MemoryMode::ats) {
    return {std::nullopt, "the driver does not say whether GPU memory is a NUMA node"};
  }
  return {true, "the driver's default on the host's page tables"};
}

bool has_link(const Platform& platform) {
  return memory_mode(platform.gpu->memory_model) != MemoryMode::one_memory;
}

}  // namespace

AccessCounters access_counters(const Platform& platform) {
  const NamedTexts& parameters = platform.host.settings.modules.uvm_parameters;
  const std::optional<int> enabled = parameter(parameters, migration);
  AccessCounters found = by_default(platform);
  if (enabled == 0 && found.move_pages != false) {
    found = {false, std::string(migration) + "=0", true};
  }
  if (enabled == 1 && found.move_pages != true && has_link(platform)) {
    found = {std::nullopt, std::string(migration) + "=1, though by default " + found.reason};
  }
  found.threshold = parameter(parameters, threshold);
  return found;
}

std::string text_of(const AccessCounters& counters) {
  if (counters.move_pages == false) return "access counters move nothing here: " + counters.reason;
  std::string text = "access counters ";
  text += counters.move_pages ? "move" : "may move";
  text += " " + format_size(access_counter_region) + " to the GPU after ";
  text += counters.threshold ? std::to_string(*counters.threshold) + " reads of it"
                             : "a number of reads that the driver does not show";
  return text + " (" + counters.reason + ")";
}

}  // namespace offload
