// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/model_map.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/policies/parts/packed.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/error.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

/// Whole pages of a file, from the beginning of one on.
struct PageRun {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
using PageRuns = std::map<std::string, std::vector<PageRun>>;  // by the file's path

/// Those that overlap or touch are one: none is counted twice, nor locked twice.
std::vector<PageRun> merged(std::vector<PageRun> runs) {
  std::ranges::sort(runs, {}, &PageRun::begin);
  std::vector<PageRun> out;
  for (const PageRun& run : runs) {
    if (!out.empty() && run.begin <= out.back().end) {
      out.back().end = std::max(out.back().end, run.end);
    } else {
      out.push_back(run);
    }
  }
  return out;
}

PageRuns page_runs(std::span<const WeightTensor> tensors) {
  const std::uint64_t page = whole_pages(1);
  PageRuns runs;
  for (const WeightTensor& tensor : tensors) {
    for (const StoredRows& part : tensor.stored) {
      const std::uint64_t end = part.offset + part.rows * tensor.row_bytes();
      runs[part.file->path].push_back({part.offset / page * page, round_up(end, page)});
    }
  }
  for (auto& [path, of_file] : runs) of_file = merged(std::move(of_file));
  return runs;
}

/// The kernel tells which pages of a file are in memory to its owner and to who may write to it;
/// others hear that all are.
bool may_ask_for_pages(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  return status.st_uid == geteuid() || geteuid() == 0 || access(path.c_str(), W_OK) == 0;
}

/// By its page at `offset` if that leaves memory alone, and else by all of it.
bool leaves_memory(const MappedModelFile& file, std::uint64_t offset) {
  const std::size_t page = whole_pages(1);
  const MappedPages first = file.map().subspan(offset / page * page, page);
  static_cast<void>(*static_cast<const volatile std::byte*>(first.data()));  // into memory
  madvise(const_cast<std::byte*>(first.data()), page, MADV_DONTNEED);
  posix_fadvise(file.descriptor(), static_cast<off_t>(offset / page * page),
                static_cast<off_t>(page), POSIX_FADV_DONTNEED);
  return cached_bytes(first) == 0 || try_drop(file.descriptor(), file.map(), {&first, 1});
}

Support can_be_cold(const StoredRows& part) {
  const std::string& path = part.file->path;
  if (!may_ask_for_pages(path)) {
    return Support::no("only the owner of " + path +
                       " is told whether it is in memory: measure as its owner");
  }
  if (leaves_memory(MappedModelFile(part.file), part.offset)) return Support::yes();
  return Support::no(path +
                     " stays in memory: end what else has it open, or give a model on a disk");
}

}  // namespace

bool are_stored(std::span<const WeightTensor> tensors) {
  return std::ranges::any_of(tensors,
                             [](const WeightTensor& tensor) { return !tensor.stored.empty(); });
}

std::size_t file_bytes(std::span<const WeightTensor> tensors) {
  if (!are_stored(tensors)) return whole_pages(Packed(tensors).bytes());
  std::size_t bytes = 0;
  for (const auto& [path, runs] : page_runs(tensors)) {
    for (const PageRun& run : runs) bytes += run.end - run.begin;
  }
  return bytes;
}

Support stored_can_start(const WeightSet& weights, Start start) {
  if (start != Start::cold) return Support::yes();
  std::set<std::string> asked;
  try {
    for (const WeightTensor& tensor : weights.tensors) {
      for (const StoredRows& part : tensor.stored) {
        if (!asked.insert(part.file->path).second) continue;
        if (Support cold = can_be_cold(part); !cold) return cold;
      }
    }
  } catch (const std::runtime_error& failure) {
    return Support::no(failure.what());
  }
  return Support::yes();
}

MappedModelFile::MappedModelFile(std::shared_ptr<const WeightFile> file) : file_(std::move(file)) {
  const std::size_t bytes = whole_pages(this->file().bytes);
  void* const data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor(), 0);
  if (data == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), this->file().path + ": mapping it");
  }
  map_ = {static_cast<const std::byte*>(data), bytes};
  guard_.emplace(map_.data(), map_.size());
}

MappedModelFile::~MappedModelFile() {
  guard_.reset();
  if (!map_.empty()) munmap(const_cast<std::byte*>(map_.data()), map_.size());
}

MappedModelFile::MappedModelFile(MappedModelFile&& other) noexcept
    : file_(std::move(other.file_)),
      map_(std::exchange(other.map_, {})),
      guard_(std::exchange(other.guard_, std::nullopt)) {}

std::optional<std::string> MappedModelFile::fault() const {
  if (auto changed = file_.change()) return changed;
  if (!guard_->was_cut()) return std::nullopt;
  return file().path + " could not be read: it was cut short meanwhile, or its disk failed";
}

Piece ModelMap::Part::common(const Piece& piece) const {
  const std::size_t first = std::max(piece.first_row, first_row);
  const std::size_t end = std::min(piece.first_row + piece.rows, first_row + rows);
  return {piece.tensor, first, end - std::min(end, first)};
}

ModelMap::ModelMap(std::span<const WeightTensor> tensors)
    : tensors_(tensors.begin(), tensors.end()) {
  for (const WeightTensor& tensor : tensors_) {
    std::vector<Part>& parts = parts_.emplace_back();
    std::size_t row = 0;
    for (const StoredRows& part : tensor.stored) {
      const bool known = std::ranges::any_of(files_, [&](const MappedModelFile& mapped) {
        return mapped.file().path == part.file->path;
      });
      if (!known) files_.emplace_back(part.file);
      parts.push_back({row, part.rows, file_of(part).map().data() + part.offset});
      row += part.rows;
    }
  }
}

const MappedModelFile& ModelMap::file_of(const StoredRows& part) const {
  return *std::ranges::find_if(
      files_, [&](const MappedModelFile& mapped) { return mapped.file().path == part.file->path; });
}

std::size_t ModelMap::bytes() const {
  std::size_t bytes = 0;
  for (const MappedPages pages : this->pages()) bytes += pages.size();
  return bytes;
}

const std::byte* ModelMap::at(const Piece& piece) const {
  const std::vector<Part>& parts = parts_[piece.tensor];
  const Part& part =
      *std::prev(std::ranges::upper_bound(parts, piece.first_row, {}, &Part::first_row));
  if (part.common(piece).rows < piece.rows) {
    throw std::logic_error("a piece of " + tensors_[piece.tensor].name + " lies in several parts");
  }
  return part.data + (piece.first_row - part.first_row) * tensors_[piece.tensor].row_bytes();
}

std::vector<MappedPages> ModelMap::mapped(std::span<const WeightTensor> tensors) const {
  const PageRuns runs = page_runs(tensors);
  std::vector<MappedPages> all;
  for (const MappedModelFile& file : files_) {
    const auto found = runs.find(file.file().path);
    if (found == runs.end()) continue;
    for (const PageRun& run : found->second) {
      all.push_back(file.map().subspan(run.begin, run.end - run.begin));
    }
  }
  return all;
}

std::vector<MappedPages> ModelMap::pages() const { return mapped(tensors_); }

std::vector<MappedPages> ModelMap::pages_of(std::size_t tensor) const {
  return mapped(std::span(tensors_).subspan(tensor, 1));
}

void ModelMap::drop() const {
  const PageRuns runs = page_runs(tensors_);
  for (const MappedModelFile& file : files_) {
    std::vector<MappedPages> wanted;
    for (const PageRun& run : runs.at(file.file().path)) {
      wanted.push_back(file.map().subspan(run.begin, run.end - run.begin));
    }
    if (try_drop(file.descriptor(), file.map(), wanted)) continue;
    std::size_t left = 0;
    for (const MappedPages pages : wanted) left += cached_bytes(pages);
    throw ImplausibleResult("not cold: " + format_size_rounded(left) + " of the weights in " +
                            file.file().path +
                            " stay in the page cache; end what else has it open");
  }
}

std::optional<std::string> ModelMap::fault() const {
  for (const MappedModelFile& file : files_) {
    if (auto fault = file.fault()) return fault;
  }
  return std::nullopt;
}

}  // namespace offload
