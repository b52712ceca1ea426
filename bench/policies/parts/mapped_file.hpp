// SPDX-License-Identifier: Apache-2.0
// Weights in a file that is mapped as engines map a model's: shared and read-only, so that what is
// in memory of it is the page cache's. It is written for them, unless they are a model's own.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/policies/parts/model_map.hpp"
#include "bench/policies/parts/packed.hpp"
#include "offload/policy.hpp"

namespace offload {

/// A file of its own, all of it mapped. It loses its name at once: nothing stays behind, and nobody
/// can cut it short while it is read, which would end the process (SIGBUS).
class MappedFile {
 public:
  /// In `directory`, as Tuning::file_directory says it, with room set aside for all of it.
  MappedFile(std::size_t bytes, const std::string& directory);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;

  const std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }  // whole pages

  /// On the disk when it returns, so that no pass runs beside the writing.
  void write(std::size_t offset, std::span<const std::byte> content);
  /// Copies what it has from `offset` on, by read calls.
  void read(std::size_t offset, std::span<std::byte> out) const;
  /// Takes it out of the page cache. Throws ImplausibleResult where pages stay.
  void drop() const;
  bool try_drop() const;
  /// As if it had just been mapped, whatever the page cache has of it.
  void unmap_pages() const;
  /// What of it is in the page cache.
  std::size_t cached_bytes() const;

 private:
  std::string directory_;
  std::size_t bytes_;
  int file_ = -1;
  const std::byte* data_ = nullptr;
};

/// Pages of read-only memory, locked for the GPU: those that `bytes` from `data` on lie in.
class PageLock {
 public:
  PageLock(const std::byte* data, std::size_t bytes);
  ~PageLock();
  PageLock(PageLock&& other) noexcept;
  PageLock(const PageLock&) = delete;
  PageLock& operator=(const PageLock&) = delete;
  PageLock& operator=(PageLock&&) = delete;

 private:
  const std::byte* first_page_;
};

/// A mapped file that is locked as a whole: it never leaves memory.
class LockedFile {
 public:
  LockedFile(std::size_t bytes, const std::string& directory);
  const std::byte* data() const { return file_.data(); }
  const std::byte* on_gpu() const { return static_cast<const std::byte*>(on_gpu_); }
  std::size_t bytes() const { return file_.bytes(); }
  void write(std::size_t offset, std::span<const std::byte> content) {
    file_.write(offset, content);
  }

 private:
  MappedFile file_;
  PageLock lock_;
  const void* on_gpu_;
};

/// The files of a model, of which the pages with weights never leave memory.
class LockedModelMap : public ModelMap {
 public:
  explicit LockedModelMap(std::span<const WeightTensor> tensors);
  /// Where the GPU finds what at() finds.
  const std::byte* on_gpu(const Piece& piece) const;

 private:
  struct OnGpu {
    MappedPages pages;
    const void* pointer = nullptr;
  };
  std::vector<PageLock> locks_;
  std::vector<OnGpu> on_gpu_;
};

/// On<Model> of weights that a model's files hold, On<Written> of others. `more` goes to either's
/// constructor.
template <template <typename> typename On, typename Model, typename Written, typename... More>
std::unique_ptr<Placement> place_in_files(std::span<const WeightTensor> tensors,
                                          const PlaceContext& context, More... more) {
  Packed packed(tensors);
  if (are_stored(tensors)) {
    return std::make_unique<On<Model>>(tensors, std::move(packed), Model(tensors), context.workers,
                                       more...);
  }
  Written file(packed.bytes(), context.tuning.file_directory);
  return std::make_unique<On<Written>>(tensors, std::move(packed), std::move(file), context.workers,
                                       more...);
}

/// What rows over mapped files need of the GPU to lock them.
inline constexpr Need locking_files[] = {
    {&MemoryModel::host_register, "cudaHostRegister"},
    {&MemoryModel::host_register_read_only, "cudaHostRegister of read-only memory"}};

/// Policy::can_start of rows over mapped files: a directory with room for the weights, and from
/// cold, one whose files leave memory.
Support file_can_start(const WeightSet& weights, const Tuning& tuning, Start start);

/// As `in_memory` predicts it of memory that is no file's; how long the disk takes is not known.
template <PredictFunction in_memory>
std::optional<Prediction> from_page_cache(const PassWork& work, const PredictContext& context) {
  if (context.start == Start::cold) return std::nullopt;
  return in_memory(work, context);
}

}  // namespace offload
