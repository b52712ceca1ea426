// SPDX-License-Identifier: Apache-2.0
// The doctor's checks by subject, and what they are written with.
#pragma once
#include <cstddef>
#include <optional>
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

/// The host's node that is nearest to the GPU.
std::optional<int> node_of(const Gpu& gpu);
/// "node 0", "nodes 0 and 1"
std::string nodes_text(const std::vector<int>& nodes);
/// Whether what the driver says is free leaves the host's page cache out.
bool free_is_counted(MemoryMode mode);
/// Nine tenths and more: what this program itself takes is less.
bool is_mostly(std::size_t part, std::size_t whole);
std::string listed(const std::vector<std::string>& items, std::string_view separator);

/// Why `field` is empty; a sentence that says no more than that where nobody noted it.
std::string reason_of(const std::vector<Unknown>& notes, std::string_view field);

/// What is said of a rate that is missing.
std::string not_measured(const Examination& examination);

/// What is published of this machine; of none but a few.
using MaybePublished = std::optional<PublishedMachine>;

/// The link, and what it carries. Needs a GPU.
Checks link_checks(const Examination& examination, const MaybePublished& machine);
/// The driver, and how the GPU is set up. Needs a GPU.
Checks gpu_checks(const Examination& examination);
/// Where GPU, CPUs and memory are; who else uses the host; how its kernel is set up.
Checks host_checks(const Examination& examination, const MaybePublished& machine);

/// Which memory is whose, and how the GPU finds the host's: the first four need a GPU.
Check pageable_access_check(const Platform& platform);
Check memory_mode_check(const Platform& platform);
Check access_counters_check(const Platform& platform);
Check gpu_memory_check(const Platform& platform);
Check page_size_check(const Platform& platform);
Check memory_nodes_check(const Platform& platform);

}  // namespace offload::doctor
