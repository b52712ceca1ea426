// SPDX-License-Identifier: Apache-2.0
// Takes out of a record what names the machine or its user, for results that are to be published.
// Whatever writes a record when --redact is given passes it through here first.
#pragma once
#include <cstddef>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

class Redactor {
 public:
  /// `secret` is taken out wherever it stands as a word of its own, in upper or lower case.
  void hide(std::string_view secret);
  /// Paths below `directory` are shortened to what follows it.
  void hide_directory(std::string_view directory);

  /// Free text, such as an error message: without secrets, paths cut to their last component.
  std::string text(std::string_view text) const;
  /// The value of a variable or parameter: gone when it holds a path or names a device.
  std::string value(std::string_view value) const;
  /// Of a command line, the word after `previous`.
  std::string argument(std::string_view argument, std::string_view previous) const;
  std::vector<std::string> arguments(const std::vector<std::string>& arguments) const;

 private:
  struct Rule {
    std::size_t length;  // of what is hidden
    std::regex pattern;
  };
  static void add(std::vector<Rule>& rules, std::string_view what, std::regex pattern);
  std::string without_secrets(std::string text) const;
  std::string option_value(std::string_view flag, std::string_view value) const;

  std::vector<Rule> secrets_;      // the longest first, as are
  std::vector<Rule> directories_;  // these
};

/// "/home/me/model.gguf" -> "model.gguf"
std::string last_component(std::string_view path);

/// Stands where something was taken out.
inline constexpr const char* redacted_text = "redacted";

/// Who runs this, and where.
struct Identity {
  std::string host_name;
  std::string user;
  std::string home;
  std::string working_directory;
};
Identity this_identity();

/// Paths keep their last component. Of the environment, the values of BENCHMARK_* and CUDA_* stay
/// as far as they hold no path and name no GPU. Names of cases stay: they are made of options.
RunRecord redacted(const RunRecord& run, const Identity& identity = this_identity());
/// A case of `run`, which is not redacted itself.
CaseRecord redacted(const CaseRecord& record, const RunRecord& run,
                    const Identity& identity = this_identity());
Platform redacted(const Platform& platform, const Identity& identity = this_identity());

}  // namespace offload
