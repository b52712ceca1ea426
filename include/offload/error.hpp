// SPDX-License-Identifier: Apache-2.0
// Errors that reach the user as one line: what, where, and what to do.
#pragma once
#include <stdexcept>
#include <string>

namespace offload {

/// The request cannot be carried out as given; nothing was allocated. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A CUDA call failed. `context_dead` says that no further CUDA call can succeed in this process.
class CudaError : public std::runtime_error {
 public:
  CudaError(const std::string& message, bool context_dead, bool out_of_memory)
      : std::runtime_error(message), context_dead_(context_dead), out_of_memory_(out_of_memory) {}
  bool context_dead() const { return context_dead_; }
  bool out_of_memory() const { return out_of_memory_; }

 private:
  bool context_dead_;
  bool out_of_memory_;
};

/// A case measured something that cannot be right: wrong result, not cold, faster than the link.
class ImplausibleResult : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace offload
