// SPDX-License-Identifier: Apache-2.0
// Machines as their users describe them.
#include "bench/core/text.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/machines/rate_fields.hpp"
#include "bench/machines/read_platform.hpp"

namespace offload {
namespace {

/// Nothing that crosses the link has the rate that it had.
void replace_link(Rates& rates, double link) {
  rates.copy_h2d = link;
  for (const auto member :
       {&Rates::copy_d2h, &Rates::copy_pageable, &Rates::sm_read_pinned, &Rates::prefetch,
        &Rates::prefetch_read_mostly, &Rates::fault, &Rates::fault_read_mostly, &Rates::map,
        &Rates::window_read_mostly, &Rates::window_migrate, &Rates::copy_h2d_beside_host,
        &Rates::host_read_beside_copy}) {
    (rates.*member).reset();
  }
}

void replace_host(Rates& rates, double host_read) {
  rates.host_read = host_read;
  rates.host_products.clear();
  rates.copy_h2d_beside_host.reset();
  rates.host_read_beside_copy.reset();
}

std::string flops_text(double flops) { return three_digits(flops / 1e12) + " TFLOP/s"; }

}  // namespace

void give(MachineProfile& machine, const GivenRates& given) {
  Rates& rates = machine.rates;
  std::vector<std::string> said;
  if (given.link) {
    replace_link(rates, *given.link);
    said.push_back("link " + format_rate(*given.link));
  }
  if (given.host_read) {
    replace_host(rates, *given.host_read);
    said.push_back("CPU " + format_rate(*given.host_read));
  }
  if (given.device_read) {
    rates.device_read = given.device_read;
    said.push_back("GPU memory " + format_rate(*given.device_read));
  }
  if (given.flops) {
    rates.flops = given.flops;
    rates.flops_fp8.reset();
    said.push_back(flops_text(*given.flops));
  }
  if (given.device_read || given.flops) rates.products.clear();
  if (said.empty()) return;
  if (!machine.origin.empty()) machine.origin += "; ";
  machine.origin += "given by hand: " + enumerate(said);
  settle(machine);
}

MachineProfile machine_by_hand(const GivenRates& given) {
  MachineProfile machine;
  machine.name = "given by hand";
  Gpu gpu;
  gpu.name = "a GPU";
  gpu.memory_model = usual_memory_model(false, false);
  machine.platform.gpu = gpu;
  give(machine, given);
  return machine;
}

}  // namespace offload
