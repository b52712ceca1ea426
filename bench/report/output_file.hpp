// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all: it is written beside its final path, synced and renamed.
// Until then whatever stood at the path stays untouched.
#pragma once
#include <string>
#include <string_view>

namespace offload {

class OutputFile {
 public:
  /// `path`: "" writes nothing, "-" is stdout; a device, pipe or socket is written to directly.
  /// `option` names the flag in messages ("--output"). Throws UsageError when the path cannot be
  /// written (missing directory, permissions, read-only disk) or another process is at it.
  /// From here on a file-size limit is an error code, not a SIGXFSZ that ends the process.
  OutputFile(std::string option, const std::string& path);
  /// Without commit(): removes the temporary file.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Whether there is a file to rename, and so a directory to keep a journal in.
  bool is_regular() const { return descriptor_ >= 0; }
  /// The final path, symbolic links resolved.
  const std::string& path() const { return path_; }

  /// Write and put in place. Throws std::runtime_error with one clear line, and leaves no part.
  void commit(std::string_view text);

 private:
  int lock_temporary() const;
  void drop_temporary();

  std::string option_;
  std::string path_;
  std::string temporary_;  // path_ + ".part"; empty when there is nothing to rename
  int descriptor_ = -1;    // of the temporary file, locked
};

/// Writes all of `text`; 0 or errno.
int write_all(int descriptor, std::string_view text);

}  // namespace offload
