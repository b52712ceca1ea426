// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/kernel_modules.hpp"

#include <algorithm>

#include "bench/platform/files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

/// A file per parameter.
NamedTexts read_uvm_parameters(NotedFiles& files) {
  constexpr const char* directory = "sys/module/nvidia_uvm/parameters";
  NamedTexts parameters;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(files.root() / directory, ignored)) {
    parameters.emplace_back(file.path().filename().string(), trimmed(read_text(file.path())));
  }
  std::ranges::sort(parameters);
  if (parameters.empty()) {
    files.note("kernel_modules.nvidia_uvm", std::string("/") + directory + " is missing or empty");
  }
  return parameters;
}

/// Lines of "Name: value".
NamedTexts read_driver_parameters(NotedFiles& files) {
  constexpr const char* file = "proc/driver/nvidia/params";
  const std::string text = files.text("kernel_modules.nvidia", file);
  NamedTexts parameters;
  for (const auto line : lines_of(text)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    parameters.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  if (parameters.empty() && !text.empty()) files.nonsense("kernel_modules.nvidia", file, text);
  return parameters;
}

std::optional<bool> read_open(NotedFiles& files) {
  constexpr const char* file = "proc/driver/nvidia/version";
  const std::string text = files.text("kernel_modules.open", file);
  if (text.empty()) return std::nullopt;
  const auto line = value_of(text, "NVRM version");
  if (line.find("Open Kernel Module") != std::string_view::npos) return true;
  if (line.find("Kernel Module") != std::string_view::npos) return false;
  files.nonsense("kernel_modules.open", file, text);
  return std::nullopt;
}

}  // namespace

KernelModules read_kernel_modules(NotedFiles& files) {
  KernelModules modules;
  modules.open = read_open(files);
  modules.uvm_parameters = read_uvm_parameters(files);
  modules.driver_parameters = read_driver_parameters(files);
  return modules;
}

}  // namespace offload
