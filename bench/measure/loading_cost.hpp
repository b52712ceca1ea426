// SPDX-License-Identifier: Apache-2.0
// What it takes to get weights from a file to where they are read, and to read them once there: by
// each way, from a file that is in the page cache and from one that is not.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/policies/parts/mapped_file.hpp"
#include "bench/record.hpp"
#include "offload/host_workers.hpp"
#include "offload/platform.hpp"
#include "offload/support.hpp"

namespace offload {

/// The sum of a file's words, as kernels/stream_read.hpp has it, and the memory they were read in.
struct Loaded {
  std::uint64_t sum = 0;
  std::shared_ptr<const void> memory;  // null: read in place
};

struct LoadingWay {
  std::string name;
  Support support;         // on this machine
  std::size_t copies = 0;  // of the file that it keeps beside the page cache
  std::function<Loaded(const MappedFile& file)> load;
};

/// All there are, in the order of a report. `workers` must outlive them.
std::vector<LoadingWay> loading_ways(const Platform& platform, HostWorkers& workers);

/// How large a file is loaded: 1 GiB, or what leaves three times as much memory free.
std::size_t loading_bytes(const Platform& platform);

struct LoadingContext {
  HostWorkers& workers;
  std::string directory;  // of the file, as Tuning::file_directory says it
  std::size_t bytes = 0;  // of the file: whole MiB
  /// Called before each measurement; may throw to end it all.
  std::function<void(const std::string& way)> checkpoint;
};

/// One entry of `costs` for each way that can run and each start of the file, a skip for each
/// other. The file is one of its own, gone when this returns. A way that fails, or reads something
/// else than was written, is an entry with its failure; only a dead GPU context ends it
/// (CudaError).
void measure_loading(std::span<const LoadingWay> ways, const LoadingContext& context,
                     std::vector<LoadingCost>& costs, const std::function<void(SkippedCase)>& skip);

}  // namespace offload
