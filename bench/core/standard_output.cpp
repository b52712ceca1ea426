// SPDX-License-Identifier: Apache-2.0
#include "bench/core/standard_output.hpp"

#include <cerrno>
#include <ios>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace offload {

void write_stdout(std::string_view text) {
  errno = 0;
  std::cout.write(text.data(), static_cast<std::streamsize>(text.size()));
  std::cout.flush();
  if (std::cout.good()) return;
  const std::string why = errno == 0 ? "" : ": " + std::generic_category().message(errno);
  throw std::runtime_error("cannot write to standard output" + why);
}

}  // namespace offload
