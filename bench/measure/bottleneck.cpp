// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/bottleneck.hpp"

#include <array>
#include <initializer_list>
#include <optional>
#include <vector>

namespace offload {

std::string_view name(Bottleneck bottleneck) {
  constexpr std::array<std::string_view, 5> names{"link", "host memory", "CPU", "GPU",
                                                  "starting copies and kernels"};
  return names[static_cast<std::size_t>(bottleneck)];
}

Rates twice_as_fast(const Rates& rates, Bottleneck part) {
  Rates faster = rates;
  const auto each = [](std::initializer_list<std::optional<double>*> values, double factor) {
    for (std::optional<double>* value : values) {
      if (*value) **value *= factor;
    }
  };
  const auto products = [](std::vector<ProductTime>& times) {
    for (ProductTime& time : times) time.seconds /= 2;
  };
  switch (part) {
    case Bottleneck::link:
      each({&faster.copy_h2d, &faster.copy_d2h, &faster.sm_read_pinned, &faster.copy_pageable,
            &faster.copy_h2d_beside_host, &faster.prefetch, &faster.prefetch_read_mostly,
            &faster.window_read_mostly, &faster.window_migrate},
           2);
      break;
    case Bottleneck::host_memory:
    case Bottleneck::cpu:
      faster.host_read *= 2;
      each({&faster.host_read_beside_copy}, 2);
      products(faster.host_products);
      break;
    case Bottleneck::gpu:
      each({&faster.device_read}, 2);
      products(faster.products);
      break;
    case Bottleneck::starts:
      each({&faster.copy_start, &faster.batch_start, &faster.launch, &faster.hand_over,
            &faster.host_start, &faster.prefetch_start, &faster.fault_run_start,
            &faster.window_read_mostly_run_start, &faster.window_migrate_run_start},
           0.5);
      break;
  }
  return faster;
}

}  // namespace offload
