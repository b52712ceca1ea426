// SPDX-License-Identifier: Apache-2.0
// Reads little-endian numbers and strings from a file nobody vouches for: every read says
// what it wanted, and no read asks for more memory than it was allowed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <istream>
#include <string>
#include <string_view>

namespace offload {

/// The file, open for reading, and its size. Throws UsageError when it is none that can be read.
std::ifstream open_model_file(const std::filesystem::path& path, std::uint64_t& size);

class ByteReader {
 public:
  /// The first `size` bytes of `in`, at the moment at its beginning. `source` names it in errors.
  ByteReader(std::istream& in, std::uint64_t size, std::string source)
      : in_(in), size_(size), source_(std::move(source)) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return size_ - position_; }
  const std::string& source() const { return source_; }

  /// A number of `bytes` (1 to 8) bytes. `what` completes "ends inside ...".
  std::uint64_t number(std::size_t bytes, std::string_view what);
  std::string text(std::uint64_t length, std::string_view what);
  void skip(std::uint64_t bytes, std::string_view what);

  /// "<source>: <why>" as a UsageError.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  void need(std::uint64_t bytes, std::string_view what) const;
  void take(char* to, std::size_t bytes, std::string_view what);

  std::istream& in_;
  std::uint64_t size_;
  std::uint64_t position_ = 0;
  std::string source_;
};

}  // namespace offload
