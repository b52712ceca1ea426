// SPDX-License-Identifier: Apache-2.0
// The results on disk: a journal while the run is under way, then one JSON file. The only place
// that knows nlohmann/json is bench/report/json.cpp.
#pragma once
#include <cstdio>
#include <string>

#include "bench/record.hpp"

namespace offload {

inline constexpr const char* results_schema_version = "1.0.0";

/// The whole results document, ending in a newline. Non-finite numbers become null.
/// Throws std::runtime_error if benchmark_json is not what Google Benchmark writes.
std::string results_json(const RunRecord& run);
/// One line for the journal.
std::string journal_line(const CaseRecord& record);
/// One median row per passed case in stock fields only, for CI services (`context` with `caches`).
std::string ci_json(const RunRecord& run);
std::string platform_json(const Platform& platform);

/// Owns the output path from before the first allocation to the end. Space for the results is
/// reserved on disk ahead of need, so that what was measured can always be written.
class ResultsFile {
 public:
  /// "-" writes to stdout at the end and keeps no journal; "" writes nothing. Throws UsageError if
  /// the path cannot be written (missing directory, permissions, read-only or full disk).
  explicit ResultsFile(const std::string& path);
  ~ResultsFile();
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  /// Append to the journal and reserve what `run`, this case included, will need. False when the
  /// disk is full: stop and call finish() with the cases before it.
  bool append(const CaseRecord& record, const RunRecord& run);
  /// Write the results to a temporary name beside the path, sync and rename; remove the journal.
  /// Throws std::runtime_error with one clear line when even that fails.
  void finish(const RunRecord& run);

 private:
  struct Impl;
  Impl* impl_ = nullptr;
};

}  // namespace offload
