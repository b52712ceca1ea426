// SPDX-License-Identifier: Apache-2.0
// KV cache that leaves for the host while weights come in: both directions of the link at once.
#include <algorithm>

#include "bench/measure/beside/traffic.hpp"
#include "kernels/content.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

/// Of 256 tokens of Llama-3.1-8B, which caches 128 KiB of each.
constexpr std::size_t chunk_bytes = 32 * MiB;

class KvOut final : public Traffic {
 public:
  explicit KvOut(Session& session)
      : host_(session.host_buffers().borrow(HostMemory::pinned, chunk_bytes)),
        cache_(chunk_bytes),
        content_(chunk_bytes) {
    constexpr std::uint64_t seed = 7;
    reference::fill_random(content_, DType::u8, seed, session.workers());
    cuda::memcpy_async(cache_.data(), content_.data(), chunk_bytes, session.stream());
    cuda::stream_synchronize(session.stream());
    std::fill_n(host_.data(), chunk_bytes, std::byte{0});
  }

  std::size_t unit_bytes() const override { return chunk_bytes; }
  void enqueue_unit(StreamHandle stream) override {
    cuda::memcpy_async(host_.data(), cache_.data(), chunk_bytes, stream);
  }
  std::optional<std::string> fault() override {
    if (std::equal(content_.begin(), content_.end(), host_.data())) return std::nullopt;
    return "kv_out: the host did not receive what the cache holds";
  }

 private:
  HostBuffers::Loan host_;
  cuda::DeviceBuffer cache_;
  std::vector<std::byte> content_;
};

}  // namespace

TrafficKind kv_out_traffic() {
  return {"kv_out", "copies of KV cache to the host, 32 MiB each",
          [](const TrafficSettings&) { return chunk_bytes; },
          [](const TrafficSettings&) { return chunk_bytes; },
          [](Session& session, const TrafficSettings&) -> std::unique_ptr<Traffic> {
            return std::make_unique<KvOut>(session);
          }};
}

}  // namespace offload
