// SPDX-License-Identifier: Apache-2.0
// Which modules a checkpoint keeps as they were, by the lists of quantising tools.
#include "bench/models/kept_modules.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

TEST(KeptModules, AreNamedByWholeSegments) {
  const KeptModules kept({"lm_head", "layers.1.mlp", "experts"});
  for (const char* module : {"lm_head", "model.lm_head", "model.layers.1.mlp.up_proj",
                             "layers.1.mlp", "mlp.experts.7"}) {
    EXPECT_TRUE(kept.holds(module)) << module;
  }
  for (const char* module : {"", "lm_heads", "my_lm_head", "layers.1.mlps", "layers.11.mlp",
                             "model.layers.1", "mlp.shared_experts.7", "layers.2.mlp"}) {
    EXPECT_FALSE(kept.holds(module)) << module;
  }
}

TEST(KeptModules, AreNamedByPatternsOfTheWholeName) {
  const KeptModules kept({"model.layers.0*", "*.gate", "a*b*c", "*"});
  EXPECT_TRUE(kept.holds("anything"));
  const KeptModules some({"model.layers.0*", "*.gate", "a*b*c"});
  for (const char* module :
       {"model.layers.0", "model.layers.0.mlp", "x.gate", ".gate", "abc", "axxbxbxcxc"}) {
    EXPECT_TRUE(some.holds(module)) << module;
  }
  for (const char* module : {"layers.0", "gate", "x.gates", "ab", "abcd", "xabc", ""}) {
    EXPECT_FALSE(some.holds(module)) << module;
  }
}

TEST(KeptModules, AnEmptyNameNamesNone) {
  const KeptModules kept({"", "a..b"});
  EXPECT_FALSE(kept.holds(""));
  EXPECT_FALSE(kept.holds("a.b"));
  EXPECT_TRUE(kept.holds("x.a..b.y"));
}

TEST(KeptModules, ComparingHasAnEnd) {
  std::vector<std::string> patterns(1000, "*e*e*e*e*x");
  patterns.emplace_back("never");
  const KeptModules kept(patterns);
  const std::string module = "model.layers.3.mlp.experts.17.gate_proj";
  EXPECT_THROW(
      {
        for (int i = 0; i < 100'000; ++i) kept.holds(module);
      },
      TooManyPatterns);
}

}  // namespace
}  // namespace offload
