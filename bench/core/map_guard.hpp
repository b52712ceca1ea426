// SPDX-License-Identifier: Apache-2.0
// Files of others may be cut short while they are mapped: whoever reads beyond their new end then
// would end the process (SIGBUS).
#pragma once
#include <cstddef>

namespace offload {

/// While it lives, all threads that read memory into which a file is mapped see zeros where the
/// file has no bytes to give any more.
class MapGuard {
 public:
  /// `data`: the first byte of a page.
  MapGuard(const std::byte* data, std::size_t bytes);
  ~MapGuard();
  MapGuard(MapGuard&& other) noexcept;
  MapGuard(const MapGuard&) = delete;
  MapGuard& operator=(const MapGuard&) = delete;
  MapGuard& operator=(MapGuard&&) = delete;

  /// Whether any did.
  bool was_cut() const;

 private:
  std::size_t slot_;
};

}  // namespace offload
