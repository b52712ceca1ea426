// SPDX-License-Identifier: Apache-2.0
// Counters that run on, read around passes, and what one pass takes of them: CPU time and page
// faults of this process, CPU time of the NVIDIA driver's threads, bytes on the link.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/platform/nvml.hpp"

namespace offload {

/// The NVIDIA driver's kernel threads as they were found under <root>/proc: what a policy costs in
/// cores, "UVM GPU1 BH" among them, which serves GPU page faults.
class DriverThreads {
 public:
  explicit DriverThreads(const std::filesystem::path& root = "/");

  /// Whether any is visible: a container may hide them.
  bool available() const { return !threads_.empty(); }

  /// Seconds each has run since it was made, in the order of names().
  std::vector<double> seconds() const;
  std::vector<std::string> names() const;

 private:
  struct Thread {
    std::string name;
    std::filesystem::path folder;
  };
  std::vector<Thread> threads_;
};

/// Of this process since it was made.
struct ProcessUsage {
  double cpu_seconds = 0;  // user and system
  double minor_faults = 0;
  double major_faults = 0;
};
ProcessUsage process_usage();

/// NVML's running counters of one GPU and its state. Reading them takes a fraction of a millisecond
/// while the GPU is idle, and tens of them while it is busy: read between passes.
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

  /// The GPU's state before passes, and right after them.
  void note_before(GpuState& state) const;
  void note_after(GpuState& state) const;

 private:
  std::optional<int> clock(unsigned int kind) const;
  std::optional<std::vector<std::string>> throttle_reasons() const;

  nvml::Library library_;
  nvml::Device device_ = nullptr;
  std::string reason_;
};

/// Traffic between two readings. Packets are told apart by what PCI Express prescribes:
/// a read request with a 64-bit address has 24 bytes on the wire (16 of header, 8 of framing,
/// sequence number and checksum), a completion 20 beside its payload; and a GPU that writes nothing
/// sends one request for each completion it gets. Whether it wrote is for the caller to know.
LinkTraffic link_traffic(const GpuCounters::Wire& before, const GpuCounters::Wire& after,
                         bool gpu_only_reads);

/// Whether the driver's counters must have lost records when they saw `moved` bytes go to the GPU
/// while that many were on the wire: no packet's header takes more beside its payload than that of
/// 128 bytes. For passes in which nothing but migration uses the link.
bool lost_records(std::size_t moved, double wire_to_device);

/// The running counters at one moment.
struct Moment {
  ProcessUsage process;
  std::vector<double> threads;            // as DriverThreads::seconds() has them
  std::optional<GpuCounters::Wire> wire;  // nullopt where it cannot be read
};
/// Reading costs CPU time itself: the process's is read last before a pass and first after
/// it.
Moment moment_before(const DriverThreads& threads, const GpuCounters& counters);
Moment moment_after(const DriverThreads& threads, const GpuCounters& counters);

class PassMeans {
 public:
  /// Whether the GPU only reads over the link in these passes (see link_traffic).
  explicit PassMeans(bool gpu_only_reads) : gpu_only_reads_(gpu_only_reads) {}

  void add(const Moment& before, const Moment& after);
  std::size_t passes() const { return passes_; }

  /// `threads` are those of the moments.
  CpuTime cpu(const DriverThreads& threads) const;
  PageFaults page_faults() const;
  /// nullopt where some moment did not know.
  std::optional<LinkTraffic> link() const;

 private:
  double mean(double sum) const { return sum / static_cast<double>(passes_); }

  bool gpu_only_reads_;
  std::size_t passes_ = 0;
  std::size_t passes_with_wire_ = 0;
  ProcessUsage process_;
  std::vector<double> threads_;
  LinkTraffic link_;
};

/// Where the pages of a placement are at this moment, as the CPU's page tables have it.
/// Asks move_pages for an even sample of the pages of `ranges`. A page that has been migrated to
/// the GPU is not mapped by the CPU any more, or lies on one of the GPUs' nodes; one that is only
/// duplicated there still is on the CPU's.
Observed<Residency> find_residency(const std::vector<std::span<const std::byte>>& ranges,
                                   const std::vector<int>& gpu_nodes);

/// Energy of uninterrupted work, by a counter that is renewed only now and then and that is best
/// left alone while the GPU is busy (see GpuCounters): it is read when it has just been renewed,
/// and again in the middle between two later renewals, so that no work is cut off or stretched.
class EnergyMeter {
 public:
  using Joules = std::function<std::optional<double>()>;
  using Seconds = std::function<double()>;
  /// `joules` reads the counter, `now` a clock. Both must stay callable as long as this lives.
  EnergyMeter(Joules joules, Seconds now);

  /// Does `work`, which is `passes` passes and ends with the GPU idle, over and over for 0.2 s. The
  /// first call takes 0.4 s more, to see how often the counter is renewed.
  Observed<Energy> measure(const std::function<void()>& work, std::size_t passes);

 private:
  struct Renewal {
    double joules;
    double at;
  };
  std::optional<Renewal> next_renewal() const;
  void find_period();

  Joules joules_;
  Seconds now_;
  std::optional<double> period_;  // of the renewals, seconds; 0: it is never renewed
};

}  // namespace offload
