// SPDX-License-Identifier: Apache-2.0
#include "bench/report/results_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "bench/core/standard_output.hpp"
#include "bench/report/redact.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

bool out_of_space(int error) { return error == ENOSPC || error == EFBIG || error == EDQUOT; }

std::string advice(int error) {
  if (error == ENOENT) return "create the directory or choose another path";
  if (out_of_space(error)) return "free some space or choose another path";
  return "choose another path";
}

[[noreturn]] void refuse(const std::string& option, const std::string& path, int error) {
  throw UsageError(option + " " + path + ": cannot write there: " + std::strerror(error) + "; " +
                   advice(error));
}

std::runtime_error write_error(const std::string& option, const std::string& path, int error) {
  return std::runtime_error(option + " " + path + ": writing failed: " + std::strerror(error));
}

/// A rename lasts only once its directory is on disk; not every file system can sync one.
void sync_directory(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) directory = ".";
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void ignore_signals_of_writing() {
  for (const int number : {SIGXFSZ, SIGPIPE}) {
    struct sigaction current {};
    if (sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
      current.sa_handler = SIG_IGN;
      sigaction(number, &current, nullptr);
    }
  }
}

/// Where a chain of links that ends at nothing would have its file made.
std::string target_of_links(std::filesystem::path path) {
  constexpr int most_links = 40;
  for (int i = 0; i < most_links && std::filesystem::is_symlink(path); ++i) {
    path = path.parent_path() / std::filesystem::read_symlink(path);
  }
  return path;
}

/// A file that this program keeps beside its output, made if missing: never what a link points to,
/// nor another user's, nor anything that is no file. The descriptor, or -1 and errno.
int open_beside(const std::string& path, int flags) {
  const int descriptor =
      ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (descriptor < 0) return descriptor;
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  if (known && S_ISREG(status.st_mode) && status.st_uid == ::geteuid()) return descriptor;
  ::close(descriptor);
  errno = EEXIST;
  return -1;
}

/// Whether this may be what a run left that died while it wrote: the first bytes of results, of
/// what doctor and advise say, or of a calibration that is kept.
bool is_part_of_ours(int descriptor) {
  std::array<char, 64> bytes{};
  const ssize_t count = ::pread(descriptor, bytes.data(), bytes.size(), 0);
  if (count < 0) return false;
  const std::string_view found(bytes.data(), static_cast<std::size_t>(count));
  constexpr std::array<std::string_view, 3> first_names{"context", "schema_version",
                                                        "offload_bench"};
  return std::ranges::any_of(first_names, [found](std::string_view name) {
    const std::string begin = "{\n  \"" + std::string(name) + '"';
    return begin.starts_with(found.substr(0, begin.size()));
  });
}

/// "<path>.old", or with a number behind it: what an earlier run left there stays.
std::string free_name(const std::string& path) {
  std::string name = path + ".old";
  struct stat status {};
  for (int i = 2; ::lstat(name.c_str(), &status) == 0; ++i) {
    name = path + ".old" + std::to_string(i);
  }
  return name;
}

}  // namespace

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

OutputFile::OutputFile(std::string option, const std::string& path)
    : option_(std::move(option)), path_(path) {
  if (path_.empty() || path_ == "-") return;
  ignore_signals_of_writing();
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) refuse(option_, path_, EISDIR);
    // Renaming needs only the directory's permission; a file that its owner protected stays.
    if (::access(path_.c_str(), W_OK) != 0) refuse(option_, path_, errno);
    if (!S_ISREG(status.st_mode)) {
      hold_open(status.st_mode);
      return;
    }
    path_ = std::filesystem::canonical(path_);  // replace what a link points to, not the link
    mode_ = status.st_mode & 0777U;
  } else if (errno != ENOENT) {
    refuse(option_, path_, errno);
  } else if (path_.ends_with('/')) {
    refuse(option_, path_, EISDIR);
  } else {
    path_ = target_of_links(path_);
  }
  temporary_ = path_ + ".part";
  descriptor_ = lock_temporary();
  if (mode_) ::fchmod(descriptor_, *mode_);  // a private file stays one
}

/// A pipe without a reader would keep the run waiting at its end; one that was opened and closed
/// again would have told its reader that all is written.
void OutputFile::hold_open(unsigned mode) {
  if (!S_ISFIFO(mode) && !S_ISSOCK(mode)) return;
  stream_ = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (stream_ < 0 && errno == ENXIO && S_ISFIFO(mode)) {
    throw UsageError(option_ + " " + path_ +
                     ": no process reads this pipe; start its reader first or choose another path");
  }
  if (stream_ < 0) refuse(option_, path_, errno);
  ::fcntl(stream_, F_SETFL, O_WRONLY);  // writing waits for the reader
}

/// The lock distinguishes a file that a dead run left from one that a live run is filling.
int OutputFile::lock_temporary() const {
  while (true) {
    const int descriptor = open_beside(temporary_, O_RDWR);
    if (descriptor < 0) {
      if (errno != ELOOP && errno != EEXIST) refuse(option_, path_, errno);
      throw UsageError(option_ + " " + path_ + ": cannot write its part " + temporary_ + ": " +
                       std::strerror(errno) + "; choose another path");
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor);
      throw UsageError(option_ + " " + path_ +
                       ": another run is writing this file; wait for it or choose another path");
    }
    // The other run may have renamed its file into place between our open and our lock.
    struct stat ours {};
    struct stat named {};
    if (::fstat(descriptor, &ours) == 0 && ::stat(temporary_.c_str(), &named) == 0 &&
        ours.st_dev == named.st_dev && ours.st_ino == named.st_ino) {
      if (is_part_of_ours(descriptor)) return descriptor;
      ::close(descriptor);
      throw UsageError(option_ + " " + path_ + ": " + temporary_ +
                       " is no part of results: move it or choose another path");
    }
    ::close(descriptor);
  }
}

OutputFile::~OutputFile() {
  drop_temporary();
  if (stream_ >= 0) ::close(stream_);
}

void OutputFile::drop_temporary() {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

void OutputFile::commit(std::string_view text) {
  if (path_.empty()) return;
  if (path_ == "-") {
    if (const int error = write_all(STDOUT_FILENO, text)) {
      throw write_error(option_, "- (stdout)", error);
    }
    return;
  }
  if (temporary_.empty()) {
    const int stream =
        stream_ >= 0 ? std::exchange(stream_, -1) : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (stream < 0) throw write_error(option_, path_, errno);
    const int error = write_all(stream, text);
    ::close(stream);
    if (error != 0) throw write_error(option_, path_, error);
    return;
  }
  if (descriptor_ < 0) throw std::logic_error(path_ + ": already in place");
  int error = ::ftruncate(descriptor_, 0) == 0 ? 0 : errno;  // of what a dead run left
  if (error == 0) error = write_all(descriptor_, text);
  if (error == 0 && ::fsync(descriptor_) != 0) error = errno;
  if (error == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    drop_temporary();
    throw write_error(option_, path_, error);
  }
  sync_directory(path_);
  ::close(descriptor_);
  descriptor_ = -1;
}

ResultsFile::ResultsFile(const std::string& path, bool quiet) : output_("--output", path) {
  if (output_.is_regular()) open_journal(quiet);
}

void ResultsFile::open_journal(bool quiet) {
  journal_path_ = output_.path() + ".journal";
  struct stat status {};
  if (::lstat(journal_path_.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
      status.st_size > 0) {
    const std::string old = free_name(journal_path_);
    if (::rename(journal_path_.c_str(), old.c_str()) == 0) {
      write_note("an earlier run did not end; what it measured is kept in " + old, quiet);
    }
  }
  journal_ = open_beside(journal_path_, O_WRONLY | O_APPEND);
  if (journal_ < 0) {
    throw UsageError("--output " + output_.path() + ": cannot write its journal " + journal_path_ +
                     ": " + std::strerror(errno) + "; choose another path");
  }
  if (output_.mode()) ::fchmod(journal_, *output_.mode());
}

ResultsFile::~ResultsFile() { close_journal(journal_cases_ > 0); }

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
  ++journal_cases_;
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
    if (journal_ < 0) throw;
    const std::string left = journal_contents(run.cases.size());
    close_journal(journal_cases_ > 0);
    throw std::runtime_error(std::string(error.what()) + "; " + left +
                             "; free some space or give another --output, and run again");
  }
  close_journal(false);
}

std::string ResultsFile::journal_contents(std::size_t finished) const {
  if (journal_cases_ == 0) return "nothing of this run is on disk";
  const std::string which = journal_cases_ >= finished
                                ? "the finished cases"
                                : std::to_string(journal_cases_) + " of the " +
                                      std::to_string(finished) + " finished cases";
  return which + " are in " + journal_path_;
}

void ResultsFile::close_journal(bool keep) {
  if (journal_ < 0) return;
  ::close(journal_);
  journal_ = -1;
  if (!keep) ::unlink(journal_path_.c_str());
}

}  // namespace offload
