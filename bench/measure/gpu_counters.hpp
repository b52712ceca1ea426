// SPDX-License-Identifier: Apache-2.0
// NVML's running counters of one GPU and its state. Reading them takes a fraction of a millisecond
// while the GPU is idle, and tens of them while it is busy: read between passes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/platform/nvml.hpp"

namespace offload {

class GpuCounters {
 public:
  /// "" for a machine without a GPU: nothing is counted then.
  explicit GpuCounters(const std::string& pci_bus_id);

  bool available() const { return device_ != nullptr; }
  /// Why nothing is counted.
  const std::string& reason() const { return reason_; }

  /// Bytes on the PCI Express wires since some time ago. The counters wrap at 2^32.
  struct Wire {
    std::uint32_t to_device = 0;
    std::uint32_t to_host = 0;
  };
  std::optional<Wire> wire() const;
  std::optional<double> joules() const;  // renewed about every 0.1 s

  /// The GPU's state before passes, and right behind them.
  void note_before(GpuState& state) const;
  void note_after(GpuState& state) const;

 private:
  std::optional<int> clock(unsigned int kind) const;
  std::optional<std::vector<std::string>> throttle_reasons() const;

  nvml::Library library_;
  nvml::Device device_ = nullptr;
  std::string reason_;
};

/// Traffic between two readings. Packets are told from each other by what PCI Express prescribes:
/// a read request with a 64-bit address has 24 bytes on the wire (16 of header, 8 of framing,
/// sequence number and checksum), a completion 20 beside its payload; and a GPU that writes nothing
/// sends one request for each completion it gets. Whether it wrote is for the caller to know.
LinkTraffic link_traffic(const GpuCounters::Wire& before, const GpuCounters::Wire& after,
                         bool gpu_only_reads);

/// Whether the driver's counters must have lost records when they saw `moved` bytes go to the GPU
/// while that many were on the wire: no packet's header takes more beside its payload than that of
/// 128 bytes. For passes in which nothing but migration uses the link.
bool lost_records(std::size_t moved, double wire_to_device);

}  // namespace offload
