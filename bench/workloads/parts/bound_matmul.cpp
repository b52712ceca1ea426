// SPDX-License-Identifier: Apache-2.0
// One token takes our own kernel, more take cuBLASLt, or ours where a second read of the weights is
// dear; on the CPU our own kernels do both.
#include "bench/workloads/parts/bound_matmul.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "bench/workloads/parts/device_output.hpp"
#include "bench/workloads/parts/products.hpp"
#include "kernels/matmul.hpp"
#include "kernels/reference/floats.hpp"
#include "kernels/sm90/read_once.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/matmul.hpp"

namespace offload {
namespace {

// All bits set: a NaN that no arithmetic produces, so it also says who wrote a row.
constexpr unsigned char poison_byte = 0xff;
constexpr std::uint32_t poison_bits = 0xffffffffU;

bool is_written(float value) { return std::bit_cast<std::uint32_t>(value) != poison_bits; }

/// One token meets fp8 weights as bf16, as our kernel wants it; many meet them as fp8 by cuBLASLt.
DType activation_of(DType weight, std::size_t tokens) {
  if (tokens > 1) return cuda::matmul_activation(weight);
  return weight == DType::fp16 ? DType::fp16 : DType::bf16;
}

/// How far the sum over a row of y may be from the exact one, where x is the signed sum over tokens
/// and `rms` the root mean square of their values. It holds for weights of any size and spread, a
/// row of zeros and one that a single weight decides included.
///
/// One token: the products are exact in an fp32 fused multiply-add, so each of cols additions
/// rounds once, by at most u = 2^-24 of the partial sum. Such errors are independent and of either
/// sign: they grow like sqrt(cols) u even if every partial sum were as large as the whole (the
/// worst case, cols u, would let a missing product pass). Ours are smaller: random signs keep
/// partial sums small, and every kernel adds many short chains. One missing product leaves about
/// 1 / cols: more than this up to 40,000 cols.
///
/// More tokens: every y_t is also rounded to the output's precision, by up to v |y_t| each, each
/// error on its own: together less than v sqrt(sum_t y_t^2). Over tokens drawn alike that root is
/// sqrt(tokens) rms times the norm of the weights. Three times that is about seven standard
/// deviations, for rounding errors are on average less than half as large as they can be. Of few
/// tokens one row in a million has sum_t y_t^2 as much as 1 + 28 / tokens times the average
/// (chi-square). A value near zero is rounded to a multiple of the smallest one, or to zero, as is
/// a weight by the units that know no subnormals.
double tolerance(const ExpectedRows::Row& expected, std::size_t cols, std::size_t tokens,
                 DType weight, double rms) {
  constexpr double u = 0x1p-24;
  constexpr double smallest_normal = 0x1p-126;  // of fp32 and bf16
  const double n = static_cast<double>(cols);
  const double t = static_cast<double>(tokens);
  const double arithmetic =
      2 * std::sqrt(n + 16) * u * expected.magnitude + n * t * smallest_normal;
  if (tokens == 1) return arithmetic;
  const bool half = cuda::matmul_output(weight) == DType::fp16;
  const double v = half ? 0x1p-11 : 0x1p-8;
  const double smallest_error = half ? 0x1p-25 : smallest_normal;
  const double few = std::sqrt(1 + 28 / t);
  return arithmetic + 3 * few * std::sqrt(t) * (v * rms * expected.norm + smallest_error);
}

class BoundMatmul final : public BoundWorkload {
 public:
  BoundMatmul(const WeightSet& weights, std::span<const TensorContent> data, std::size_t tokens,
              HostWorkers& workers, bool gpu)
      : BoundWorkload(weights),
        weights_(weights),
        tokens_(tokens),
        products_(products_of(weights_, tokens)),
        expected_(weights_, data) {
    for (const WeightTensor& tensor : weights_.tensors) {
      first_output_.push_back(outputs_);
      outputs_ += tensor.rows;
      add_input(tensor, workers, gpu);
    }
    on_host_.resize(outputs_);
    reads_.assign(weights_.tensors.size(), 1);
    on_device_ = DeviceOutput<float>(outputs_, gpu);
    std::size_t scratch = 0;
    for (const Product& product : products_) {
      const WeightTensor& tensor = weights_.tensors[product.piece.tensor];
      const std::size_t bytes = product.piece.rows * tensor.row_bytes();
      // x and y are a thousandth of the weights and do not lie with them: they are not counted.
      bytes_.requested += bytes;
      bytes_.touched += sector_bytes(bytes);
      expected_.add(product, input_of(tensor).tokens, workers);
      if (product.tokens > 1) scratch = std::max(scratch, product.tokens * product.piece.rows);
    }
    scratch_values_ = scratch;
    if (gpu && tokens > 1) prepare_products(scratch);
  }

  PassBytes bytes() const override { return bytes_; }
  std::vector<Piece> pieces() const override {
    std::vector<Piece> pieces;
    for (const Product& product : products_) pieces.push_back(product.piece);
    return pieces;
  }

  void poison(const LaunchTarget& target) override {
    std::fill(on_host_.begin(), on_host_.end(), std::bit_cast<float>(poison_bits));
    on_device_.poison(poison_byte, target.stream);
    checking_ = true;
  }

  void launch(const PieceView& view, const LaunchTarget& target) override {
    const Product& product = product_of(view.piece);
    if (view.side == Side::gpu) {
      launch_gpu(view, product, target.stream);
    } else {
      launch_cpu(view, product, target.workers);
    }
  }

  std::optional<std::size_t> reads(const PieceView& view) const override {
    return reads_[view.piece.tensor];
  }

  void hand_over(std::size_t from, std::size_t to, const LaunchTarget& target) override {
    prepare_hand_over();
    const std::size_t values = on_cpu_.tensor == from ? on_cpu_.values : 0;
    on_cpu_ = {};
    const std::size_t y_bytes = std::min(values * bytes_of(DType::bf16), handed_device_.bytes());
    const std::size_t x_bytes = weights_.tensors[to].cols * tokens_ * bytes_of(DType::bf16);
    // The layers here do not depend on one another, so the bytes mean nothing; their way does.
    if (y_bytes > 0) {
      cuda::memcpy_async(handed_device_.data(), handed_host_->data(), y_bytes, target.stream);
    }
    cuda::memcpy_async(handed_host_->data(), handed_device_.data(), x_bytes, target.stream);
  }

  std::optional<std::string> check(const LaunchTarget& target) override {
    checking_ = false;
    const std::vector<float> on_device = on_device_.fetch(target.stream);
    for (const Product& product : products_) {
      const std::size_t first = first_output_[product.piece.tensor];
      const std::size_t end = product.piece.first_row + product.piece.rows;
      for (std::size_t row = product.piece.first_row; row < end; ++row) {
        const bool device_wrote = !on_device.empty() && is_written(on_device[first + row]);
        const bool host_wrote = is_written(on_host_[first + row]);
        if (!device_wrote && !host_wrote) return where(product, row) + "never written";
        const auto expected = expected_.at(product, row);
        if (device_wrote && is_wrong(product, expected, on_device[first + row])) {
          return differs(product, row, expected, on_device[first + row]);
        }
        if (host_wrote && is_wrong(product, expected, on_host_[first + row])) {
          return differs(product, row, expected, on_host_[first + row]);
        }
      }
    }
    return std::nullopt;
  }

 private:
  /// Tensors of one width and dtype read the same tokens.
  struct Input {
    Tokens tokens;
    cuda::DeviceBuffer on_device;       // as cuBLASLt reads them
    cuda::DeviceBuffer first_for_gemv;  // the first token, where our kernel wants another dtype
    std::optional<host::GemmInput> on_host;  // made for the first product there: no sample's
    double rms = 0;
  };
  using InputKey = std::pair<std::size_t, DType>;

  void add_input(const WeightTensor& tensor, HostWorkers& workers, bool gpu) {
    const InputKey key{tensor.cols, tensor.dtype};
    if (inputs_.count(key) != 0) return;
    const DType dtype = activation_of(tensor.dtype, tokens_);
    Input input{Tokens(tokens_, tensor.cols, dtype, workers), {}, {}, {}};
    input.rms = input.tokens.rms();
    if (gpu) {
      input.on_device = uploaded(input.tokens.values());
      const DType wanted = activation_of(tensor.dtype, 1);
      if (wanted != dtype) {
        std::vector<std::byte> first(tensor.cols * bytes_of(wanted));
        for (std::size_t c = 0; c < tensor.cols; ++c) {
          reference::from_float(wanted, input.tokens.widened()[c],
                                first.data() + c * bytes_of(wanted));
        }
        input.first_for_gemv = uploaded(first);
      }
    }
    inputs_.emplace(key, std::move(input));
  }
  const Input& input_of(const WeightTensor& tensor) const {
    return inputs_.at({tensor.cols, tensor.dtype});
  }

  static cuda::DeviceBuffer uploaded(std::span<const std::byte> bytes) {
    cuda::DeviceBuffer buffer(bytes.size());
    cuda::memcpy_async(buffer.data(), bytes.data(), bytes.size(), nullptr);
    cuda::stream_synchronize(nullptr);
    return buffer;
  }

  void prepare_products(std::size_t scratch) {
    matmul_ = std::make_unique<cuda::Matmul>();
    scratch_ = cuda::DeviceBuffer(std::max(scratch, std::size_t{1}) * bytes_of(DType::bf16));
    const std::vector<float> signs = Tokens::signs(tokens_);
    signs_ = uploaded(std::as_bytes(std::span(signs)));
  }

  const Product& product_of(const Piece& piece) const {
    // Products are sorted by tensor and row: the last that begins at or before the piece.
    const auto after = std::upper_bound(
        products_.begin(), products_.end(), piece, [](const Piece& wanted, const Product& product) {
          return std::pair(wanted.tensor, wanted.first_row) <
                 std::pair(product.piece.tensor, product.piece.first_row);
        });
    if (after == products_.begin()) throw std::logic_error("matmul: a piece nobody asked for");
    return *std::prev(after);
  }

  void launch_gpu(const PieceView& view, const Product& product, StreamHandle stream) {
    const WeightTensor& tensor = weights_.tensors[view.piece.tensor];
    const Input& input = input_of(tensor);
    float* const out = on_device_.device(first_output_[view.piece.tensor] + view.piece.first_row);
    if (product.tokens == 1) {
      const bool converted = input.first_for_gemv.bytes() > 0;
      const void* x = converted ? input.first_for_gemv.data() : input.on_device.data();
      kernels::gemv(view.data, tensor.dtype, view.piece.rows, tensor.cols, x, out, stream);
      return;
    }
    const DType output = cuda::matmul_output(tensor.dtype);
    const std::size_t ld = product.piece.rows;
    auto* const y = static_cast<std::byte*>(scratch_.data()) +
                    (view.piece.first_row - product.piece.first_row) * bytes_of(output);
    const std::optional<std::size_t> reads =
        view.rereads == Rereads::none
            ? read_once(view, input.on_device.data(), product.tokens, y, ld, stream)
            : matmul_->launch(view.data, tensor.dtype, view.piece.rows, tensor.cols,
                              input.on_device.data(), product.tokens, y, ld, stream,
                              cuda::algorithm_for(view.rereads));
    reads_[view.piece.tensor] = reads;
    if (!checking_) return;
    kernels::fold(y, output, product.tokens, view.piece.rows, ld,
                  static_cast<const float*>(signs_.data()), out, stream);
  }

  std::size_t read_once(const PieceView& view, const void* x, std::size_t tokens, void* y,
                        std::size_t ld, StreamHandle stream) {
    if (!read_once_) {
      read_once_.emplace(cuda::driver_function(kernels::ReadOnceGemm::encoder));
      shared_reads_ =
          cuda::DeviceBuffer(std::max<std::size_t>(read_once_->workspace_bytes(tokens_), 1));
    }
    const WeightTensor& tensor = weights_.tensors[view.piece.tensor];
    read_once_->launch(view.data, tensor.dtype, view.piece.rows, tensor.cols, x, tokens, y, ld,
                       shared_reads_.data(), stream);
    return kernels::ReadOnceShape::of(tokens).reads;
  }

  void launch_cpu(const PieceView& view, const Product& product, HostWorkers& workers) {
    const WeightTensor& tensor = weights_.tensors[view.piece.tensor];
    Input& input = inputs_.at({tensor.cols, tensor.dtype});
    float* const out = on_host_.data() + first_output_[view.piece.tensor] + view.piece.first_row;
    note_on_cpu(view.piece.tensor, view.piece.rows * product.tokens);
    if (product.tokens == 1) {
      host::gemv(view.data, tensor.dtype, view.piece.rows, tensor.cols, input.tokens.widened(), out,
                 workers);
      return;
    }
    if (!input.on_host) input.on_host.emplace(input.tokens.widened(), tokens_, tensor.cols);
    host_scratch_.resize(scratch_values_);
    const std::size_t ld = product.piece.rows;
    float* const y = host_scratch_.data() + (view.piece.first_row - product.piece.first_row);
    host::gemm(view.data, tensor.dtype, view.piece.rows, tensor.cols, *input.on_host,
               product.tokens, y, ld, workers);
    if (!checking_) return;
    workers.enqueue(
        view.piece.rows, 64,
        [y, ld, out, signs = Tokens::signs(product.tokens)](std::size_t begin, std::size_t end) {
          for (std::size_t row = begin; row < end; ++row) {
            double sum = 0;
            for (std::size_t t = 0; t < signs.size(); ++t) {
              sum += static_cast<double>(signs[t] * y[t * ld + row]);
            }
            out[row] = static_cast<float>(sum);
          }
        });
  }

  void note_on_cpu(std::size_t tensor, std::size_t values) {
    if (on_cpu_.tensor != tensor) on_cpu_ = {tensor, 0};
    on_cpu_.values += values;
  }

  void prepare_hand_over() {
    if (handed_host_) return;
    std::size_t widest = 0;
    for (const WeightTensor& tensor : weights_.tensors) {
      widest = std::max({widest, tensor.rows, tensor.cols});
    }
    const std::size_t bytes = widest * tokens_ * bytes_of(DType::bf16);
    handed_host_ = std::make_unique<HostAllocation>(HostMemory::pinned, bytes);
    handed_device_ = cuda::DeviceBuffer(bytes);
  }

  bool is_wrong(const Product& product, const ExpectedRows::Row& expected, float got) const {
    // Of weights that are no numbers comes none.
    if (!std::isfinite(expected.value)) return std::isfinite(got);
    return !(std::abs(static_cast<double>(got) - expected.value) <=
             allowed(product, expected));  // true for a NaN
  }
  double allowed(const Product& product, const ExpectedRows::Row& expected) const {
    const WeightTensor& tensor = weights_.tensors[product.piece.tensor];
    return tolerance(expected, tensor.cols, product.tokens, tensor.dtype, input_of(tensor).rms);
  }
  std::string where(const Product& product, std::size_t row) const {
    return "row " + std::to_string(row) + " of " + weights_.tensors[product.piece.tensor].name +
           ": ";
  }
  std::string differs(const Product& product, std::size_t row, const ExpectedRows::Row& expected,
                      float got) const {
    std::ostringstream text;
    text.precision(std::numeric_limits<float>::max_digits10);
    text << where(product, row) << "got " << got << ", expected " << expected.value << " +- "
         << allowed(product, expected);
    if (product.tokens > 1) text << " (signed sum over " << product.tokens << " tokens)";
    return text.str();
  }

  WeightSet weights_;
  std::size_t tokens_;
  std::vector<Product> products_;
  ExpectedRows expected_;
  std::map<InputKey, Input> inputs_;
  std::vector<std::size_t> first_output_;  // by tensor
  std::size_t outputs_ = 0;
  std::vector<float> on_host_;  // folded rows of all tensors
  DeviceOutput<float> on_device_{0, false};
  bool checking_ = false;
  PassBytes bytes_;

  std::unique_ptr<cuda::Matmul> matmul_;
  std::optional<kernels::ReadOnceGemm> read_once_;
  cuda::DeviceBuffer shared_reads_;                // its workspace
  std::vector<std::optional<std::size_t>> reads_;  // of the last product launched, by tensor
  cuda::DeviceBuffer scratch_;                     // y of one product
  cuda::DeviceBuffer signs_;
  std::size_t scratch_values_ = 0;
  std::vector<float> host_scratch_;

  /// What the CPU computes of the tensor it was last given pieces of.
  struct OnCpu {
    std::size_t tensor = 0;
    std::size_t values = 0;
  };
  OnCpu on_cpu_;
  std::unique_ptr<HostAllocation> handed_host_;
  cuda::DeviceBuffer handed_device_;
};

}  // namespace

std::unique_ptr<BoundWorkload> bind_matmul(const WeightSet& weights,
                                           std::span<const TensorContent> data, std::size_t tokens,
                                           HostWorkers& workers, bool gpu) {
  return std::make_unique<BoundMatmul>(weights, data, tokens, workers, gpu);
}

}  // namespace offload
