// SPDX-License-Identifier: Apache-2.0
// What of the host each of several GPUs has to itself while they are measured at the same time.
#pragma once
#include <cstddef>
#include <vector>

#include "offload/platform.hpp"

namespace offload {

/// `cpus` divided among GPUs, one list for each of `machines`, which describe one host with a GPU
/// each: a CPU goes to the nearest GPU by NUMA distance, those that are as near to several in equal
/// blocks. Where one would be left with none, all are divided evenly.
std::vector<std::vector<int>> divide_cpus(const std::vector<Platform>& machines,
                                          const std::vector<int>& cpus);

/// A machine as one GPU of several has it, and the CPUs that are its own; one machine alone keeps
/// all, and its list is empty.
struct MachineShare {
  Platform machine;
  std::vector<int> cpus;
};
std::vector<MachineShare> divide_host(const std::vector<Platform>& machines,
                                      const std::vector<int>& cpus);

/// `machine` with one of `shares` equal parts of the host's memory that can be had, and so many of
/// its CPUs.
Platform with_share(Platform machine, std::size_t shares, std::size_t cpus);

}  // namespace offload
