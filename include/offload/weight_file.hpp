// SPDX-License-Identifier: Apache-2.0
// Where the bytes of weights lie in a model's own files.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace offload {

/// A file of a model's, as it was when its header was read.
struct WeightFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;  // when its content changed last, since 1970
};

/// Neighbouring bytes of one tensor in a file.
struct StoredBytes {
  std::shared_ptr<const WeightFile> file;
  std::uint64_t offset = 0;  // of the first, from the beginning of the file
  std::uint64_t bytes = 0;
};

}  // namespace offload
