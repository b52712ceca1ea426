// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/job.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

std::string file_in(const std::string& folder, const Rank& rank) {
  std::error_code error;
  if (folder.ends_with(".json") || fs::is_regular_file(folder, error) || folder == "-") {
    throw UsageError("--output " + in_quotes(folder) +
                     " would be written by every rank: name a folder, and each writes " +
                     results_name(rank) + " or the like into it");
  }
  fs::create_directories(folder, error);
  if (error) {
    throw UsageError("--output " + in_quotes(folder) +
                     ": cannot make the folder: " + error.message());
  }
  return (fs::path(folder) / results_name(rank)).string();
}

/// Google Benchmark's own file, which every rank would write.
void refuse_shared_files(const Options& options) {
  constexpr std::string_view flag = "--benchmark_out=";
  for (const std::string& given : options.benchmark_flags) {
    if (!given.starts_with(flag)) continue;
    throw UsageError(given + " would be written by every rank: name a folder by --output instead");
  }
}

int gpu_of(const Rank& rank, int gpus) {
  if (!rank.local_index || gpus < 2) return 0;  // the only one that this rank was given
  if (*rank.local_index < static_cast<std::size_t>(gpus)) {
    return static_cast<int>(*rank.local_index);
  }
  throw UsageError("more ranks than GPUs: this is number " + std::to_string(*rank.local_index) +
                   " of this host, which shows " + std::to_string(gpus) +
                   " GPUs: start one for each, or give --gpu");
}

}  // namespace

Options as_rank(Options options, const Rank& rank, int gpus) {
  options.rank = rank;
  refuse_shared_files(options);
  if (!options.gpu_given && options.gpus.empty()) options.gpu = gpu_of(rank, gpus);
  if (!options.output.empty()) options.output = file_in(options.output, rank);
  if (rank.index == 0) return options;
  options.ci_json.clear();  // one for all
  options.progress = Progress::never;
  options.quiet = true;
  return options;
}

}  // namespace offload
