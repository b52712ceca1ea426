// SPDX-License-Identifier: Apache-2.0
// How a command ends that answers in a text and in one JSON document.
#pragma once
#include <functional>
#include <string>

#include "bench/options.hpp"

namespace offload {

struct Answered {
  std::string text;  // as --format wants it
  std::string json;
  int exit_code = 0;
};

/// Writes what `ask` answers: the text to stdout and, where --output names one, the document to its
/// file; for "-" that is stdout, and the text goes to stderr. The exit code, also of an interrupt.
int answer(const Options& options, const std::function<Answered()>& ask);

}  // namespace offload
