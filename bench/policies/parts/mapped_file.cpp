// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/policies/parts/page_cache.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr const char* elsewhere = "; give another --file-directory";

[[noreturn]] void fail(const std::string& what, const std::string& directory, int error) {
  throw std::runtime_error(what + " in " + directory +
                           " failed: " + std::generic_category().message(error) + elsewhere);
}

std::string directory_of(const std::string& given) {
  if (!given.empty()) return given;
  const char* const set = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
  return set == nullptr || *set == '\0' ? "/tmp" : set;
}

int open_unnamed(const std::string& directory) {
  std::string path = directory + "/offload-bench-XXXXXX";
  const int file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) fail("making a file of weights", directory, errno);
  unlink(path.c_str());
  return file;
}

std::size_t page_bytes() { return whole_pages(1); }

}  // namespace

MappedFile::MappedFile(std::size_t bytes, const std::string& directory)
    : directory_(directory_of(directory)),
      bytes_(whole_pages(bytes)),
      file_(open_unnamed(directory_)) {
  int error = posix_fallocate(file_, 0, static_cast<off_t>(bytes_));
  void* map = MAP_FAILED;
  if (error == 0) {
    map = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file_, 0);
    error = errno;
  }
  if (map == MAP_FAILED) {
    close(file_);
    fail("a file of " + format_size_rounded(bytes_) + " of weights", directory_, error);
  }
  data_ = static_cast<const std::byte*>(map);
}

MappedFile::~MappedFile() {
  if (data_ == nullptr) return;
  munmap(const_cast<std::byte*>(data_), bytes_);
  close(file_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : directory_(std::move(other.directory_)),
      bytes_(other.bytes_),
      file_(other.file_),
      data_(std::exchange(other.data_, nullptr)) {}

void MappedFile::write(std::size_t offset, std::span<const std::byte> content) {
  while (!content.empty()) {
    const ssize_t written =
        pwrite(file_, content.data(), content.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("writing weights", directory_, written < 0 ? errno : ENOSPC);
    offset += static_cast<std::size_t>(written);
    content = content.subspan(static_cast<std::size_t>(written));
  }
  if (fdatasync(file_) != 0) fail("writing weights", directory_, errno);
}

void MappedFile::read(std::size_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = pread(file_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("reading weights", directory_, got < 0 ? errno : EIO);
    offset += static_cast<std::size_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

bool MappedFile::try_drop() const {
  const MappedPages all{data_, bytes_};
  return offload::try_drop(file_, all, {&all, 1});
}

void MappedFile::unmap_pages() const {
  madvise(const_cast<std::byte*>(data_), bytes_, MADV_DONTNEED);
}

void MappedFile::drop() const {
  if (try_drop()) return;
  throw ImplausibleResult("not cold: " + format_size_rounded(cached_bytes()) +
                          " of the file of weights in " + directory_ + " stay in the page cache" +
                          elsewhere);
}

std::size_t MappedFile::cached_bytes() const { return offload::cached_bytes({data_, bytes_}); }

PageLock::PageLock(const std::byte* data, std::size_t bytes) {
  const std::size_t before = reinterpret_cast<std::uintptr_t>(data) % page_bytes();
  first_page_ = data - before;
  cuda::host_register_read_only(first_page_, whole_pages(before + bytes));
}

PageLock::~PageLock() {
  if (first_page_ != nullptr) cuda::host_unregister(first_page_);
}

PageLock::PageLock(PageLock&& other) noexcept
    : first_page_(std::exchange(other.first_page_, nullptr)) {}

LockedModelMap::LockedModelMap(std::span<const WeightTensor> tensors) : ModelMap(tensors) {
  for (const MappedPages pages : this->pages()) {
    locks_.emplace_back(pages.data(), pages.size());
    on_gpu_.push_back({pages, cuda::host_get_device_pointer(const_cast<std::byte*>(pages.data()))});
  }
}

const std::byte* LockedModelMap::on_gpu(const Piece& piece) const {
  const std::byte* const data = at(piece);
  const auto run = std::ranges::find_if(on_gpu_, [data](const OnGpu& known) {
    return data >= known.pages.data() && data < known.pages.data() + known.pages.size();
  });
  return static_cast<const std::byte*>(run->pointer) + (data - run->pages.data());
}

LockedFile::LockedFile(std::size_t bytes, const std::string& directory)
    : file_(bytes, directory),
      lock_(file_.data(), file_.bytes()),
      on_gpu_(cuda::host_get_device_pointer(file_.data())) {}

Support file_can_start(const WeightSet& weights, const Tuning& tuning, Start start) {
  if (are_stored(weights.tensors)) return stored_can_start(weights, start);
  const std::string directory = directory_of(tuning.file_directory);
  std::size_t bytes = 0;
  for (const WeightTensor& tensor : weights.tensors) bytes += tensor.resident ? 0 : tensor.bytes();
  std::error_code error;
  const std::size_t free = std::filesystem::space(directory, error).available;
  if (!error && free < bytes) {
    return Support::no("needs " + format_size_rounded(bytes) + " in " + directory + ", where " +
                       format_size_rounded(free) + " are free" + elsewhere);
  }
  try {
    const MappedFile probe(1, directory);
    static_cast<void>(*static_cast<const volatile std::byte*>(probe.data()));  // into memory
    if (start != Start::cold || probe.try_drop()) return Support::yes();
    return Support::no("files in " + directory +
                       " stay in memory: give a --file-directory on a disk");
  } catch (const std::runtime_error& failure) {
    return Support::no(failure.what());
  }
}

}  // namespace offload
