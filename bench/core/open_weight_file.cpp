// SPDX-License-Identifier: Apache-2.0
#include "bench/core/open_weight_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "offload/error.hpp"

namespace offload {
namespace {

constexpr const char* when_at_rest = "; measure again when nobody writes to it";

std::string words_of(int error) { return std::generic_category().message(error); }

WeightFile described(std::string path, const struct stat& status) {
  constexpr std::int64_t per_second = 1'000'000'000;
  return {std::move(path), static_cast<std::uint64_t>(status.st_size), status.st_dev, status.st_ino,
          status.st_mtim.tv_sec * per_second + status.st_mtim.tv_nsec};
}

}  // namespace

WeightFile weight_file_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw UsageError(path + ": cannot be read: " + words_of(errno));
  }
  if (!S_ISREG(status.st_mode)) throw UsageError(path + ": is not a regular file");
  return described(path, status);
}

OpenWeightFile::OpenWeightFile(std::shared_ptr<const WeightFile> file)
    : file_(std::move(file)), descriptor_(::open(file_->path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw std::runtime_error(file_->path + " cannot be opened any more: " + words_of(errno));
  }
  if (const auto changed = change()) {
    ::close(descriptor_);
    throw std::runtime_error(*changed);
  }
}

OpenWeightFile::~OpenWeightFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

OpenWeightFile::OpenWeightFile(OpenWeightFile&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

void OpenWeightFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::runtime_error(file_->path + " cannot be read: " + words_of(errno));
    if (got == 0) {
      throw std::runtime_error(file_->path + " was cut short while it was read" + when_at_rest);
    }
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::optional<std::string> OpenWeightFile::change() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    return file_->path + " cannot be asked for its state: " + words_of(errno);
  }
  const WeightFile now = described(file_->path, status);
  if (now.bytes < file_->bytes) {
    return file_->path + " was cut short, from " + std::to_string(file_->bytes) + " bytes to " +
           std::to_string(now.bytes) + ", while weights were read from it" + when_at_rest;
  }
  const bool same = now.bytes == file_->bytes && now.device == file_->device &&
                    now.inode == file_->inode && now.changed_ns == file_->changed_ns;
  if (same) return std::nullopt;
  return file_->path + " was changed after its header was read" + when_at_rest;
}

}  // namespace offload
