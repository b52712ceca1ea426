// SPDX-License-Identifier: Apache-2.0
// Reads chunks of one size from all over a tensor: what scattered access costs, by its granularity.
//
// Chunks are aligned to their size, no two are the same, and they are read in random order; both
// are drawn by a fixed seed. They are an eighth of the tensor's bytes: at least one chunk, at most
// 65536.
#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "bench/workloads/parts/pass_work.hpp"
#include "bench/workloads/parts/word_sums.hpp"
#include "kernels/random.hpp"
#include "kernels/row_gather.hpp"
#include "offload/units.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

constexpr std::size_t min_chunk = 512;
constexpr std::size_t max_chunk = std::size_t{2} << 20;
constexpr std::size_t default_chunk = 4096;
constexpr std::size_t share = 8;  // one of so many bytes is read
constexpr std::size_t max_chunks = 65536;
constexpr std::uint64_t seed = 0x676174686572;

std::size_t chunks_read(std::size_t tensor_bytes, std::size_t chunk) {
  return std::clamp(tensor_bytes / chunk / share, std::size_t{1}, max_chunks);
}

/// The first chunks of a shuffle of all, of which only what was moved is remembered.
std::vector<std::uint64_t> draw_offsets(std::size_t tensor_bytes, std::size_t chunk,
                                        std::uint64_t tensor_seed) {
  const std::size_t places = tensor_bytes / chunk;
  const std::size_t wanted = chunks_read(tensor_bytes, chunk);
  std::unordered_map<std::uint64_t, std::uint64_t> moved;
  const auto at = [&moved](std::uint64_t place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  Random random(tensor_seed);
  std::vector<std::uint64_t> offsets;
  offsets.reserve(wanted);
  for (std::uint64_t i = 0; i < wanted; ++i) {
    const std::uint64_t drawn = i + random.next() % (places - i);
    offsets.push_back(at(drawn) * chunk);
    moved[drawn] = at(i);
  }
  return offsets;
}

class BoundRowGather final : public BoundWorkload {
 public:
  BoundRowGather(const WeightSet& weights, std::span<const TensorContent> data, std::size_t chunk,
                 bool gpu)
      : BoundWorkload(weights), tensors_(weights.tensors), chunk_(chunk), sums_(weights, gpu) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const auto& offsets =
          offsets_.emplace_back(draw_offsets(tensors_[i].bytes(), chunk, seed + i));
      expected_.push_back(reference::row_gather(data[i].bytes, offsets, chunk));
      bytes_.requested += offsets.size() * chunk;
      bytes_.touched += offsets.size() * sector_bytes(chunk);
      if (gpu) lists_.push_back(on_device(offsets));
    }
  }

  PassBytes bytes() const override { return bytes_; }
  void poison(const LaunchTarget& target) override { sums_.poison(target.stream); }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    const std::size_t i = view.piece.tensor;
    if (view.piece.first_row != 0 || view.piece.rows != tensors_[i].rows) {
      throw std::logic_error("row_gather: the chunks are anywhere in " + tensors_[i].name +
                             ", which it needs in one piece");
    }
    const std::vector<std::uint64_t>& offsets = offsets_[i];
    if (view.side == Side::gpu) {
      std::uint64_t* const sum = sums_.device(i);
      kernels::row_gather(view.data, static_cast<const std::uint64_t*>(lists_[i].data()),
                          offsets.size(), chunk_, sum, target.stream);
    } else {
      host::row_gather(view.data, offsets.data(), offsets.size(), chunk_, sums_.host(i),
                       target.workers);
    }
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    return sums_.check(expected_, target.stream);
  }

 private:
  static cuda::DeviceBuffer on_device(const std::vector<std::uint64_t>& offsets) {
    cuda::DeviceBuffer list(offsets.size() * sizeof(offsets.front()));
    cuda::memcpy_async(list.data(), offsets.data(), list.bytes(), nullptr);
    cuda::stream_synchronize(nullptr);
    return list;
  }

  std::vector<WeightTensor> tensors_;
  std::size_t chunk_;
  std::vector<std::vector<std::uint64_t>> offsets_;
  std::vector<cuda::DeviceBuffer> lists_;  // the same, where kernels read them
  std::vector<std::uint64_t> expected_;
  WordSums sums_;
  PassBytes bytes_;
};

class RowGather final : public Workload {
 public:
  explicit RowGather(std::size_t chunk) : chunk_(chunk) {}

  std::string_view name() const override { return "row_gather"; }
  std::string_view description() const override {
    return "random chunks of 512B to 2MiB, an eighth of the bytes: access granularity";
  }
  Content content() const override { return Content::random_weights; }
  bool needs_whole_tensors() const override { return true; }
  std::size_t alignment(const WeightTensor& /*tensor*/) const override { return 16; }
  std::optional<WeightSet> part(const WeightSet& weights, std::size_t bytes) const override {
    const bool same_share =
        std::ranges::all_of(weights.tensors, [this](const WeightTensor& tensor) {
          const std::size_t wanted = tensor.bytes() / chunk_ / share;
          return wanted >= 1 && wanted <= max_chunks;
        });
    return same_share ? Workload::part(weights, bytes) : std::nullopt;
  }
  std::optional<Parameter> parameter() const override {
    return Parameter{"chunk", min_chunk, max_chunk, chunk_, Parameter::Unit::bytes};
  }
  std::unique_ptr<Workload> with_parameter(std::size_t value) const override {
    return std::make_unique<RowGather>(value);
  }
  Support reads(const WeightSet& weights) const override {
    for (const WeightTensor& tensor : weights.tensors) {
      if (tensor.bytes() < chunk_) {
        return Support::no(label() + " needs " + format_size(chunk_) + " per tensor; " +
                           tensor.name + " has " + format_size(tensor.bytes()));
      }
    }
    return Support::yes();
  }
  std::optional<PassWork> work(const WeightSet& weights, const Rates& rates) const override {
    PassWork work;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      const WeightTensor& tensor = weights.tensors[i];
      const std::size_t bytes = chunks_read(tensor.bytes(), chunk_) * chunk_;
      work.push_back(read_item({i, 0, tensor.rows}, bytes, rates));
      work.back().on_cpu.reset();  // far from what it streams, and nothing says how far
    }
    return work;
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& /*workers*/, bool gpu) const override {
    return std::make_unique<BoundRowGather>(weights, data, chunk_, gpu);
  }

 private:
  std::size_t chunk_;
};

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> row_gather() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(std::make_unique<RowGather>(default_chunk));
  return all;
}

}  // namespace workloads

}  // namespace offload
