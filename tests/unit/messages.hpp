// SPDX-License-Identifier: Apache-2.0
// What errors say.
#pragma once
#include <string>

namespace offload::testing {

/// What `action` says when it throws an `Error`; "" when it does not.
template <typename Error, typename Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace offload::testing
