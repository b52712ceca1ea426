// SPDX-License-Identifier: Apache-2.0
#include "bench/report/results_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "bench/report/redact.hpp"
#include "offload/error.hpp"

namespace offload {

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
  if (journal_bytes_ == 0) ::unlink(journal_path_.c_str());
}

/// Whole lines or nothing: a journal cut by a full disk still ends in a complete line.
void ResultsFile::write_journal(const std::string& lines) {
  int error = write_all(journal_, lines);
  if (error == 0 && ::fdatasync(journal_) != 0) error = errno;
  if (error != 0) {
    // Failing to cut it leaves half a line, which readers of a journal skip.
    (void)!::ftruncate(journal_, static_cast<off_t>(journal_bytes_));
    throw std::runtime_error("--output " + output_.path() + ": writing its journal " +
                             journal_path_ + " failed: " + std::strerror(error));
  }
  journal_bytes_ += lines.size();
}

void ResultsFile::append(const CaseRecord& record, const RunRecord& run) {
  if (journal_ < 0) return;
  const std::string line =
      run.options.redact ? journal_line(redacted(record, run)) : journal_line(record);
  write_journal(journal_bytes_ == 0 ? journal_header(run) + line : line);
}

void ResultsFile::finish(const RunRecord& run) {
  if (output_.path().empty()) return;
  try {
    output_.commit(results_json(run));
  } catch (const std::runtime_error& error) {
    if (journal_bytes_ == 0) throw;
    throw std::runtime_error(std::string(error.what()) + "; the finished cases are in " +
                             journal_path_);
  }
  if (journal_ < 0) return;
  ::close(journal_);
  journal_ = -1;
  ::unlink(journal_path_.c_str());
}

}  // namespace offload
