// SPDX-License-Identifier: Apache-2.0
// What is flushed is gone: memory answers later than the cache in front of it.
#include "bench/measure/session.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/platform/probe.hpp"
#include "kernels/content.hpp"
#include "kernels/pointer_chase.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

TEST(FlushedDeviceCache, ForgetsWhatPlainLoadsLeft) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  Session session(platform, 1);
  std::vector<std::byte> content(std::size_t{1} << 20);
  const reference::Chain chain = reference::make_chain(content, 1);
  const cuda::DeviceBuffer data(content.size());
  const cuda::DeviceBuffer out(2 * sizeof(std::uint64_t));
  cuda::memcpy_async(data.data(), content.data(), content.size(), session.stream());
  const auto chase = [&] {
    session.timer().begin(session.stream());
    kernels::pointer_chase(static_cast<const std::byte*>(data.data()), chain.start, chain.nodes,
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
