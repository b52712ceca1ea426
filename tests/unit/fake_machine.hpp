// SPDX-License-Identifier: Apache-2.0
// A server with two sockets and an H200 at its second one, that nothing is wrong with: the files by
// which Linux describes it, what NVML and CUDA say, and what is measured there. Tests spoil a copy.
#pragma once
#include <filesystem>
#include <string>

#include "bench/platform/host.hpp"
#include "bench/platform/numa.hpp"
#include "bench/platform/pci.hpp"
#include "bench/report/doctor.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload::testing {

class FakeMachine {
 public:
  FakeMachine() {
    write_nodes();
    write_host();
    write_pci();
  }

  void write(const std::string& name, const std::string& text) const { root_.write(name, text); }
  void remove(const std::string& name) const { std::filesystem::remove_all(root_.path() / name); }
  /// Where a file of the GPU's and of its slot's PCI device is.
  static std::string of_gpu(const std::string& file) { return slot + "/0000:17:00.0/" + file; }
  static std::string of_slot(const std::string& file) { return slot + "/" + file; }

  /// What the checks see of it.
  Examination examination() const {
    Examination found = without_gpu();
    Platform& platform = found.platform;
    platform.gpu_absent_reason = "";
    platform.gpu = gpu();
    platform.link = Link{"pcie", 5, 16, 1, 16, 63.015e9, "no C2C link"};
    mark_gpu_nodes(platform, {});
    Calibration& c = found.calibration;
    c.copy_h2d = 55.5e9;
    c.copy_d2h = 55.3e9;
    c.sm_read_pinned = 51.4e9;
    c.link_latency = 1.2e-6;
    c.host_read = 150e9;
    c.link_generation = 5;
    c.link_width = 16;
    c.throttled = std::vector<std::string>{};
    c.copy_pageable = 7e9;
    return found;
  }

  Examination without_gpu() const {
    Examination found;
    found.platform.host = read_host(root_.path(), {"x86_64", "Linux 6.8.0", 64, 4096});
    found.platform.gpu_absent_reason = "no NVIDIA driver is loaded";
    found.calibration.host_read = 150e9;
    found.host = Observed<HostState>::measured({2.0, 64, 0.1, 1.0, 0.5, 2000.0});
    return found;
  }

 private:
  inline static const std::string slot = "sys/devices/pci0000:16/0000:16:01.0";

  Gpu gpu() const {
    Gpu gpu;
    gpu.name = "NVIDIA H200";
    gpu.pci_bus_id = "0000:17:00.0";
    gpu.compute_major = 9;
    gpu.memory_bytes = std::size_t{140} << 30U;
    gpu.free_bytes = std::size_t{139} << 30U;
    gpu.driver_version = 13000;
    gpu.driver_release = "580.159.04";
    GpuSettings& settings = gpu.settings;
    settings.ecc = true;
    settings.mig = false;
    settings.persistence = true;
    settings.compute_mode = "default";
    settings.power_limit_watts = settings.enforced_power_limit_watts = 700;
    settings.default_power_limit_watts = 700;
    settings.throttled = std::vector<std::string>{};
    settings.confidential_compute = false;
    gpu.pci = read_pci_device(root_.path(), gpu.pci_bus_id);
    return gpu;
  }

  void write_nodes() const {
    for (const int node : {0, 1}) {
      const std::string directory = "sys/devices/system/node/node" + std::to_string(node);
      write(directory + "/meminfo", "Node 0 MemTotal:  268435456 kB\n");
      write(directory + "/cpulist", node == 0 ? "0-31\n" : "32-63\n");
      write(directory + "/distance", node == 0 ? "10 21\n" : "21 10\n");
    }
    write("sys/devices/system/node/has_cpu", "0-1\n");
    write("proc/self/status", "Cpus_allowed_list:\t32-63\nMems_allowed_list:\t0-1\n");
    write("proc/sys/kernel/numa_balancing", "0\n");
  }

  void write_host() const {
    write("proc/meminfo", "MemTotal: 536870912 kB\nMemAvailable: 500000000 kB\nSwapTotal: 0 kB\n");
    write("proc/loadavg", "0.50 0.40 0.30 1/900 4711\n");
    write("proc/cmdline", "ro quiet iommu=pt\n");
    write("proc/self/limits", "Max locked memory         unlimited  unlimited  bytes\n");
    write("proc/self/cgroup", "0::/user.slice\n");
    write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    write("sys/fs/cgroup/user.slice/memory.max", "max\n");
    write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    write("sys/kernel/iommu_groups/7/type", "identity\n");
    write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
  }

  void write_pci() const {
    for (const std::string& directory : {of_slot(""), of_gpu("")}) {
      write(directory + "max_link_speed", "32.0 GT/s PCIe\n");
      write(directory + "max_link_width", "16\n");
    }
    write(of_gpu("numa_node"), "1\n");
    write(of_gpu("iommu_group/type"), "identity\n");
    const auto devices = root_.path() / "sys/bus/pci/devices";
    std::filesystem::create_directories(devices);
    std::filesystem::create_directory_symlink(
        "../../../devices/pci0000:16/0000:16:01.0/0000:17:00.0", devices / "0000:17:00.0");
  }

  Root root_;
};

}  // namespace offload::testing
