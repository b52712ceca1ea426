// SPDX-License-Identifier: Apache-2.0
// What a command answers: a text for people, and one JSON document.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "bench/options.hpp"

namespace offload {

struct Answered {
  std::string text;  // as --format wants it
  std::string json;
  int exit_code = 0;
};

/// Whether a table is to have colors: by --color, whose "auto" wants a terminal and no NO_COLOR.
bool is_colored(const Options& options);

/// What a command answers, on stdout; where --output - puts the document there, on stderr unless
/// that is to be quiet. Throws std::runtime_error when stdout did not take it.
void show(const Options& options, std::string_view text);

/// An error on stderr, of a rank led by its number.
void complain(const Options& options, std::string_view text);

/// Writes what `ask` answers: the text to stdout and, where --output names one, the document to its
/// file. The exit code, also of an interrupt.
int answer(const Options& options, const std::function<Answered()>& ask);

}  // namespace offload
