// SPDX-License-Identifier: Apache-2.0
// Figures beside what is published of machines like this one, and why they may be slow.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report/doctor_checks.hpp"

namespace offload::doctor {

/// A figure that is slow, and what this machine shows that would make it so.
Check slow(std::string name, std::string what, std::vector<std::string> causes,
           const std::string& advice);

/// A figure beside what is published of machines like this one.
struct Comparison {
  bool slow = false;
  std::string text;                // "published of gh200-480gb: 377 GB/s to 382 GB/s, primary"
  std::vector<std::string> signs;  // "as published where the memory is on another Grace"
  Published published;
};
/// `rate` by its name in profiles. nullopt where nothing is published.
std::optional<Comparison> compare(const MaybePublished& machine, std::string_view rate,
                                  double value);

/// A check of such a figure.
Check compared(std::string name, const std::string& what, const Comparison& comparison,
               std::vector<std::string> causes, const std::string& advice);

/// What this machine shows that would make figures of the link, or the CPU's reads, slower than
/// published ones, in the order in which to look: as `offload-results validate --reference` says
/// it of results, in the same words.
std::vector<std::string> causes_of_link(const Examination& examination,
                                        const MaybePublished& machine);
std::vector<std::string> causes_of_host(const Examination& examination);

}  // namespace offload::doctor
