// SPDX-License-Identifier: Apache-2.0
// The rules by which single texts are redacted.
#pragma once
#include <string>
#include <string_view>
#include <vector>

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
  /// Of a command line, the word behind `previous`.
  std::string argument(std::string_view argument, std::string_view previous) const;
  std::vector<std::string> arguments(const std::vector<std::string>& arguments) const;

 private:
  std::string without_secrets(std::string text) const;
  std::string option_value(std::string_view flag, std::string_view value) const;

  std::vector<std::string> secrets_;      // the longest first, as are
  std::vector<std::string> directories_;  // these, with a slash at the end
};

/// "/home/me/model.gguf" -> "model.gguf"
std::string last_component(std::string_view path);

}  // namespace offload
