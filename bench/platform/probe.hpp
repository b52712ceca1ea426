// SPDX-License-Identifier: Apache-2.0
// What this machine is: host, GPU and the link between them.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/platform/host.hpp"
#include "bench/platform/nvml.hpp"
#include "offload/platform.hpp"

namespace offload {

/// Describes this machine with GPU `gpu`, and creates that GPU's context. With 0, the default, no
/// GPU at all is not an error: gpu_absent_reason says why. Throws UsageError when there are GPUs,
/// but not that one, and when one beyond the first was asked for and none can be used.
Platform probe_platform(int gpu);

/// One for each GPU that --gpus names, in that order: "all", or their numbers. The first one's is
/// current then. Throws UsageError for what names none, or one twice, and where they are not alike.
std::vector<Platform> probe_platforms(const std::vector<std::string>& gpus);

/// The numbers that `gpus` stands for on a machine with `count` of them. Throws UsageError.
std::vector<int> gpu_numbers(const std::vector<std::string>& gpus, int count);
/// Throws UsageError naming the first GPU that is not like the first of all.
void require_alike(const std::vector<Platform>& machines);

/// The GPU as the CUDA runtime describes it; gpu_absent.cpp answers where there is no CUDA Toolkit.
struct GpuProbe {
  std::optional<Gpu> gpu;     // all but driver_release
  std::string absent_reason;  // why there is none
};

/// The machine whose files lie under `root`, "/" of a real one, and whose driver answered as given.
Platform describe_machine(const std::filesystem::path& root, const SystemFacts& facts,
                          GpuProbe probe, NvmlFacts nvml);

/// Makes device `index` current and creates its context. Throws UsageError when the machine has
/// GPUs, but not that one.
GpuProbe probe_gpu(int index);

/// "--gpu 3: this machine has 1 GPU (0)", of the flag as it was given.
std::string no_such_gpu(const std::string& flag, int count);

/// Bytes per second and direction that PCI Express leaves after line coding, before packet headers;
/// nullopt for a generation or width that does not exist.
std::optional<double> pcie_peak(int generation, int width);

/// Which link joins host memory and the GPU, and the most it can carry.
/// Decides by what the machine says it can do, never by a device's name. nullopt when that does not
/// settle it, and for a GPU that shares the host's memory.
std::optional<Link> decide_link(const MemoryModel& memory_model, const std::string& architecture,
                                const NvmlFacts& nvml);

}  // namespace offload
