// SPDX-License-Identifier: Apache-2.0
// Y = X W^T: one token (gemv), many (gemm), and all linear layers of a model for a decode step or a
// prefill.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/workloads/parts/bound_matmul.hpp"
#include "bench/workloads/parts/bound_mixed.hpp"
#include "bench/workloads/parts/pass_work.hpp"
#include "bench/workloads/parts/products.hpp"
#include "kernels/sm90/read_once.hpp"
#include "offload/cuda/matmul.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

constexpr std::size_t max_tokens_on_cpu = 256;

struct Variant {
  std::string_view name;
  std::string_view description;
  std::size_t default_tokens;
  std::size_t min_tokens;
  std::size_t max_tokens;
  bool walks_model;
};

class Matmul final : public Workload {
 public:
  Matmul(const Variant& variant, std::size_t tokens) : variant_(variant), tokens_(tokens) {}

  std::string_view name() const override { return variant_.name; }
  std::string_view description() const override { return variant_.description; }
  Content content() const override { return Content::random_weights; }
  std::size_t tokens() const override { return tokens_; }
  std::optional<Parameter> parameter() const override {
    if (variant_.min_tokens == variant_.max_tokens) return std::nullopt;
    return Parameter{"tokens", variant_.min_tokens, variant_.max_tokens, tokens_};
  }
  bool runs_on_cpu() const override { return tokens_ <= max_tokens_on_cpu; }
  bool walks_model() const override { return variant_.walks_model; }
  std::size_t alignment(const WeightTensor& tensor) const override {
    constexpr std::size_t of_fp8_products = 16;
    const bool by_library = tokens_ > 1 && tensor.dtype == DType::fp8_e4m3;
    return by_library ? of_fp8_products : Workload::alignment(tensor);
  }
  std::unique_ptr<Workload> with_parameter(std::size_t tokens) const override {
    if (!parameter()) return Workload::with_parameter(tokens);
    return std::make_unique<Matmul>(variant_, tokens);
  }
  Support reads(const WeightSet& weights) const override {
    std::size_t only_read = 0;
    for (const WeightTensor& tensor : weights.tensors) {
      Support multiplies = this->multiplies(tensor);
      if (multiplies) continue;
      if (!variant_.walks_model) return multiplies;
      // Pieces are summed by words: experts must be whole numbers of them.
      if (tensor.experts > 0 && tensor.bytes() / tensor.experts % 4 != 0) {
        return Support::no("an expert of " + tensor.name +
                           " is not a whole number of 4-byte words");
      }
      only_read += tensor.bytes();
    }
    // One token reads weights; what many tokens cost is their products, which scales may go
    // without.
    constexpr double scales = 0.05;
    const bool few = static_cast<double>(only_read) < scales * static_cast<double>(weights.bytes());
    if (tokens_ > max_tokens_on_cpu && !few) {
      return Support::no(std::string(variant_.name) +
                         " of many tokens needs types it can multiply "
                         "(bf16, fp16, fp8_e4m3); decode reads all");
    }
    return Support::yes();
  }
  Support offers(Rereads rereads, const WeightSet& weights,
                 const Platform& platform) const override {
    if (rereads == Rereads::as_engines_do) return Support::yes();
    if (rereads == Rereads::fewest_by_library) {
      if (tokens_ > 1) return cuda::Matmul::support();
      return Support::no("one token is multiplied by no library");
    }
    // One token reads once as it is.
    if (tokens_ == 1) return Support::yes();
    for (const WeightTensor& tensor : weights.tensors) {
      if (tensor.resident || !multiplies(tensor)) continue;
      Support once = kernels::ReadOnceGemm::supports(platform, tensor);
      if (!once) return once;
    }
    return Support::yes();
  }
  std::optional<PassWork> work(const WeightSet& weights, const Rates& rates) const override {
    PassWork work;
    for (const Product& product : products_of(weights, tokens_)) {
      const WeightTensor& tensor = weights.tensors[product.piece.tensor];
      work.push_back(
          multiplies(tensor)
              ? product_item(product, tensor, rates)
              : read_item(product.piece, product.piece.rows * tensor.row_bytes(), rates));
    }
    return work;
  }
  std::vector<ProductShape> products(const WeightSet& weights) const override {
    std::vector<ProductShape> shapes;
    for (const Product& product : products_of(weights, tokens_)) {
      const WeightTensor& tensor = weights.tensors[product.piece.tensor];
      if (!multiplies(tensor)) continue;
      const ProductShape shape{tensor.dtype, product.piece.rows, tensor.cols, product.tokens};
      if (std::ranges::find(shapes, shape) == shapes.end()) shapes.push_back(shape);
    }
    return shapes;
  }
  std::vector<std::optional<std::size_t>> reads_of(std::span<const ProductShape> shapes,
                                                   Rereads rereads) const override {
    std::optional<cuda::Matmul> library;
    std::vector<std::optional<std::size_t>> reads;
    reads.reserve(shapes.size());
    for (const ProductShape& shape : shapes) {
      if (shape.tokens == 1) {  // by a kernel of its own
        reads.emplace_back(1);
      } else if (rereads == Rereads::none) {
        reads.emplace_back(kernels::ReadOnceShape::of(shape.tokens).reads);
      } else {
        if (!library) library.emplace();
        reads.push_back(library->reads(shape, cuda::algorithm_for(rereads)));
      }
    }
    return reads;
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& workers, bool gpu) const override {
    const auto bind_products = [&](const WeightSet& some, std::span<const TensorContent> content) {
      return bind_matmul(some, content, tokens_, workers, gpu);
    };
    std::vector<bool> multiplied;
    bool all = true;
    for (const WeightTensor& tensor : weights.tensors) {
      multiplied.push_back(static_cast<bool>(multiplies(tensor)));
      all = all && multiplied.back();
    }
    if (all) return bind_products(weights, data);
    std::vector<Piece> pieces;
    for (const Product& product : products_of(weights, tokens_)) {
      pieces.push_back(product.piece);
    }
    return bind_mixed(weights, data, multiplied, std::move(pieces), bind_products, workers, gpu);
  }

 private:
  Support multiplies(const WeightTensor& tensor) const {
    switch (tensor.dtype) {
      case DType::bf16:
      case DType::fp16:
        return Support::yes();
      case DType::fp8_e4m3:
        if (tokens_ == 1 || tensor.cols % 16 == 0) return Support::yes();
        return Support::no(
            "products of many tokens by fp8 weights need columns in multiples of 16; " +
            tensor.name + " has " + std::to_string(tensor.cols));
      default:
        return Support::no(std::string(variant_.name) + " reads bf16, fp16 and fp8_e4m3; " +
                           tensor.name + " is " + std::string(offload::name(tensor.dtype)));
    }
  }

  const Variant& variant_;
  std::size_t tokens_;
};

constexpr Variant gemv{
    "gemv", "y = W x for one token (decode), fp32 accumulation: bf16, fp16, fp8_e4m3", 1, 1, 1,
    false};
constexpr Variant gemm{"gemm", "Y = X W^T for many tokens by cuBLASLt", 512, 1, 65536, false};
constexpr Variant decode{
    "decode", "one decode step of a model's linear layers for a batch of 1 to 256", 1, 1, 256,
    true};
constexpr Variant prefill{
    "prefill", "a prefill of 512 to 8192 tokens through a model's linear layers", 2048, 512, 8192,
    true};

std::unique_ptr<Workload> make(const Variant& variant) {
  return std::make_unique<Matmul>(variant, variant.default_tokens);
}

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> matmul() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(make(gemv));
  all.push_back(make(gemm));
  all.push_back(make(decode));
  all.push_back(make(prefill));
  return all;
}

}  // namespace workloads

}  // namespace offload
