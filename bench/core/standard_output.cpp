// SPDX-License-Identifier: Apache-2.0
#include "bench/core/standard_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ios>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

#include "bench/core/text.hpp"

namespace offload {
namespace {

std::string shown(std::string_view text, bool colored) {
  return printable(text, colored ? "\n\t\x1b" : "\n\t");
}

}  // namespace

void keep_standard_streams_apart() {
  int descriptor = STDIN_FILENO;
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) {
    descriptor = ::open("/dev/null", O_RDONLY);
  }
  if (descriptor >= 0) ::close(descriptor);
}

void write_stdout(std::string_view text, bool colored) {
  errno = 0;
  const std::string safe = shown(text, colored);
  std::cout.write(safe.data(), static_cast<std::streamsize>(safe.size()));
  std::cout.flush();
  if (std::cout.good()) return;
  const std::string why = errno == 0 ? "" : ": " + std::generic_category().message(errno);
  throw std::runtime_error("cannot write to standard output" + why);
}

void write_stderr(std::string_view text, bool colored) { std::cerr << shown(text, colored); }

void write_message(std::string_view text) {
  std::cerr << "offload_bench: " << printable(text) << '\n';
}

void write_note(std::string_view text, bool quiet) {
  if (!quiet) write_message("note: " + std::string(text));
}

}  // namespace offload
