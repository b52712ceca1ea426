// SPDX-License-Identifier: Apache-2.0
// Routing: how many tokens each expert gets.
#include "bench/workloads/parts/routing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace offload {
namespace {

std::size_t sum_of(const std::vector<RoutedExpert>& routed) {
  std::size_t sum = 0;
  for (const RoutedExpert& one : routed) sum += one.tokens;
  return sum;
}

bool same(const std::vector<RoutedExpert>& a, const std::vector<RoutedExpert>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const RoutedExpert& x, const RoutedExpert& y) {
                      return x.expert == y.expert && x.tokens == y.tokens;
                    });
}

TEST(Routing, SendsEachTokenToSoManyDifferentExperts) {
  for (const double skew : {0.0, 0.5, 1.5, 8.0}) {
    for (const std::size_t tokens : {1U, 2U, 32U, 500U}) {
      for (const std::size_t per_token : {1U, 2U, 8U}) {
        const auto routed = route(128, per_token, tokens, skew, 7);
        EXPECT_EQ(sum_of(routed), tokens * per_token);
        // An expert that a token had twice would let one exceed the tokens under great skew.
        for (const RoutedExpert& one : routed) {
          EXPECT_LT(one.expert, 128U);
          EXPECT_GE(one.tokens, 1U);
          EXPECT_LE(one.tokens, tokens);
        }
        EXPECT_GE(routed.size(), per_token);
      }
    }
  }
  // One token: exactly k experts of one token each.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(route(16, 8, 1, 1.5, seed).size(), 8U);
  }
}

TEST(Routing, TakesAllExpertsWhenATokenWantsThatMany) {
  for (const std::size_t wanted : {8U, 9U}) {
    const auto routed = route(8, wanted, 5, 1.0, 3);
    ASSERT_EQ(routed.size(), 8U);
    for (const RoutedExpert& one : routed) EXPECT_EQ(one.tokens, 5U);
  }
}

TEST(Routing, NamesExpertsInAscendingOrderOnce) {
  const auto routed = route(256, 8, 40, 0.5, 11);
  for (std::size_t i = 1; i < routed.size(); ++i) {
    EXPECT_LT(routed[i - 1].expert, routed[i].expert);
  }
}

TEST(Routing, IsTheSameForTheSameSeedAndAnotherForAnother) {
  EXPECT_TRUE(same(route(128, 8, 64, 0.5, 1), route(128, 8, 64, 0.5, 1)));
  EXPECT_FALSE(same(route(128, 8, 64, 0.5, 1), route(128, 8, 64, 0.5, 2)));
}

TEST(Routing, WithoutSkewIsUniform) {
  constexpr std::size_t experts = 64;
  constexpr std::size_t tokens = 64'000;
  const auto routed = route(experts, 1, tokens, 0, 5);
  ASSERT_EQ(routed.size(), experts);
  const double expected = static_cast<double>(tokens) / experts;
  double chi_square = 0;
  for (const RoutedExpert& one : routed) {
    const double off = static_cast<double>(one.tokens) - expected;
    chi_square += off * off / expected;
  }
  // 63 degrees of freedom: mean 63, standard deviation sqrt(126) = 11.2; six of them either way.
  EXPECT_LT(chi_square, 63 + 6 * 11.3);
  EXPECT_GT(chi_square, 63 - 5 * 11.3) << "too even to be random";
}

TEST(Routing, FollowsZipfsLaw) {
  constexpr std::size_t experts = 32;
  constexpr std::size_t tokens = 100'000;
  for (const double skew : {0.5, 1.5}) {
    auto routed = route(experts, 1, tokens, skew, 9);
    std::sort(routed.begin(), routed.end(),
              [](const RoutedExpert& a, const RoutedExpert& b) { return a.tokens > b.tokens; });
    double all = 0;
    for (std::size_t k = 0; k < experts; ++k) all += std::pow(static_cast<double>(k + 1), -skew);
    // The most frequent ones stand apart by many standard deviations, so their ranks are their own.
    for (std::size_t k = 0; k < 3; ++k) {
      const double share = std::pow(static_cast<double>(k + 1), -skew) / all;
      const double expected = tokens * share;
      EXPECT_NEAR(static_cast<double>(routed[k].tokens), expected,
                  6 * std::sqrt(expected * (1 - share)))
          << "rank " << k << ", skew " << skew;
    }
  }
}

TEST(Routing, FewExpertsTakeMostUnderGreatSkew) {
  const auto share_of_most_frequent = [](double skew) {
    auto routed = route(128, 8, 4096, skew, 13);
    std::sort(routed.begin(), routed.end(),
              [](const RoutedExpert& a, const RoutedExpert& b) { return a.tokens > b.tokens; });
    routed.resize(std::min<std::size_t>(routed.size(), 16));
    return static_cast<double>(sum_of(routed)) / (8 * 4096);
  };
  EXPECT_LT(share_of_most_frequent(0), 0.15);  // 16 of 128 are 0.125
  EXPECT_GT(share_of_most_frequent(1.5), 0.5);
}

TEST(Routing, TheFrequentExpertsAreOthersForAnotherSeed) {
  std::map<std::size_t, int> max_frequent;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto routed = route(64, 1, 200, 3, seed);
    ++max_frequent[std::max_element(routed.begin(), routed.end(),
                                    [](const RoutedExpert& a, const RoutedExpert& b) {
                                      return a.tokens < b.tokens;
                                    })
                       ->expert];
  }
  EXPECT_GT(max_frequent.size(), 20U);  // 40 draws of 64 hit 30 different ones
}

}  // namespace
}  // namespace offload
