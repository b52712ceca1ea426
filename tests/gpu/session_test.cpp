// SPDX-License-Identifier: Apache-2.0
// What is flushed is gone: memory answers later than the cache in front of it.
#include "bench/measure/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "bench/platform/probe.hpp"
#include "kernels/kernels.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

constexpr std::size_t line = 128;
constexpr std::size_t nodes = (std::size_t{1} << 20) / line;

/// One node per line of 1 MiB, in an order that no prefetcher guesses.
std::vector<std::byte> chain() {
  std::vector<std::uint64_t> order(nodes);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::shuffle(order.begin() + 1, order.end(), std::mt19937_64{1});
  std::vector<std::byte> content(nodes * line);
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::uint64_t next = order[(i + 1) % nodes] * line;
    std::memcpy(content.data() + order[i] * line, &next, sizeof next);
  }
  return content;
}

class FlushedDeviceCache : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    cuda::set_device(0);
  }
};

TEST_F(FlushedDeviceCache, ForgetsWhatPlainLoadsLeft) {
  const Platform platform = probe_platform(0);
  Session session(platform, 1);
  const auto content = chain();
  const cuda::DeviceBuffer data(content.size());
  const cuda::DeviceBuffer out(2 * sizeof(std::uint64_t));
  cuda::memcpy_async(data.data(), content.data(), content.size(), session.stream());
  const auto chase = [&] {
    session.timer().begin(session.stream());
    kernels::pointer_chase(static_cast<const std::byte*>(data.data()), 0, nodes,
                           static_cast<std::uint64_t*>(out.data()), session.stream());
    return session.timer().end(session.stream());
  };
  chase();
  std::vector<double> cached;
  std::vector<double> flushed;
  for (int i = 0; i < 9; ++i) {
    cached.push_back(chase());
    session.flush_device_cache();
    flushed.push_back(chase());
  }
  EXPECT_GT(percentile(flushed, 50), 1.3 * percentile(cached, 50));
}

}  // namespace
}  // namespace offload
