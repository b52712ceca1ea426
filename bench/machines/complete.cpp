// SPDX-License-Identifier: Apache-2.0
// What a machine does not say of itself, by what others of its kind show.
#include <algorithm>

#include "bench/core/text.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/machines/rate_fields.hpp"

namespace offload {
namespace {

// What calibrations of an H200 over PCIe 5.0 show (CUDA 13, a virtual machine). These are times of
// driver and bus, which differ less from machine to machine than rates do.
constexpr double copy_start = 2.7e-6;
constexpr double batch_start = 0.3e-6;
constexpr double launch = 4e-6;
constexpr double hand_over = 15e-6;

// Kernels that read over PCI Express against copies: 0.926 in all runs of results/h200-sxm-pcie5,
// 0.92 of an RTX PRO 6000 and 0.97 of an A100 (results/platforms). One of H100 that makes 0.64 is
// of a copy kernel.
constexpr double sm_share_of_pcie = 0.93;
// Over NVLink-C2C: 0.90 and 0.97 of two GH200, 0.91 of a GB300.
constexpr double sm_share_of_c2c = 0.90;

// Copies and the CPU's reads at once, against either alone: the medians of 17 runs in
// results/h200-sxm-pcie5 and results/baselines, which lie from 0.81 to 0.95 and from 0.72 to 0.91.
constexpr double copy_share = 0.87;
constexpr double host_share = 0.81;
// And both together against the faster alone, 1.03 to 1.27 there: the one memory bounds them where
// the link is as fast as the CPU.
constexpr double most_together = 1.16;

// Kernels that read GPU memory against its peak: 0.85 to 0.97 of the measured in results/platforms,
// 0.95 of an H200.
constexpr double share_of_peak = 0.92;
// And against copies over PCI Express: 32 to 67 of the cards in results/platforms.
constexpr double times_the_link = 32;

// From so many tokens on a product shows what a GPU computes and not what it reads.
constexpr std::size_t many_tokens = 512;

class Completion {
 public:
  explicit Completion(MachineProfile& machine) : machine_(machine), rates_(machine.rates) {}

  void fill() {
    fill_gpu();
    fill_link();
    if (rates_.host_read > 0) fill_host();
    fill_flops();
  }

 private:
  void note(const std::string& sentence) { machine_.assumed.push_back(sentence); }

  void assume_time(std::optional<double>& time, double seconds, const std::string& before,
                   const std::string& after) {
    if (time) return;
    time = seconds;
    note(before + " " + format_seconds(seconds) + after + ", as on an H200 over PCIe 5.0.");
  }

  void assume_rate(std::optional<double>& rate, double bytes_per_second, const std::string& who,
                   const std::string& why) {
    if (rate) return;
    rate = bytes_per_second;
    note(who + " " + format_rate(bytes_per_second) + ", " + why + ".");
  }

  void fill_gpu() {
    const auto peak =
        machine_.platform.gpu ? machine_.platform.gpu->hbm_peak_bytes_per_second : std::nullopt;
    if (peak) {
      assume_rate(rates_.device_read, share_of_peak * *peak, "Kernels read GPU memory at",
                  ratio(share_of_peak) + " of its peak");
    } else if (rates_.copy_h2d && !is_c2c() && !machine_.one_memory) {
      assume_rate(rates_.device_read, times_the_link * *rates_.copy_h2d,
                  "Kernels read GPU memory at",
                  two_digits(times_the_link) + " times as fast as copies cross the link");
    }
    assume_time(rates_.launch, launch, "A kernel takes", " beyond what it reads or computes");
  }

  void fill_link() {
    assume_time(rates_.copy_start, copy_start, "A copy takes", " beyond its bytes' time");
    assume_time(rates_.batch_start, batch_start, "A copy of a batch takes",
                " beyond its bytes' time");
    if (machine_.one_memory && rates_.device_read) {
      assume_rate(rates_.sm_read_pinned, *rates_.device_read, "Kernels read pinned memory at",
                  "as GPU memory, which is the same");
    } else if (rates_.copy_h2d && !machine_.one_memory) {
      const double share = is_c2c() ? sm_share_of_c2c : sm_share_of_pcie;
      assume_rate(rates_.sm_read_pinned, share * *rates_.copy_h2d,
                  "Kernels read pinned memory over the link at",
                  ratio(share) + " of what copies reach");
    }
  }

  void fill_host() {
    assume_time(rates_.hand_over, hand_over, "CPU and GPU take turns in", "");
    if (!rates_.copy_h2d) return;
    if (machine_.one_memory) {
      fill_host_of_one_memory();
      return;
    }
    const double copy = copy_share * *rates_.copy_h2d;
    const double read = host_share * rates_.host_read;
    const double most = most_together * std::max(*rates_.copy_h2d, rates_.host_read);
    const double share = std::min(1.0, most / (copy + read));
    const std::string why =
        share < 1 ? "for both share the CPU's memory" : "as on an H200 over PCIe 5.0";
    assume_rate(rates_.copy_h2d_beside_host, share * copy,
                "While the CPU reads its memory, copies reach", why);
    assume_rate(rates_.host_read_beside_copy, share * read,
                "While copies cross the link, the CPU reads at", why);
  }

  /// Copies read and write there, beside whatever else reads.
  void fill_host_of_one_memory() {
    const double gives = std::max(rates_.device_read.value_or(0), rates_.host_read);
    const double asked = 2 * *rates_.copy_h2d + rates_.host_read;
    const double share = std::min(1.0, gives / asked);
    const std::string why = "for both share one memory";
    assume_rate(rates_.copy_h2d_beside_host, share * *rates_.copy_h2d,
                "While the CPU reads its memory, copies reach", why);
    assume_rate(rates_.host_read_beside_copy, share * rates_.host_read,
                "While copies run, the CPU reads at", why);
  }

  void fill_flops() {
    if (rates_.flops) return;
    for (const ProductTime& product : rates_.products) {
      const ProductShape& of = product.shape;
      if (of.tokens < many_tokens || bytes_of(of.dtype) != 2 || product.seconds <= 0) continue;
      const double operations = 2 * static_cast<double>(of.rows) * static_cast<double>(of.cols) *
                                static_cast<double>(of.tokens);
      rates_.flops = std::max(rates_.flops.value_or(0), operations / product.seconds);
    }
    if (rates_.flops) {
      note("Products that were not measured run at " + teraflops(*rates_.flops) +
           ", the most of those that were.");
    } else if (machine_.platform.gpu) {
      take_published_flops(machine_.platform.gpu->name);
    }
  }

  void take_published_flops(const std::string& gpu_name) {
    const std::string_view slug = shipped_machine_with(gpu_name);
    if (slug.empty()) return;
    const MachineProfile published = shipped_machine(slug);
    if (!published.rates.flops) return;
    rates_.flops = published.rates.flops;
    rates_.flops_fp8 = published.rates.flops_fp8;
    note("Products of many tokens run at " + teraflops(*rates_.flops) + ", as published of " +
         std::string(slug) + ".");
  }

  bool is_c2c() const {
    return machine_.platform.link && machine_.platform.link->kind == "nvlink-c2c";
  }
  static std::string teraflops(double flops) { return three_digits(flops / 1e12) + " TFLOP/s"; }
  static std::string ratio(double value) { return two_digits(value); }

  MachineProfile& machine_;
  Rates& rates_;
};

}  // namespace

void complete(MachineProfile& machine) {
  Completion(machine).fill();
  settle(machine);
}

}  // namespace offload
