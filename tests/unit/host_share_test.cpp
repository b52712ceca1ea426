// SPDX-License-Identifier: Apache-2.0
// The CPU's share of a tensor's rows: told, or found by trying.
#include "bench/policies/parts/host_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <vector>

namespace offload {
namespace {

using Cost = std::function<double(double)>;

/// Both sides at work at once: the pass takes as long as the slower. `host` and
/// `link` are the seconds each would need for everything.
Cost both_sides(double host, double link) {
  return [host, link](double share) { return std::max(share * host, (1 - share) * link); };
}

/// Lets the search try until it has enough; the shares it tried.
std::vector<double> search(HostShare& share, const Cost& cost) {
  std::vector<double> tried;
  while (share.tuning() && tried.size() < 1000) {
    tried.push_back(share.share());
    share.tried(cost(share.share()));
  }
  return tried;
}

Rates rates(double copy_beside_host, double host_beside_copy) {
  Rates rates;
  rates.copy_h2d_beside_host = copy_beside_host;
  rates.host_read_beside_copy = host_beside_copy;
  return rates;
}

TEST(HostShare, IsNothingByDefault) {
  HostShare share;
  share.begin(true);
  EXPECT_FALSE(share.tuning());
  EXPECT_EQ(share.share(), 0);
  for (const std::size_t rows : {1, 4, 15, 20, 24, 4096}) EXPECT_EQ(share.rows(rows), 0U) << rows;
}

TEST(HostShare, AsToldIsNotSearched) {
  Tuning tuning;
  tuning.host_share = 0.25;
  HostShare share(tuning, rates(10e9, 90e9));
  share.begin(true);
  EXPECT_FALSE(share.tuning());
  EXPECT_EQ(share.share(), 0.25);
  EXPECT_EQ(share.rows(4096), 1024U);
  share.begin(false);
  EXPECT_EQ(share.share(), 0) << "what the CPU cannot compute is not left to it, told or not";
  share.begin(true);
  EXPECT_EQ(share.share(), 0.25);
}

TEST(HostShare, BeginsWithTheShareAtWhichBothRatesEndTogether) {
  HostShare calibrated(Tuning{}, rates(30e9, 90e9));
  calibrated.begin(true);
  EXPECT_TRUE(calibrated.tuning());
  EXPECT_DOUBLE_EQ(calibrated.share(), 0.75);
  HostShare unknown(Tuning{}, Rates{});
  unknown.begin(true);
  EXPECT_DOUBLE_EQ(unknown.share(), 0.5);
}

TEST(HostShare, FindsTheBestShareWhateverTheRatesSuggest) {
  for (const Rates& suggested : {Rates{}, rates(50e9, 1e9), rates(1e9, 50e9)}) {
    for (double host = 1; host < 40; host *= 1.3) {
      for (const double link : {1.0, 1.7, 8.0}) {
        HostShare share(Tuning{}, suggested);
        share.begin(true);
        const Cost cost = both_sides(host, link);
        const std::vector<double> tried = search(share, cost);
        // Where f host = (1 - f) link.
        const double least = host * link / (host + link);
        EXPECT_LE(cost(share.share()), 1.02 * least) << host << " against " << link;
        EXPECT_GE(cost(share.share()), 0.999999 * least);
        EXPECT_LT(tried.size(), 70U) << "every try is a pass of the whole model";
        for (const double one : tried) {
          EXPECT_GE(one, 0);
          EXPECT_LE(one, 1);
        }
      }
    }
  }
}

TEST(HostShare, IsNeverWorseThanEitherSideAlone) {
  // Work beside the copy that disturbs it so much that either alone is better.
  const Cost disturbed = [](double share) {
    return share == 0 ? 1.0 : share > 0.99 ? 1.5 : 2.0 + share;
  };
  HostShare carried(Tuning{}, Rates{});
  carried.begin(true);
  search(carried, disturbed);
  EXPECT_EQ(carried.share(), 0);

  HostShare computed(Tuning{}, Rates{});
  computed.begin(true);
  search(computed, [](double share) { return share > 0.99 ? 1.0 : 2.0 - share / 2; });
  EXPECT_GT(computed.share(), 0.99);
  EXPECT_EQ(computed.rows(4096), 4096U);
}

TEST(HostShare, AFirstPassThatIsSlowerDoesNotDecide) {
  HostShare share(Tuning{}, rates(1, 1));  // suggests 0.5, which is best
  share.begin(true);
  bool first = true;
  search(share, [&first, cost = both_sides(1, 1)](double tried) {
    const double seconds = cost(tried) * (first ? 10 : 1);
    first = false;
    return seconds;
  });
  EXPECT_DOUBLE_EQ(share.share(), 0.5);
}

/// Passes that differ by some percent, and of which some take up to 15 % more,
/// as on a host that others use too.
class NoisyMachine {
 public:
  NoisyMachine(Cost cost, unsigned seed) : cost_(std::move(cost)), random_(seed) {}
  double operator()(double share) {
    const double slow = often_(random_) < 0.15 ? 1 + 0.15 * often_(random_) : 1;
    return cost_(share) * slow * (1 + 0.03 * usual_(random_));
  }

 private:
  Cost cost_;
  std::mt19937 random_;
  std::uniform_real_distribution<double> often_{0, 1};
  std::uniform_real_distribution<double> usual_{-1, 1};
};

/// The least of a fine sweep.
double best_of(const Cost& cost) {
  double best = cost(0);
  for (double share = 0; share <= 1; share += 0.001) best = std::min(best, cost(share));
  return best;
}

TEST(HostShare, NoiseHardlyMisleads) {
  int searches = 0;
  int misled = 0;
  for (const double host : {0.5, 1.0, 3.0, 12.0}) {
    for (unsigned seed = 0; seed < 100; ++seed) {
      const Cost cost = both_sides(host, 1);
      HostShare share(Tuning{}, rates(1, 2));
      share.begin(true);
      EXPECT_LT(search(share, NoisyMachine(cost, seed)).size(), 70U);
      const double lost = cost(share.share()) / best_of(cost);
      ++searches;
      if (lost > 1.03) ++misled;
      EXPECT_LE(lost, 1.08) << host << ", seed " << seed << ": " << share.share();
    }
  }
  EXPECT_LE(misled, searches / 50);
}

TEST(HostShare, OneFastPassWinsNothing) {
  // Every share but 0.5 has a first pass that is far too fast to be true.
  const Cost cost = both_sides(1, 1);
  std::set<double> seen;
  HostShare share(Tuning{}, Rates{});
  share.begin(true);
  search(share, [&](double tried) {
    const bool first = seen.insert(tried).second && tried != 0.5;
    return cost(tried) * (first ? 0.4 : 1);
  });
  EXPECT_LE(cost(share.share()), 1.03 * best_of(cost));
}

TEST(HostShare, AShareThatDoesNotPayIsNotKept) {
  // The CPU slows the copies down by exactly what it takes off them.
  for (unsigned seed = 0; seed < 100; ++seed) {
    HostShare share(Tuning{}, rates(1, 1));
    share.begin(true);
    const Cost cost = [](double tried) { return 1 + 0.2 * tried; };
    search(share, NoisyMachine(cost, seed));
    EXPECT_LE(cost(share.share()), 1.03) << "seed " << seed << ": " << share.share();
  }
}

TEST(HostShare, StartsAnewForAnotherPass) {
  HostShare share(Tuning{}, Rates{});
  share.begin(true);
  search(share, both_sides(1, 9));  // the CPU is fast: 0.9
  EXPECT_NEAR(share.share(), 0.9, 0.02);
  share.begin(true);
  EXPECT_TRUE(share.tuning());
  // All passes are slower than any before: nothing is held against the earlier
  // best.
  search(share, both_sides(900, 100));  // 0.1
  EXPECT_NEAR(share.share(), 0.1, 0.02);
  share.begin(false);
  EXPECT_FALSE(share.tuning());
  EXPECT_EQ(share.share(), 0);
}

TEST(HostShare, LeavesTheGpuWholeSixteensOfRows) {
  std::set<std::size_t> left;
  for (const double told : {0.0, 0.1, 0.33, 0.5, 0.77, 0.999, 1.0}) {
    Tuning tuning;
    tuning.host_share = told;
    const HostShare share = [&] {
      HostShare made(tuning, Rates{});
      made.begin(true);
      return made;
    }();
    for (const std::size_t rows : {1U, 7U, 16U, 100U, 1003U, 6144U}) {
      const std::size_t host = share.rows(rows);
      ASSERT_LE(host, rows);
      const std::size_t gpu = rows - host;
      // All of them is no multiple of 16 only where the CPU gets none.
      EXPECT_TRUE(gpu % 16 == 0 || host == 0) << told << " of " << rows;
      EXPECT_NEAR(static_cast<double>(host), told * static_cast<double>(rows), 8.0001)
          << told << " of " << rows;
      left.insert(gpu);
    }
  }
  EXPECT_GT(left.size(), 10U);
}

}  // namespace
}  // namespace offload
