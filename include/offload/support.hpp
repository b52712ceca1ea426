// SPDX-License-Identifier: Apache-2.0
// "Can this run here?": yes, or the reason why not, in words fit for the user.
#pragma once
#include <string>
#include <utility>

namespace offload {

class Support {
 public:
  static Support yes() { return Support{}; }
  static Support no(std::string reason) { return Support{std::move(reason)}; }

  explicit operator bool() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }  // empty when supported

 private:
  Support() = default;
  explicit Support(std::string reason) : reason_(std::move(reason)) {}
  std::string reason_;
};

}  // namespace offload
