// SPDX-License-Identifier: Apache-2.0
// When a machine is busy, its GPU's clocks held down, its link below its best: the rules, and how
// they are worded, for whoever has to say so of a run or of the machine itself.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

/// CPU time over one or several stretches, in seconds.
struct HostTime {
  double all = 0;
  double steal = 0;   // that the hypervisor gave to others
  double others = 0;  // that other processes ran

  bool busy() const;
  HostTime& operator+=(const HostTime& more);
  /// "other processes took 25 % of the CPU time and the hypervisor 5 % (steal)"
  std::string text() const;
};
/// nullopt where the stretch was too short or nothing is counted.
std::optional<HostTime> host_time(const Observed<HostState>& host);

/// More threads ran or waited than leave a benchmark alone.
bool is_loaded(const Host& host);
/// "a load of 18.0 on 2 CPUs"; 0 where the load is unknown.
std::string load_text(const Host& host);

/// Of the reasons that hold clocks down those that something forces on them; application clocks are
/// chosen.
std::vector<std::string> forced_reasons(const std::optional<std::vector<std::string>>& reasons);

/// "4.0 x8"; "" where neither is known.
std::string pcie_text(std::optional<int> generation, std::optional<int> width);
/// Of PCI Express: less was negotiated under load than GPU and slot can do together.
bool is_below_its_best(const Platform& platform, const Calibration& calibration);
/// Bytes per second that the link carries as it was negotiated under load; nullopt where nobody
/// looked, and for other links.
std::optional<double> negotiated_peak(const Platform& platform, const Calibration& calibration);
/// Whether `rate` is more than `peak` can carry, beyond what the clock is good to.
bool is_above(double rate, double peak);

/// "PCIe 5.0 x16", or "PCIe 4.0 x8 (GPU and slot can 5.0 x16)" where less was negotiated under
/// load; "" without a link.
std::string link_text(const Platform& platform, const Calibration& calibration);

}  // namespace offload
