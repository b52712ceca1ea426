// SPDX-License-Identifier: Apache-2.0
// Tokens times a weight by cuBLASLt: what engines run, and what our own kernels are held against.
// bench/cuda/matmul.cpp implements it; matmul_absent.cpp stands in where there is no cuBLASLt.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "offload/dtype.hpp"
#include "offload/rates.hpp"
#include "offload/stream.hpp"
#include "offload/support.hpp"

namespace offload::cuda {

/// The dtype of x for weights of `weight`: the same. fp8 weights meet fp8 activations.
constexpr DType matmul_activation(DType weight) { return weight; }
/// The dtype of y for weights of `weight`.
constexpr DType matmul_output(DType weight) {
  return weight == DType::fp8_e4m3 ? DType::bf16 : weight;
}

/// Which of the library's algorithms multiplies.
enum class Algorithm : std::uint8_t {
  first,         // the heuristic's first proposal, as engines take it
  fewest_reads,  // of those whose tiles and clusters read w least often, the fastest
};
constexpr Algorithm algorithm_for(Rereads rereads) {
  return rereads == Rereads::fewest_by_library ? Algorithm::fewest_reads : Algorithm::first;
}

/// For one stream at a time: launches share one workspace.
class Matmul {
 public:
  Matmul();  // of the current device
  ~Matmul();
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;

  /// y[tokens, ld_y] = x[tokens, cols] w[rows, cols]^T, all row-major, fp32 accumulation; of each
  /// row of y the first `rows` values are written: a panel of w passes y + its first row, and the
  /// whole tensor's rows as ld_y. The algorithm is chosen at the first launch of a shape (so launch
  /// each once before timing or capturing it) and kept; fewest_reads tries several then, on w where
  /// it lies, and waits for them. Later launches neither allocate nor wait. fp8_e4m3 needs w, x and
  /// every row of y at multiples of 16 bytes (panels of whole 16 rows have that); the others are
  /// merely faster so. Returns how often each byte of w is read where no cache holds it: by the
  /// algorithm's tiles, and what clusters of them share. nullopt where it does not say.
  std::optional<std::size_t> launch(const void* w, DType dtype, std::size_t rows, std::size_t cols,
                                    const void* x, std::size_t tokens, void* y, std::size_t ld_y,
                                    StreamHandle stream, Algorithm algorithm = Algorithm::first);

  /// What launch() would return for a whole weight, with nothing launched: of fewest_reads, what
  /// the best of those that it would try reads. nullopt, too, where no algorithm is found.
  std::optional<std::size_t> reads(const ProductShape& shape, Algorithm algorithm) const;

  /// Whether this binary has cuBLASLt.
  static Support support();
  /// Whether weights like these can be multiplied on the current device.
  static Support supports(DType dtype, std::size_t cols);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// cublasGemmEx, the older entry. Its library is loaded when one of these is made and not with the
/// program, whose start it would double.
class GemmEx {
 public:
  GemmEx();
  ~GemmEx();
  GemmEx(const GemmEx&) = delete;
  GemmEx& operator=(const GemmEx&) = delete;

  /// Whether the library was found; launch nothing otherwise.
  Support support() const;
  /// y[rows] = w[rows, cols] x[cols], all bf16, fp32 accumulation.
  void launch_bf16(const void* w, std::size_t rows, std::size_t cols, const void* x, void* y,
                   StreamHandle stream);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace offload::cuda
