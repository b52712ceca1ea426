// SPDX-License-Identifier: Apache-2.0
#include "bench/machines/rate_fields.hpp"

#include <algorithm>
#include <array>

namespace offload {
namespace {

constexpr std::string_view flops_name = "flops_16bit";
constexpr std::string_view host_flops_name = "host_flops_16bit";

constexpr auto fields = std::to_array<RateField>({
    {"copy_h2d_bytes_per_second", "copy_h2d_bytes_per_second", &Rates::copy_h2d},
    {"copy_d2h_bytes_per_second", "copy_d2h_bytes_per_second", &Rates::copy_d2h},
    {"copy_start_s", "copy_start_s", &Rates::copy_start},
    {"batch_start_s", "batch_start_s", &Rates::batch_start},
    {"pageable_copy_bytes_per_second", "copy_h2d_pageable_bytes_per_second", &Rates::copy_pageable},
    {"sm_read_pinned_bytes_per_second", "sm_read_pinned_bytes_per_second", &Rates::sm_read_pinned},
    {"sm_write_pinned_bytes_per_second", "sm_write_pinned_bytes_per_second",
     &Rates::sm_write_pinned},
    {"copy_h2d_beside_d2h_bytes_per_second", "copy_h2d_beside_d2h_bytes_per_second",
     &Rates::copy_h2d_beside_d2h},
    {"copy_d2h_beside_h2d_bytes_per_second", "copy_d2h_beside_h2d_bytes_per_second",
     &Rates::copy_d2h_beside_h2d},
    {"peer_copy_bytes_per_second", "peer_copy_bytes_per_second", &Rates::peer_copy},
    {"sm_read_peer_bytes_per_second", "sm_read_peer_bytes_per_second", &Rates::sm_read_peer},
    {"link_latency_s", "link_latency_s", &Rates::link_latency},
    {"prefetch_bytes_per_second", "prefetch_bytes_per_second", &Rates::prefetch},
    {"prefetch_read_mostly_bytes_per_second", "prefetch_read_mostly_bytes_per_second",
     &Rates::prefetch_read_mostly},
    {"fault_bytes_per_second", "fault_bytes_per_second", &Rates::fault},
    {"fault_read_mostly_bytes_per_second", "fault_read_mostly_bytes_per_second",
     &Rates::fault_read_mostly},
    {"map_bytes_per_second", "map_bytes_per_second", &Rates::map},
    {"window_read_mostly_bytes_per_second", "window_read_mostly_bytes_per_second",
     &Rates::window_read_mostly},
    {"window_migrate_bytes_per_second", "window_migrate_bytes_per_second", &Rates::window_migrate},
    {"prefetch_start_s", "prefetch_start_s", &Rates::prefetch_start},
    {"fault_run_start_s", "fault_run_start_s", &Rates::fault_run_start},
    {"window_read_mostly_run_start_s", "window_read_mostly_run_start_s",
     &Rates::window_read_mostly_run_start},
    {"window_migrate_run_start_s", "window_migrate_run_start_s", &Rates::window_migrate_run_start},
    {"device_read_bytes_per_second", "device_read_bytes_per_second", &Rates::device_read},
    {"device_latency_s", "device_latency_s", &Rates::device_latency},
    {"launch_s", "launch_s", &Rates::launch},
    {flops_name, "", &Rates::flops},
    {"flops_fp8", "", &Rates::flops_fp8},
    {"copy_h2d_beside_host_bytes_per_second", "copy_h2d_beside_host_bytes_per_second",
     &Rates::copy_h2d_beside_host},
    {"host_read_beside_copy_bytes_per_second", "host_read_beside_copy_bytes_per_second",
     &Rates::host_read_beside_copy},
    {"host_read_of_gpu_memory_bytes_per_second", "host_read_of_gpu_memory_bytes_per_second",
     &Rates::host_read_of_gpu_memory},
    {"hand_over_s", "hand_over_s", &Rates::hand_over},
    {"host_start_s", "host_start_s", &Rates::host_start},
    {host_flops_name, "", &Rates::host_flops},
});

struct Sentence {
  std::array<std::string_view, 3> rates;
  std::string_view text;
};

// As the profiles say it.
constexpr auto sentences = std::to_array<Sentence>({
    {{"copy_h2d_bytes_per_second"}, "What copies to the GPU reach."},
    {{"copy_d2h_bytes_per_second"}, "What it takes to send pages or results home."},
    {{"copy_start_s", "batch_start_s"},
     "What many small copies cost beyond their bytes: single experts, the panels of a ring, a "
     "batch "
     "of copies."},
    {{"pageable_copy_bytes_per_second"},
     "How much slower copies are where an engine does not pin its weights."},
    {{"sm_read_pinned_bytes_per_second"},
     "What kernels reach that read in place over the link: zero-copy (UVA), managed memory mapped "
     "up "
     "front."},
    {{"link_latency_s"}, "What dependent reads over the link take, such as tables of pointers."},
    {{"prefetch_bytes_per_second", "prefetch_read_mostly_bytes_per_second"},
     "What unified memory takes with prefetch calls, plain or ReadMostly."},
    {{"fault_bytes_per_second"}, "What unified memory takes by page faults."},
    {{"fault_read_mostly_bytes_per_second"},
     "What unified memory takes by page faults where it is advised ReadMostly."},
    {{"map_bytes_per_second"},
     "What it costs to map managed memory by faults before it is read in place."},
    {{"window_read_mostly_bytes_per_second", "window_migrate_bytes_per_second"},
     "What unified memory takes through a window that is prefetched ahead of the reader."},
    {{"device_read_bytes_per_second"}, "How fast kernels read GPU memory."},
    {{"device_latency_s"}, "What dependent reads of GPU memory take."},
    {{"launch_s"},
     "What launches add: how fast a small model, or one with many experts, is on the GPU."},
    {{flops_name}, "From how many tokens on arithmetic is the limit."},
    {{host_read_name}, "Whether the CPU computes faster in place than the link carries."},
    {{"host_read_beside_copy_bytes_per_second", "copy_h2d_beside_host_bytes_per_second",
      "hand_over_s"},
     "What CPU and link reach at the same time."},
    {{host_flops_name}, "How fast the CPU multiplies many tokens at once."},
});

bool is_known(const Rates& rates, std::string_view name) {
  if (name == host_read_name) return rates.host_read > 0;
  if (name == flops_name && !rates.products.empty()) return true;
  if (name == host_flops_name && !rates.host_products.empty()) return true;
  const auto* const field = std::ranges::find(fields, name, &RateField::in_profiles);
  return field != fields.end() && (rates.*(field->member)).has_value();
}

template <typename Asked>
void add_sentences(MachineProfile& machine, const Asked& asked) {
  for (const Sentence& sentence : sentences) {
    const bool missing = std::ranges::any_of(sentence.rates, [&](std::string_view name) {
      return !name.empty() && asked(name) && !is_known(machine.rates, name);
    });
    if (missing) machine.unknown.emplace_back(sentence.text);
  }
}

/// FP8 is no type of the arithmetic of GPUs before Ada and Hopper: it is computed in 16 bit.
void settle_fp8(MachineProfile& machine) {
  if (!machine.platform.gpu || machine.platform.gpu->compute_major == 0) return;
  const int capability =
      10 * machine.platform.gpu->compute_major + machine.platform.gpu->compute_minor;
  constexpr int first_with_fp8 = 89;
  if (capability < first_with_fp8 && !machine.rates.flops_fp8) {
    machine.rates.flops_fp8 = machine.rates.flops;
  }
}

}  // namespace

std::span<const RateField> rate_fields() { return fields; }

void settle(MachineProfile& machine) {
  settle_fp8(machine);
  machine.unknown.clear();
  const auto is_missing = [&](std::string_view name) { return !is_known(machine.rates, name); };
  std::vector<std::string_view> covered;
  for (const RateGap& gap : machine.gaps) {
    covered.insert(covered.end(), gap.rates.begin(), gap.rates.end());
    if (std::ranges::all_of(gap.rates, is_missing)) {
      machine.unknown.push_back(gap.advice);
    } else {
      add_sentences(machine, [&](std::string_view name) {
        return std::ranges::find(gap.rates, name) != gap.rates.end();
      });
    }
  }
  add_sentences(machine, [&](std::string_view name) {
    return std::ranges::find(covered, name) == covered.end();
  });
}

}  // namespace offload
