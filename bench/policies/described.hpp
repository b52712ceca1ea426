// SPDX-License-Identifier: Apache-2.0
// What every policy says in words, and the answers that several give.
#pragma once
#include <array>
#include <string_view>

#include "offload/policy.hpp"

namespace offload {

struct PolicyText {
  std::string_view name;
  std::string_view memory;
  std::string_view mechanism;
  std::string_view engine_flags;
};

/// A policy whose words are constants; `text` holds string literals.
class DescribedPolicy : public Policy {
 public:
  std::string_view name() const final { return text_.name; }
  std::string_view memory() const final { return text_.memory; }
  std::string_view mechanism() const final { return text_.mechanism; }
  std::string_view engine_flags() const final { return text_.engine_flags; }

 protected:
  explicit DescribedPolicy(const PolicyText& text) : text_(text) {}

 private:
  PolicyText text_;
};

inline constexpr std::array steady_only{Start::steady};
inline constexpr std::array cold_and_warm{Start::cold, Start::warm};

/// Yes if there is a GPU.
Support needs_gpu(const Platform& platform);
/// Yes if there is a GPU with `feature`; `otherwise` completes "needs ..." for the user.
Support needs(const Platform& platform, bool MemoryModel::*feature, std::string_view otherwise);

}  // namespace offload
