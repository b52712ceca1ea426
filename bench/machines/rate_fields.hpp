// SPDX-License-Identifier: Apache-2.0
// Rates by their names, and what cannot be said where one is missing.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "bench/machines/machine_profile.hpp"

namespace offload {

struct RateField {
  std::string_view in_profiles;
  std::string_view in_results;  // "" where results have none
  std::optional<double> Rates::*member;
};

/// All but host_read, which is no optional, and lists of products.
std::span<const RateField> rate_fields();

inline constexpr std::string_view host_read_name = "host_read_bytes_per_second";

/// After rates have changed: what follows from them for fp8, and `unknown` anew. That has a
/// sentence of the machine's own where all rates of one of its gaps are missing, else those that
/// hold for any.
void settle(MachineProfile& machine);

}  // namespace offload
