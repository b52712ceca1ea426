// SPDX-License-Identifier: Apache-2.0
// Weights in the files of a user's model, which are mapped in place as engines map them: each file
// whole, shared and read-only. Nothing here writes to them.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/core/map_guard.hpp"
#include "bench/core/open_weight_file.hpp"
#include "bench/policies/parts/page_cache.hpp"
#include "offload/start.hpp"
#include "offload/support.hpp"
#include "offload/weights.hpp"

namespace offload {

/// Whether the bytes of `tensors` are those of a model's files.
bool are_stored(std::span<const WeightTensor> tensors);

/// The memory that files with `tensors` take: of a model's own the pages in which they lie, else as
/// they are packed into one that is written for them.
std::size_t file_bytes(std::span<const WeightTensor> tensors);

/// Whether weights in a model's files can be brought to `start`.
Support stored_can_start(const WeightSet& weights, Start start);

class MappedModelFile {
 public:
  explicit MappedModelFile(std::shared_ptr<const WeightFile> file);
  ~MappedModelFile();
  MappedModelFile(MappedModelFile&& other) noexcept;
  MappedModelFile(const MappedModelFile&) = delete;
  MappedModelFile& operator=(const MappedModelFile&) = delete;
  MappedModelFile& operator=(MappedModelFile&&) = delete;

  const WeightFile& file() const { return file_.file(); }
  int descriptor() const { return file_.descriptor(); }
  MappedPages map() const { return map_; }
  /// As Placement::fault() says it.
  std::optional<std::string> fault() const;

 private:
  OpenWeightFile file_;
  MappedPages map_;
  std::optional<MapGuard> guard_;
};

class ModelMap {
 public:
  explicit ModelMap(std::span<const WeightTensor> tensors);

  /// Of the pages that hold the tensors.
  std::size_t bytes() const;
  /// The first byte of a piece that lies in one part.
  const std::byte* at(const Piece& piece) const;
  /// Calls `take` with the pieces of `piece` that lie in one part each, in order.
  template <typename Take>
  void for_each_part(const Piece& piece, const Take& take) const {
    for (const Part& part : parts_[piece.tensor]) {
      const Piece common = part.common(piece);
      if (common.rows > 0) take(common);
    }
  }
  std::vector<MappedPages> pages() const;
  /// Those of one tensor.
  std::vector<MappedPages> pages_of(std::size_t tensor) const;

  /// Takes the files out of the page cache. Throws ImplausibleResult where weights stay there.
  void drop() const;
  std::optional<std::string> fault() const;

 private:
  struct Part {
    std::size_t first_row = 0;
    std::size_t rows = 0;
    const std::byte* data = nullptr;

    Piece common(const Piece& piece) const;
  };
  std::vector<MappedPages> mapped(std::span<const WeightTensor> tensors) const;
  const MappedModelFile& file_of(const StoredRows& part) const;

  std::vector<WeightTensor> tensors_;
  std::vector<MappedModelFile> files_;
  std::vector<std::vector<Part>> parts_;  // by tensor
};

}  // namespace offload
