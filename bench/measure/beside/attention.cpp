// SPDX-License-Identifier: Apache-2.0
// Attention over a KV cache in GPU memory: what takes SMs and its bandwidth while weights come in.
#include "kernels/attention.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "bench/measure/beside/traffic.hpp"
#include "kernels/content.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

// Of Llama-3.1-8B: as many layers, and heads of keys and values; of so many sequences.
constexpr std::size_t layers = 32;
constexpr std::size_t heads = 8;
constexpr std::size_t sequences = 8;
constexpr std::size_t element_bytes = 2;

kernels::AttentionShape shape_for(std::size_t kv_bytes) {
  kernels::AttentionShape shape{heads * sequences, 1};
  const std::size_t token_bytes = layers * 2 * shape.cache_elements() * element_bytes;
  shape.tokens = std::max<std::size_t>(1, kv_bytes / token_bytes);
  return shape;
}

std::size_t cache_bytes(const kernels::AttentionShape& shape) {
  return layers * 2 * shape.cache_elements() * element_bytes;
}

/// A decode step's attention: each layer after the other.
class Attention final : public Traffic {
 public:
  Attention(Session& session, std::size_t kv_bytes)
      : shape_(shape_for(kv_bytes)),
        splits_(kernels::attention_splits(shape_)),
        cache_(cache_bytes(shape_)),
        queries_(shape_.query_elements() * element_bytes),
        scratch_(kernels::attention_scratch_floats(shape_, splits_) * sizeof(float)),
        out_(layers * shape_.query_elements() * sizeof(float)),
        stream_(session.stream()) {
    fill(session, queries_, 1);
    fill(session, cache_, 2);
    // In a graph, as engines decode: launched one by one, so short kernels would wait for the CPU.
    step_.emplace(stream_, [this] { enqueue_step(stream_); });
    enqueue_unit(stream_);
    alone_ = result();
  }

  std::size_t unit_bytes() const override { return cache_.bytes(); }

  void enqueue_unit(StreamHandle stream) override { step_->launch(stream); }

  std::optional<std::string> fault() override {
    if (result() == alone_) return std::nullopt;
    return "attention: computes something else than it does alone";
  }

 private:
  void enqueue_step(StreamHandle stream) {
    const auto* const cache = static_cast<const std::uint16_t*>(cache_.data());
    auto* const out = static_cast<float*>(out_.data());
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const std::uint16_t* const keys = cache + 2 * layer * shape_.cache_elements();
      kernels::decode_attention(keys, keys + shape_.cache_elements(),
                                static_cast<const std::uint16_t*>(queries_.data()),
                                out + layer * shape_.query_elements(),
                                static_cast<float*>(scratch_.data()), shape_, splits_, stream);
    }
  }

  void fill(Session& session, const cuda::DeviceBuffer& buffer, std::uint64_t seed) {
    // The same numbers again and again: what is read, not what it holds, takes the time.
    std::vector<std::byte> part(std::min(buffer.bytes(), 64 * MiB));
    reference::fill_random(part, DType::bf16, seed, session.workers());
    for (std::size_t at = 0; at < buffer.bytes(); at += part.size()) {
      cuda::memcpy_async(static_cast<std::byte*>(buffer.data()) + at, part.data(),
                         std::min(part.size(), buffer.bytes() - at), stream_);
    }
    cuda::stream_synchronize(stream_);
  }

  std::vector<float> result() const {
    std::vector<float> found(out_.bytes() / sizeof(float));
    cuda::memcpy_async(found.data(), out_.data(), out_.bytes(), stream_);
    cuda::stream_synchronize(stream_);
    return found;
  }

  kernels::AttentionShape shape_;
  std::size_t splits_;
  cuda::DeviceBuffer cache_;  // by layer: keys, then values
  cuda::DeviceBuffer queries_;
  cuda::DeviceBuffer scratch_;
  cuda::DeviceBuffer out_;
  std::optional<cuda::Graph> step_;
  StreamHandle stream_;  // the session's, for what is not traffic
  std::vector<float> alone_;
};

}  // namespace

TrafficKind attention_traffic() {
  return {
      "attention", "attention of 8 sequences over a KV cache in GPU memory (--attention-kv)",
      [](const TrafficSettings& settings) { return cache_bytes(shape_for(settings.attention_kv)); },
      [](const TrafficSettings&) { return std::size_t{0}; },
      [](Session& session, const TrafficSettings& settings) -> std::unique_ptr<Traffic> {
        return std::make_unique<Attention>(session, settings.attention_kv);
      }};
}

}  // namespace offload
