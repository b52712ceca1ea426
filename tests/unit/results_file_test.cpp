// SPDX-License-Identifier: Apache-2.0
// The results on disk, whatever goes wrong on the way there.
#include "bench/report/results_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "offload/error.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

/// Exit code of `body` in a child, -signal when one ended it.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 99;
    try {
      code = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

class ResultsFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "offload-results-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    path_ = directory_ / "run.json";
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  fs::path directory_;
  fs::path path_;
  RunRecord run_ = testing::gpu_run();
};

std::string refusal(const std::string& path) {
  try {
    const ResultsFile file(path);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST_F(ResultsFileTest, LeavesOneCompleteFile) {
  ResultsFile file(path_);
  for (const auto& record : run_.cases) file.append(record, run_);
  file.finish(run_);
  EXPECT_EQ(files(), std::vector<std::string>{"run.json"});
  EXPECT_EQ(read(path_), results_json(run_));
}

TEST_F(ResultsFileTest, KeepsAnEarlierFileUntilTheEnd) {
  std::ofstream(path_) << "earlier";
  {
    ResultsFile file(path_);
    file.append(run_.cases[0], run_);
    EXPECT_EQ(read(path_), "earlier");
    file.finish(run_);
    EXPECT_EQ(read(path_), results_json(run_));
  }
  EXPECT_EQ(files(), std::vector<std::string>{"run.json"});
}

TEST_F(ResultsFileTest, LeavesNothingBehindWhenTheRunNeverStarts) {
  { const ResultsFile file(path_); }
  EXPECT_TRUE(files().empty());
}

TEST_F(ResultsFileTest, ReplacesWhatALinkPointsTo) {
  const fs::path target = directory_ / "target.json";
  std::ofstream(target) << "earlier";
  fs::create_symlink(target, path_);
  ResultsFile(path_).finish(run_);
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(read(target), results_json(run_));
}

TEST_F(ResultsFileTest, WritesNothingForAnEmptyPathAndADeviceDirectly) {
  ResultsFile none("");
  none.append(run_.cases[0], run_);
  none.finish(run_);
  ResultsFile("/dev/null").finish(run_);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(files().empty());
}

TEST_F(ResultsFileTest, WritesToStdoutAtTheEnd) {
  const fs::path captured = directory_ / "stdout";
  const int code = in_child([&] {
    const int out = open(captured.c_str(), O_WRONLY | O_CREAT, 0666);
    if (out < 0 || dup2(out, STDOUT_FILENO) < 0) return 1;
    ResultsFile file("-");
    file.append(run_.cases[0], run_);
    file.finish(run_);
    return 0;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(read(captured), results_json(run_));
}

TEST_F(ResultsFileTest, RefusesAPathThatCannotBeWritten) {
  std::ofstream(directory_ / "file") << "x";
  EXPECT_EQ(refusal(directory_ / "missing" / "run.json"),
            "--output " + (directory_ / "missing" / "run.json").string() +
                ": cannot write there: No such file or directory; create the directory or choose "
                "another path");
  EXPECT_TRUE(contains(refusal(directory_ / "file" / "run.json"), "Not a directory"));
  EXPECT_TRUE(contains(refusal(directory_), "Is a directory"));
  EXPECT_TRUE(contains(refusal("/proc/run.json"), "cannot write there"));
  EXPECT_EQ(files(), std::vector<std::string>{"file"});
}

// In a folder that others may write to, each of these names may be theirs.
TEST_F(ResultsFileTest, TouchesNothingBesideItsOutputThatIsNotItsOwn) {
  const fs::path victim = directory_ / "victim";
  for (const char* ending : {".part", ".journal"}) {
    const fs::path beside = path_.string() + ending;
    std::ofstream(victim) << "precious";
    fs::create_symlink(victim, beside);
    if (std::string(ending) == ".part") {
      EXPECT_TRUE(contains(refusal(path_), "cannot write its part")) << refusal(path_);
    } else {
      EXPECT_TRUE(contains(refusal(path_), "cannot write its journal")) << refusal(path_);
    }
    EXPECT_EQ(read(victim), "precious");
    EXPECT_TRUE(fs::is_symlink(beside));
    fs::remove(beside);

    ASSERT_EQ(mkfifo(beside.c_str(), 0600), 0);
    EXPECT_TRUE(contains(refusal(path_), "choose another path")) << refusal(path_);
    fs::remove(beside);

    if (geteuid() != 0) continue;  // who may give files away
    std::ofstream(beside).close();
    ASSERT_EQ(chown(beside.c_str(), 1234, 1234), 0);
    EXPECT_TRUE(contains(refusal(path_), "choose another path")) << refusal(path_);
    fs::remove(beside);
  }
}

TEST_F(ResultsFileTest, KeepsAFileThatOnlyLooksLikeAPart) {
  const fs::path part = path_.string() + ".part";
  std::ofstream(part) << "a user's own";
  EXPECT_TRUE(contains(refusal(path_), "is no part of results")) << refusal(path_);
  EXPECT_EQ(read(part), "a user's own");
  for (const std::string& left : {std::string(), results_json(run_).substr(0, 1000)}) {
    std::ofstream(part) << left;  // by a run that died
    ResultsFile(path_).finish(run_);
    EXPECT_EQ(read(path_), results_json(run_));
  }
}

TEST_F(ResultsFileTest, KeepsTheJournalsOfEveryRunThatDied) {
  const std::string journal = path_.string() + ".journal";
  for (const char* of_run : {"first", "second", "third"}) {
    std::ofstream(journal) << of_run;
    const ResultsFile file(path_);
  }
  EXPECT_EQ(read(journal + ".old"), "first");
  EXPECT_EQ(read(journal + ".old2"), "second");
  EXPECT_EQ(read(journal + ".old3"), "third");
}

TEST_F(ResultsFileTest, WritesWhatADanglingLinkPointsTo) {
  const fs::path target = directory_ / "target.json";
  fs::create_symlink("target.json", directory_ / "link.json");
  fs::create_symlink(directory_ / "link.json", path_);
  ResultsFile(path_).finish(run_);
  EXPECT_TRUE(fs::is_symlink(path_) && fs::is_symlink(directory_ / "link.json"));
  EXPECT_EQ(read(target), results_json(run_));
}

TEST_F(ResultsFileTest, APrivateFileStaysPrivate) {
  std::ofstream(path_) << "earlier";
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  ResultsFile file(path_);
  file.append(run_.cases[0], run_);
  for (const char* ending : {".part", ".journal"}) {
    const fs::perms beside = fs::status(path_.string() + ending).permissions();
    EXPECT_EQ(beside, fs::perms::owner_read | fs::perms::owner_write) << ending;
  }
  file.finish(run_);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ResultsFileTest, AReaderThatHasGoneDoesNotEndTheRun) {
  EXPECT_EQ(in_child([&] {
              ResultsFile file(path_);
              std::array<int, 2> ends{};
              if (pipe(ends.data()) != 0) return 1;
              close(ends[0]);
              dup2(ends[1], STDERR_FILENO);
              std::fprintf(stderr, "progress\n");
              file.finish(run_);
              return 0;
            }),
            0);
  EXPECT_EQ(read(path_), results_json(run_));
}

TEST_F(ResultsFileTest, RefusesAPipeThatNoneReads) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int code = in_child([&] {
    alarm(10);  // rather than wait for a reader
    return contains(refusal(path_), "no process reads this pipe") ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(fs::is_fifo(path_));
}

TEST_F(ResultsFileTest, APipeIsHeldOpenForItsReader) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  std::string received;
  {
    ResultsFile file(path_);
    char none = 0;
    EXPECT_EQ(::read(reader, &none, 1), -1) << "its end, before anything was written";
    ASSERT_EQ(fcntl(reader, F_SETFL, O_RDONLY), 0);
    std::thread reading([&] {
      std::array<char, 4096> part{};
      for (ssize_t n = 1; n > 0;) {
        n = ::read(reader, part.data(), part.size());
        if (n > 0) received.append(part.data(), static_cast<std::size_t>(n));
      }
    });
    file.finish(run_);
    reading.join();  // the reader sees the end although `file` lives
  }
  close(reader);
  EXPECT_EQ(received, results_json(run_));
  EXPECT_EQ(files(), std::vector<std::string>{"run.json"});
}

TEST_F(ResultsFileTest, RefusesAPathThatAnotherRunIsWriting) {
  const ResultsFile first(path_);
  EXPECT_TRUE(contains(refusal(path_), "another run is writing this file"));
  EXPECT_EQ(files(), (std::vector<std::string>{"run.json.journal", "run.json.part"}));
}

TEST_F(ResultsFileTest, FailsWithOneLineWhenADeviceIsFull) {
  ResultsFile file("/dev/full");
  try {
    file.finish(run_);
    FAIL() << "a full device took the results";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "--output /dev/full: writing failed: No space left on device");
  }
}

TEST_F(ResultsFileTest, KilledRunLeavesAReadableJournal) {
  const int code = in_child([&] {
    ResultsFile file(path_);
    for (std::size_t i = 0; i < 3; ++i) file.append(run_.cases[i], run_);
    kill(getpid(), SIGKILL);
    return 2;
  });
  ASSERT_EQ(code, -SIGKILL);
  EXPECT_FALSE(fs::exists(path_));
  std::string expected = journal_header(run_);
  for (std::size_t i = 0; i < 3; ++i) expected += journal_line(run_.cases[i]);
  EXPECT_EQ(read(path_.string() + ".journal"), expected);

  // The next run goes ahead and keeps what the dead one measured.
  ::testing::internal::CaptureStderr();
  ResultsFile(path_).finish(run_);
  EXPECT_TRUE(contains(::testing::internal::GetCapturedStderr(), "run.json.journal.old"));
  EXPECT_EQ(read(path_.string() + ".journal.old"), expected);
  EXPECT_EQ(files(), (std::vector<std::string>{"run.json", "run.json.journal.old"}));
}

/// Appends cases until writing fails; what was appended before must be in the journal, in whole
/// lines, whether or not the results still fit.
int fill_until_full(const std::string& path, const RunRecord& all) {
  std::ofstream(path) << "earlier";
  RunRecord run = all;
  run.cases.clear();
  ResultsFile file(path);
  std::string journal = journal_header(run);
  try {
    while (run.cases.size() < 10'000) {
      run.cases.push_back(all.cases[2]);
      run.cases.back().name += std::to_string(run.cases.size());
      file.append(run.cases.back(), run);
      journal += journal_line(run.cases.back());
    }
    return 1;
  } catch (const std::runtime_error& error) {
    const std::string line = error.what();
    if (!line.starts_with("--output " + path + ": writing its journal ")) return 2;
    if (line.find('\n') != std::string::npos) return 3;
  }
  if (read(path + ".journal") != journal) return 4;
  run.cases.insert(run.cases.end(), 1000, run.cases.front());  // a document that cannot fit
  try {
    file.finish(run);
    return 5;
  } catch (const std::runtime_error& error) {
    const std::size_t lines = static_cast<std::size_t>(std::ranges::count(journal, '\n'));
    const std::string held = "; " + std::to_string(lines - 1) + " of the " +
                             std::to_string(run.cases.size()) + " finished cases are in " + path +
                             ".journal;";
    if (!contains(error.what(), held)) return 6;
  }
  if (read(path) != "earlier") return 7;
  return read(path + ".journal") == journal ? 0 : 8;
}

const std::vector<std::string> kept{"run.json", "run.json.journal"};

TEST_F(ResultsFileTest, FileSizeLimitLeavesTheCasesBeforeInTheJournal) {
  const int code = in_child([&] {
    const rlimit limit{300'000, 300'000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 98;
    return fill_until_full(path_, run_);
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(files(), kept);
}

TEST_F(ResultsFileTest, NoEmptyJournalIsLeftNorCalledKept) {
  const int code = in_child([&] {
    ResultsFile file(path_);
    const rlimit limit{64, 64};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 98;
    std::string message;
    try {
      file.append(run_.cases[0], run_);
      return 97;
    } catch (const std::runtime_error&) {
    }
    try {
      file.finish(run_);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    if (!contains(message, "nothing of this run is on disk")) return 1;
    if (!contains(message, "run again")) return 2;
    if (contains(message, "journal") || contains(message, "finished")) return 3;
    return files().empty() ? 0 : 4;  // while `file` still lives
  });
  EXPECT_EQ(code, 0);
}

TEST_F(ResultsFileTest, FullDiskLeavesTheCasesBeforeInTheJournal) {
  if (mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "needs the right to mount a small file system";
  }
  EXPECT_EQ(in_child([&] { return fill_until_full(path_, run_); }), 0);
  EXPECT_EQ(files(), kept);
  umount(directory_.c_str());
}

}  // namespace
}  // namespace offload
