// SPDX-License-Identifier: Apache-2.0
// Machines of every kind, by the files and answers they give: attributes as CUDA documents them for
// each, nodes as Linux shows them.
#pragma once
#include <map>
#include <string_view>
#include <vector>

#include "offload/platform.hpp"

namespace offload::testing {

/// Of CUdevice_attribute, by number; what is not there the driver does not know.
using Attributes = std::map<int, int>;

struct MemoryNode {
  int id = 0;
  std::size_t gib = 0;
  const char* cpus = "\n";  // none
};

struct MachineKind {
  const char* name = "";
  const char* architecture = "aarch64";
  Attributes attributes = {};
  int c2c_links = 0;
  std::vector<MemoryNode> nodes = {};
  std::vector<int> gpus_on_nodes = {};  // as the driver's numa_status has it; -1: on none

  // What the program should make of it.
  MemoryMode mode = MemoryMode::separate;
  const char* link = "";  // none
  std::size_t host_gib = 0;
  std::vector<int> gpu_nodes = {};
};

std::vector<MachineKind> machine_kinds();

/// Half of each node is free, and of 90 GiB of GPU memory 80, as cudaMemGetInfo has it.
Platform machine_of(const MachineKind& kind);
/// Of the kind of this name.
Platform machine_called(std::string_view name);

}  // namespace offload::testing
