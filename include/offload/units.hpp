// SPDX-License-Identifier: Apache-2.0
// Sizes as users type them and names hold them: exact, in binary units (KiB, MiB, GiB). Rates as
// they type them: in decimal units, as rates are printed.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

inline constexpr std::size_t KiB = std::size_t{1} << 10;
inline constexpr std::size_t MiB = KiB << 10;
inline constexpr std::size_t GiB = MiB << 10;

/// "65536", "64K", "64Ki", "64KiB" = 65536; likewise M and G. Throws UsageError for a bare MB/GB
/// (ambiguous), 0, a sign, a fraction, overflow or anything else.
std::size_t parse_size(std::string_view text);
/// "1MiB", "1MiB,3MiB", "64KiB..4GiB*4" (geometric, end included when hit), and lists of both.
std::vector<std::size_t> parse_sizes(std::string_view text);
/// Shortest exact spelling: 67108864 -> "64MiB", 1000 -> "1000B".
std::string format_size(std::size_t bytes);

/// "25GB/s", "25 GB/s", "1.8TB/s", "25e9", "25e9B/s": bytes per second. Throws UsageError for
/// binary units, bits, 0, a sign, what is not finite or anything else.
double parse_rate(std::string_view text);

}  // namespace offload
