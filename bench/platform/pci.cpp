// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/pci.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "bench/core/files.hpp"
#include "bench/platform/procfs.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view devices = "sys/bus/pci/devices/";

/// Of "32.0 GT/s PCIe".
std::optional<int> generation_of(std::string_view speed) {
  constexpr std::array<std::string_view, 6> speeds{"2.5", "5", "8", "16", "32", "64"};
  speed = speed.substr(0, speed.find(' '));
  if (speed.ends_with(".0")) speed.remove_suffix(2);
  const auto* const found = std::ranges::find(speeds, speed);
  if (found == speeds.end()) return std::nullopt;
  return static_cast<int>(found - speeds.begin()) + 1;
}

std::optional<int> width_of(std::string_view text) {
  const auto width = exact_number(text);
  constexpr std::size_t most = 32;  // lanes, that the standard knows
  if (!width || *width == 0 || *width > most) return std::nullopt;
  return static_cast<int>(*width);
}

struct Ability {
  std::optional<int> generation, width;
};

Ability read_ability(NotedFiles& files, const std::string& prefix, const std::string& directory) {
  Ability ability;
  const std::string speed_file = directory + "/max_link_speed";
  const std::string width_file = directory + "/max_link_width";
  const std::string speed = files.text(prefix + "generation", speed_file);
  const std::string width = files.text(prefix + "width", width_file);
  ability.generation = generation_of(speed);
  ability.width = width_of(width);
  if (!speed.empty() && !ability.generation) {
    files.nonsense(prefix + "generation", speed_file, speed);
  }
  if (!width.empty() && !ability.width) files.nonsense(prefix + "width", width_file, width);
  return ability;
}

std::optional<int> read_numa_node(NotedFiles& files, const std::string& directory) {
  const std::string file = directory + "/numa_node";
  const std::string text = files.text("numa_node", file);
  if (text.empty()) return std::nullopt;
  const auto node = exact_number(text);
  constexpr std::size_t most = 65536;
  if (node && *node <= most) return static_cast<int>(*node);
  files.nonsense("numa_node", file, text);  // -1 where the firmware does not say
  return std::nullopt;
}

std::string read_iommu(NotedFiles& files, const std::string& directory) {
  const std::string group = directory + "/iommu_group";
  std::error_code ignored;
  if (fs::exists(files.root() / group, ignored)) return files.text("iommu", group + "/type");
  return "none";
}

}  // namespace

PciDevice read_pci_device(const fs::path& root, const std::string& bus_id) {
  NotedFiles files(root);
  std::string directory = std::string(devices) + bus_id;
  std::ranges::transform(directory, directory.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  PciDevice device;
  std::error_code missing;
  // What is here is a link to the device's place below the port that it is plugged into.
  const fs::path place = fs::canonical(root / directory, missing);
  if (missing) {
    device.unknown = {{"all", "/" + directory + " is missing"}};
    return device;
  }
  device.numa_node = read_numa_node(files, directory);
  const Ability own = read_ability(files, "", directory);
  device.generation = own.generation;
  device.width = own.width;
  const fs::path port = place.parent_path().lexically_relative(fs::canonical(root, missing));
  const Ability above = read_ability(files, "port_", port.string());
  device.port_generation = above.generation;
  device.port_width = above.width;
  device.iommu = read_iommu(files, directory);
  device.unknown = files.take_notes();
  return device;
}

}  // namespace offload
