// SPDX-License-Identifier: Apache-2.0
// Models that Hugging Face's library has downloaded to this machine.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace offload {

/// Reads a variable of the environment; "" when it is not set.
using Environment = std::function<std::string(const std::string&)>;
std::string process_environment(const std::string& variable);

/// The snapshot of "org/Name", in any case, that refs/main names; where it names none, the only one
/// there. nullopt when `id` is no such name or not in the cache. HF_HUB_CACHE, HF_HOME and
/// XDG_CACHE_HOME move the cache. Throws UsageError when it is not clear which snapshot is meant.
std::optional<std::filesystem::path> find_in_hf_cache(std::string_view id,
                                                      const Environment& environment);

/// "Name" of models--org--Name when `directory` is one of its snapshots, else "".
std::string name_in_hf_cache(const std::filesystem::path& directory);

}  // namespace offload
