// SPDX-License-Identifier: Apache-2.0
// The doctor's checks by subject, and what they are written with.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/report/examination.hpp"

namespace offload::doctor {

using Checks = std::vector<Check>;

inline Check ok(std::string name, std::string what) {
  return {std::move(name), Verdict::ok, std::move(what), ""};
}
inline Check look(std::string name, std::string what, std::string advice) {
  return {std::move(name), Verdict::look_here, std::move(what), std::move(advice)};
}
inline Check unknown(std::string name, std::string why) {
  return {std::move(name), Verdict::unknown, std::move(why), ""};
}

/// Why `field` is empty; a sentence that says no more than that where nobody noted it.
std::string reason_of(const std::vector<Unknown>& notes, std::string_view field);

/// What is said of a rate that is missing.
std::string not_measured(const Examination& examination);

/// The link, and what it carries. Needs a GPU.
Checks link_checks(const Examination& examination);
/// The driver, and how the GPU is set up. Needs a GPU.
Checks gpu_checks(const Examination& examination);
/// Where GPU, CPUs and memory are; who else uses the host; how its kernel is set up.
Checks host_checks(const Examination& examination);

}  // namespace offload::doctor
