// SPDX-License-Identifier: Apache-2.0
#include "bench/report/results_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "bench/report/redact.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

// Room for what a run still learns about itself after its last case: limits, wall time, the reason
// why it ended.
constexpr std::size_t slack = std::size_t{64} << 10U;

/// A journal line is compact; in the document every value stands on an indented line of its own.
std::size_t indented(const std::string& line) {
  const auto lines = std::ranges::count_if(
      line, [](char c) { return c == ',' || c == '{' || c == '}' || c == '[' || c == ']'; });
  constexpr std::size_t deepest_indent = 20;
  return line.size() + static_cast<std::size_t>(lines) * deepest_indent;
}

/// Google Benchmark writes a row per sample and one per statistic.
std::size_t stock_rows(const CaseRecord& record) {
  constexpr std::size_t statistics = 8;
  constexpr std::size_t row = 2048;
  return (record.samples.size() + statistics) * (row + 2 * record.name.size());
}

RunRecord accepted_part(const RunRecord& run, std::size_t accepted) {
  RunRecord part = run;
  part.cases.resize(std::min(accepted, part.cases.size()));
  part.complete = false;
  part.incomplete_reason = "the disk is full";
  return part;
}

}  // namespace

ResultsFile::ResultsFile(const std::string& path) : output_("--output", path) {
  if (output_.is_regular()) open_journal();
}

void ResultsFile::open_journal() {
  journal_path_ = output_.path() + ".journal";
  struct stat status {};
  if (::stat(journal_path_.c_str(), &status) == 0 && status.st_size > 0) {
    const std::string old = journal_path_ + ".old";
    if (::rename(journal_path_.c_str(), old.c_str()) == 0) {
      std::fprintf(stderr, "note: an earlier run did not end; what it measured is kept in %s\n",
                   old.c_str());
    }
  }
  journal_ =
      ::open(journal_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (journal_ < 0) {
    throw UsageError("--output " + output_.path() + ": cannot write its journal " + journal_path_ +
                     ": " + std::strerror(errno) + "; choose another path");
  }
}

ResultsFile::~ResultsFile() {
  if (journal_ < 0) return;
  ::close(journal_);
  if (accepted_ == 0) ::unlink(journal_path_.c_str());
}

/// Whole lines or nothing: a journal cut by a full disk still ends in a complete line.
bool ResultsFile::write_journal(const std::string& lines) {
  std::size_t done = 0;
  while (done < lines.size()) {
    const ssize_t written = ::write(journal_, lines.data() + done, lines.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      // Failing to cut it leaves half a line, which readers of a journal skip.
      (void)!::ftruncate(journal_, static_cast<off_t>(journal_bytes_));
      return false;
    }
    done += static_cast<std::size_t>(written);
  }
  journal_bytes_ += lines.size();
  return true;
}

bool ResultsFile::append(const CaseRecord& record, const RunRecord& run) {
  if (journal_ < 0) return true;
  const std::string line =
      run.options.redact ? journal_line(redacted(record, run)) : journal_line(record);
  const std::string header = journal_header(run);
  const std::size_t cases = case_bytes_ + indented(line) + stock_rows(record);
  if (!output_.reserve(indented(header) + cases + slack)) return false;
  if (!write_journal(accepted_ == 0 ? header + line : line)) return false;
  case_bytes_ = cases;
  ++accepted_;
  return true;
}

void ResultsFile::finish(const RunRecord& run) {
  if (output_.path().empty()) return;
  try {
    output_.commit(results_json(run));
  } catch (const std::runtime_error&) {
    if (!output_.is_regular() || accepted_ >= run.cases.size()) throw;
    output_.commit(results_json(accepted_part(run, accepted_)));
  }
  if (journal_ < 0) return;
  ::close(journal_);
  journal_ = -1;
  ::unlink(journal_path_.c_str());
}

}  // namespace offload
