// SPDX-License-Identifier: Apache-2.0
#include "bench/models/byte_reader.hpp"

#include <array>

#include "offload/error.hpp"

namespace offload {

std::ifstream open_model_file(const std::filesystem::path& path, std::uint64_t& size) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw UsageError(path.string() + ": there is no such file");
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    throw UsageError(path.string() + ": is not a regular file");
  }
  size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw UsageError(path.string() + ": cannot be opened for reading");
  return file;
}

void ByteReader::fail(const std::string& why) const { throw UsageError(source_ + ": " + why); }

void ByteReader::need(std::uint64_t bytes, std::string_view what) const {
  if (bytes <= remaining()) return;
  fail("ends inside " + std::string(what) + ": " + std::to_string(bytes) +
       " bytes wanted at byte " + std::to_string(position_) + ", " + std::to_string(remaining()) +
       " left; download it again");
}

void ByteReader::take(char* to, std::size_t bytes, std::string_view what) {
  need(bytes, what);
  // The size may have been true a moment ago only.
  if (!in_.read(to, static_cast<std::streamsize>(bytes))) {
    fail("cannot be read at byte " + std::to_string(position_));
  }
  position_ += bytes;
}

std::uint64_t ByteReader::number(std::size_t bytes, std::string_view what) {
  std::array<char, 8> raw{};
  take(raw.data(), bytes, what);
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(raw[i]);
  }
  return value;
}

std::string ByteReader::text(std::uint64_t length, std::string_view what) {
  need(length, what);  // before the memory is asked for
  std::string read(static_cast<std::size_t>(length), '\0');
  take(read.data(), read.size(), what);
  return read;
}

void ByteReader::skip(std::uint64_t bytes, std::string_view what) {
  need(bytes, what);
  // Seeking throws the stream's buffer away, so short distances are read.
  constexpr std::uint64_t far = 65536;
  if (bytes < far) {
    in_.ignore(static_cast<std::streamsize>(bytes));
  } else {
    in_.seekg(static_cast<std::streamoff>(bytes), std::ios::cur);
  }
  if (!in_) fail("cannot be read at byte " + std::to_string(position_));
  position_ += bytes;
}

}  // namespace offload
