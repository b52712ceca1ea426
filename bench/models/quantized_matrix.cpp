// SPDX-License-Identifier: Apache-2.0
// The tensors that a quantised matrix is stored as, form by form.
#include <utility>

#include "bench/models/quantization.hpp"
#include "bench/models/stored_tensors.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;

std::uint64_t blocks(std::uint64_t length, std::uint64_t block) {
  return block == 0 ? 1 : (length + block - 1) / block;
}

class Matrix {
 public:
  Matrix(const QuantizedMatrix& matrix, const Quantization& how)
      : matrix_(matrix), how_(how), rows_(matrix.rows), cols_(matrix.cols) {}

  std::vector<ModelTensor> tensors() {
    switch (how_.form) {
      case QuantizedForm::fp8_blocks:
        weight(".weight", "F8_E4M3", {rows_, cols_});
        scales(".weight_scale_inv", "F32", {blocks(rows_, how_.rows), blocks(cols_, how_.cols)});
        break;
      case QuantizedForm::fp8_tensors:
        weight(".weight", "F8_E4M3", {rows_, cols_});
        scales(".weight_scale", "F32", {});
        modelopt();
        break;
      case QuantizedForm::nvfp4:
        weight(".weight", "U8", {rows_, blocks(cols_, 2)});
        scales(".weight_scale", "F8_E4M3", {rows_, blocks(cols_, 16)});
        scales(".weight_scale_2", "F32", {});
        modelopt();
        break;
      case QuantizedForm::mxfp4:
        mxfp4();
        break;
      case QuantizedForm::scaled:
        scaled();
        break;
      case QuantizedForm::packed_words:
        packed_words();
        break;
      case QuantizedForm::packed_nvfp4:
        weight(".weight_packed", "U8", {rows_, blocks(cols_, 2)});
        scales(".weight_scale", "F8_E4M3", {rows_, blocks(cols_, 16)});
        scales(".weight_global_scale", "F32", {1});
        if (how_.input_scale) scales(".input_global_scale", "F32", {1});
        break;
      case QuantizedForm::packed_mxfp4:
        weight(".weight_packed", "U8", {rows_, blocks(cols_, 2)});
        scales(".weight_scale", "U8", {rows_, blocks(cols_, 32)});
        break;
      case QuantizedForm::gptq:
        gptq();
        break;
      case QuantizedForm::awq:
        awq();
        break;
      case QuantizedForm::bnb_4bit:
      case QuantizedForm::bnb_int8:
        bitsandbytes();
        break;
    }
    return std::move(tensors_);
  }

 private:
  void add(std::string_view kind, std::string_view dtype, Shape shape, std::uint64_t parameters) {
    ModelTensor tensor = plain_tensor(matrix_.module + std::string(kind), dtype, std::move(shape));
    tensor.part = matrix_.part;
    tensor.parameters = parameters;
    tensors_.push_back(std::move(tensor));
  }
  void weight(std::string_view kind, std::string_view dtype, Shape shape) {
    add(kind, dtype, std::move(shape), rows_ * cols_);
  }
  /// What says how to read others holds no parameters of the model.
  void scales(std::string_view kind, std::string_view dtype, Shape shape) {
    add(kind, dtype, std::move(shape), 0);
  }

  void modelopt() {
    scales(".input_scale", "F32", {});
    if (!how_.kv_scales) return;
    if (matrix_.module.ends_with("self_attn.k_proj")) scales(".k_scale", "F32", {});
    if (matrix_.module.ends_with("self_attn.v_proj")) scales(".v_scale", "F32", {});
  }

  void mxfp4() {
    if (matrix_.experts == 0) {  // a matrix by itself is not packed
      weight(".weight", matrix_.dtype, {rows_, cols_});
      return;
    }
    const std::uint64_t scaled = cols_ / mxfp4_block;
    add("_blocks", "U8", {matrix_.experts, rows_, scaled, mxfp4_block / 2},
        matrix_.experts * rows_ * cols_);
    scales("_scales", "U8", {matrix_.experts, rows_, scaled});
  }

  void scaled() {
    weight(".weight", how_.dtype, {rows_, cols_});
    Shape shape{1};
    if (how_.rows > 0) shape = {blocks(rows_, how_.rows), blocks(cols_, how_.cols)};
    scales(".weight_scale", matrix_.dtype, std::move(shape));
    if (how_.input_scale) scales(".input_scale", matrix_.dtype, {1});
  }

  void packed_words() {
    const std::uint64_t in_word = 32 / how_.bits;
    const std::uint64_t groups = blocks(cols_, how_.cols);
    weight(".weight_packed", "I32", {rows_, blocks(cols_, in_word)});
    scales(".weight_scale", matrix_.dtype, {rows_, groups});
    if (how_.zero_points) scales(".weight_zero_point", "I32", {blocks(rows_, in_word), groups});
    scales(".weight_shape", "I64", {2});
    if (how_.ordered) scales(".weight_g_idx", "I32", {cols_});
  }

  /// Of a row of bits in words no part may be left over.
  std::uint64_t words(std::uint64_t length) const {
    if (length * how_.bits % 32 == 0) return length * how_.bits / 32;
    throw UsageError(how_.source + ": " + std::to_string(how_.bits) + " bits for each of the " +
                     std::to_string(length) + " weights of " + matrix_.module +
                     " do not fill 32-bit words" + std::string(advice));
  }

  void gptq() {
    const std::uint64_t groups = blocks(cols_, how_.cols);
    weight(".qweight", "I32", {words(cols_), rows_});
    scales(".qzeros", "I32", {groups, words(rows_)});
    scales(".scales", "F16", {groups, rows_});
    scales(".g_idx", "I32", {cols_});
  }

  void awq() {
    const std::uint64_t groups = blocks(cols_, how_.cols);
    weight(".qweight", "I32", {cols_, words(rows_)});
    scales(".qzeros", "I32", {groups, words(rows_)});
    scales(".scales", "F16", {groups, rows_});
  }

  void bitsandbytes() {
    if (matrix_.part == Part::experts) {  // of some versions they are, of others they are not
      throw UsageError(how_.source +
                       ": does not say whether bitsandbytes quantised the experts as well" +
                       std::string(advice));
    }
    if (how_.form == QuantizedForm::bnb_int8) {
      weight(".weight", "I8", {rows_, cols_});
      scales(".SCB", "F32", {rows_});
      return;
    }
    constexpr std::uint64_t block = 64;
    constexpr std::uint64_t nested_block = 256;
    constexpr std::uint64_t values = 16;  // that 4 bits choose from
    const std::uint64_t scaled = blocks(rows_ * cols_, block);
    weight(".weight", "U8", {blocks(rows_ * cols_, 2), 1});
    scales(".weight.absmax", how_.nested ? "U8" : "F32", {scaled});
    scales(".weight.quant_map", "F32", {values});
    if (!how_.nested) return;
    scales(".weight.nested_absmax", "F32", {blocks(scaled, nested_block)});
    scales(".weight.nested_quant_map", "F32", {256});
  }

  const QuantizedMatrix& matrix_;
  const Quantization& how_;
  std::uint64_t rows_;
  std::uint64_t cols_;
  std::vector<ModelTensor> tensors_;
};

}  // namespace

std::vector<ModelTensor> tensors_of(const QuantizedMatrix& matrix,
                                    const Quantization& quantization) {
  return Matrix(matrix, quantization).tensors();
}

}  // namespace offload
