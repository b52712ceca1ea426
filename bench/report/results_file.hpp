// SPDX-License-Identifier: Apache-2.0
// The results on disk: a journal while the run is under way, then one JSON file. What is in
// them is written by bench/report/*json.cpp.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bench/record.hpp"

namespace offload {

inline constexpr const char* results_schema_version = "2.9.0";

/// The whole results document, ending in a newline. Non-finite numbers become null. Of Google
/// Benchmark's rows those stay that belong to one of run.cases which did not fail.
/// With --redact, this, the journal's header and CI's document hold redacted() of the run.
/// Throws std::runtime_error if benchmark_context is not what Google Benchmark writes.
std::string results_json(const RunRecord& run);
/// The journal's first line: the run without its cases; then one line per finished case, whose
/// standing among the others is not known yet.
std::string journal_header(const RunRecord& run);
std::string journal_line(const CaseRecord& record);
/// What --format jsonl writes of a case or of one that is skipped: a line of "kind", "run"
/// (run_identity()) and what the results say of it. A case's standing among the others is not known
/// yet.
std::string case_line(const CaseRecord& record, const RunRecord& run);
std::string skipped_line(const SkippedCase& skipped, const RunRecord& run);
/// One median row per passed case in stock fields only, for CI services (`context` with `caches`).
std::string ci_json(const RunRecord& run);
std::string platform_json(const Platform& platform);

/// A file that appears whole or not at all: it is written beside its final path, synced and
/// renamed. Until then whatever stood at the path stays untouched.
class OutputFile {
 public:
  /// `path`: "" writes nothing, "-" is stdout; a device, pipe or socket is written to directly.
  /// `option` names the flag in messages ("--output"). Throws UsageError when the path cannot be
  /// written (missing directory, permissions, read-only disk, a pipe that none reads) or another
  /// process is at it.
  /// From here on a file-size limit is an error code, not a SIGXFSZ that ends the process, and so
  /// is a reader of stdout or stderr that has gone.
  OutputFile(std::string option, const std::string& path);
  /// Without commit(): removes the temporary file.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Whether there is a file to rename, and so a directory to keep a journal in.
  bool is_regular() const { return descriptor_ >= 0; }
  /// The final path, symbolic links resolved.
  const std::string& path() const { return path_; }
  /// Permissions of the file that will be replaced, and of what replaces it.
  std::optional<unsigned> mode() const { return mode_; }

  /// Write and put in place. Throws std::runtime_error with one clear line, and leaves no part.
  void commit(std::string_view text);

 private:
  int lock_temporary() const;
  void hold_open(unsigned mode);
  void drop_temporary();

  std::string option_;
  std::string path_;
  std::string temporary_;  // path_ + ".part"; empty when there is nothing to rename
  std::optional<unsigned> mode_;
  int descriptor_ = -1;  // of the temporary file, locked
  int stream_ = -1;      // of a pipe, held from the start so that its reader stays
};

/// Writes all of `text`; 0 or errno.
int write_all(int descriptor, std::string_view text);

/// Owns the output path from before the first allocation to the end.
///
/// While a run is under way "<path>.journal" holds its finished cases, one JSON object a line, and
/// an empty "<path>.part" keeps other runs away; finish() leaves neither. The journal of a run that
/// was killed is kept as "<path>.journal.old" by the next run, which says so on stderr
/// unless it is to be quiet.
class ResultsFile {
 public:
  /// "-" writes to stdout at the end and keeps no journal, as does a device or a pipe; "" writes
  /// nothing. Throws UsageError if the path cannot be written (missing directory, permissions,
  /// read-only disk) or another run is writing it.
  explicit ResultsFile(const std::string& path, bool quiet = false);
  /// Without finish(): keeps a journal that holds cases.
  ~ResultsFile();
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  /// Append to the journal and sync it. Throws std::runtime_error with one clear line when that
  /// fails: stop and call finish().
  void append(const CaseRecord& record, const RunRecord& run);
  /// Write the results to a temporary name beside the path, sync and rename; remove the journal.
  /// Throws std::runtime_error with one clear line when that fails: it says what of the run is on
  /// disk. The journal stays if it holds cases.
  void finish(const RunRecord& run);

 private:
  void open_journal(bool quiet);
  void write_journal(const std::string& lines);
  /// What of `finished` cases the journal holds, in words.
  std::string journal_contents(std::size_t finished) const;
  void close_journal(bool keep);

  OutputFile output_;
  std::string journal_path_;
  int journal_ = -1;
  std::size_t journal_bytes_ = 0;
  std::size_t journal_cases_ = 0;
};

}  // namespace offload
