// SPDX-License-Identifier: Apache-2.0
// One token through the weights: y = W x, as in the decoding of a language model.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <sstream>
#include <utility>

#include "bench/workloads/device_output.hpp"
#include "bench/workloads/sectors.hpp"
#include "bench/workloads/workloads.hpp"
#include "kernels/host/kernels.hpp"
#include "kernels/kernels.hpp"
#include "kernels/reference.hpp"

namespace offload {
namespace {

// All bits set: a NaN that no arithmetic produces, so it also says who wrote a row.
constexpr unsigned char poison_byte = 0xff;
constexpr std::uint32_t poison_bits = 0xffffffffU;
constexpr std::uint64_t x_seed = 0x78;

bool is_written(float value) { return std::bit_cast<std::uint32_t>(value) != poison_bits; }

DType activation_of(DType weight) { return weight == DType::fp16 ? DType::fp16 : DType::bf16; }

/// How far a right y may be from the exact one, as a share of sum_c |w x|. The products are exact
/// in an fp32 fused multiply-add, so each of cols additions rounds once, by at most u = 2^-24 of
/// the partial sum. Such errors are independent and of either sign: they grow like sqrt(cols) u
/// even if every partial sum were as large as the whole (the worst case, cols u, would let a
/// missing product pass). Ours are smaller: random signs keep partial sums small, and every kernel
/// adds many short chains. One missing product leaves about 1 / cols: more than this up to 40,000
/// cols.
double tolerance(std::size_t cols) {
  constexpr double u = 0x1p-24;
  return 2 * std::sqrt(static_cast<double>(cols) + 16) * u;
}

/// Inputs, outputs and the reference's result for one tensor.
class GemvTensor {
 public:
  GemvTensor(const WeightTensor& tensor, std::span<const std::byte> data, std::uint64_t seed,
             HostWorkers& workers, bool gpu)
      : tensor_(tensor), y_host_(tensor.rows), y_device_(tensor.rows, gpu) {
    const DType activation = activation_of(tensor.dtype);
    std::vector<std::byte> x(tensor.cols * bytes_of(activation));
    reference::fill_random(x, activation, seed, workers);
    x_host_.reserve(tensor.cols);
    for (std::size_t c = 0; c < tensor.cols; ++c) {
      x_host_.push_back(reference::to_float(activation, x.data() + c * bytes_of(activation)));
    }
    expected_ = reference::gemv(data, tensor.dtype, tensor.rows, tensor.cols, x_host_, workers);
    if (gpu) {
      x_device_ = cuda::DeviceBuffer(x.size());
      cuda::memcpy_async(x_device_.data(), x.data(), x.size(), nullptr);
      cuda::stream_synchronize(nullptr);
    }
  }

  void poison(StreamHandle stream) {
    std::fill(y_host_.begin(), y_host_.end(), std::bit_cast<float>(poison_bits));
    y_device_.poison(poison_byte, stream);
  }

  void launch(const PieceView& view, const Lanes& lanes) {
    const Piece& piece = view.piece;
    if (view.side == Side::gpu) {
      kernels::gemv(view.data, tensor_.dtype, piece.rows, tensor_.cols, x_device_.data(),
                    y_device_.device(piece.first_row), lanes.stream);
    } else {
      host::gemv(view.data, tensor_.dtype, piece.rows, tensor_.cols, x_host_.data(),
                 y_host_.data() + piece.first_row, lanes.workers);
    }
  }

  std::optional<std::string> check(StreamHandle stream) const {
    const std::vector<float> y_device = y_device_.fetch(stream);
    for (std::size_t row = 0; row < tensor_.rows; ++row) {
      const bool on_device = !y_device.empty() && is_written(y_device[row]);
      const bool on_host = is_written(y_host_[row]);
      if (!on_device && !on_host) return where(row) + "never written";
      if (on_device && is_wrong(row, y_device[row])) return differs(row, y_device[row]);
      if (on_host && is_wrong(row, y_host_[row])) return differs(row, y_host_[row]);
    }
    return std::nullopt;
  }

 private:
  bool is_wrong(std::size_t row, float got) const {
    const double allowed = tolerance(tensor_.cols) * expected_.magnitude[row];
    return !(std::abs(static_cast<double>(got) - expected_.y[row]) <= allowed);  // true for a NaN
  }
  std::string where(std::size_t row) const {
    return "row " + std::to_string(row) + " of " + tensor_.name + ": ";
  }
  std::string differs(std::size_t row, float got) const {
    std::ostringstream text;
    text.precision(std::numeric_limits<float>::max_digits10);
    text << where(row) << "got " << got << ", expected " << expected_.y[row] << " +- "
         << tolerance(tensor_.cols) * expected_.magnitude[row];
    return text.str();
  }

  WeightTensor tensor_;
  std::vector<float> x_host_;
  std::vector<float> y_host_;
  cuda::DeviceBuffer x_device_;
  DeviceOutput<float> y_device_;
  reference::GemvResult expected_;
};

class GemvReading final : public Reading {
 public:
  GemvReading(const WeightSet& weights, std::span<const std::span<const std::byte>> data,
              HostWorkers& workers, bool gpu) {
    tensors_.reserve(weights.tensors.size());
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      const WeightTensor& tensor = weights.tensors[i];
      tensors_.emplace_back(tensor, data[i], x_seed + i, workers, gpu);
      // x and y are a thousandth of the weights and do not lie with them: they are not counted.
      bytes_.requested += tensor.bytes();
      bytes_.touched += sector_bytes(tensor.bytes());
    }
  }

  PassBytes bytes() const override { return bytes_; }
  void poison(const Lanes& lanes) override {
    for (GemvTensor& tensor : tensors_) tensor.poison(lanes.stream);
  }
  void launch(const PieceView& view, const Lanes& lanes) override {
    tensors_[view.piece.tensor].launch(view, lanes);
  }
  std::optional<std::string> check(const Lanes& lanes) override {
    for (const GemvTensor& tensor : tensors_) {
      if (auto wrong = tensor.check(lanes.stream)) return wrong;
    }
    return std::nullopt;
  }

 private:
  std::vector<GemvTensor> tensors_;
  PassBytes bytes_;
};

class Gemv final : public Workload {
 public:
  std::string_view name() const override { return "gemv"; }
  std::string_view description() const override {
    return "y = W x for one token (decode), fp32 accumulation: bf16, fp16, fp8_e4m3";
  }
  Content content() const override { return Content::random_weights; }
  Support reads(const WeightSet& weights) const override {
    for (const WeightTensor& tensor : weights.tensors) {
      switch (tensor.dtype) {
        case DType::bf16:
        case DType::fp16:
        case DType::fp8_e4m3:
          break;
        default:
          return Support::no("gemv reads bf16, fp16 and fp8_e4m3; " + tensor.name + " is " +
                             std::string(offload::name(tensor.dtype)));
      }
    }
    return Support::yes();
  }
  std::unique_ptr<Reading> bind(const WeightSet& weights,
                                std::span<const std::span<const std::byte>> data,
                                HostWorkers& workers, bool gpu) const override {
    return std::make_unique<GemvReading>(weights, data, workers, gpu);
  }
};

}  // namespace

std::unique_ptr<Workload> make_gemv() { return std::make_unique<Gemv>(); }

}  // namespace offload
