// SPDX-License-Identifier: Apache-2.0
// cuBLASLt's algorithms for one product, and how often each reads a byte of the weight.
#pragma once
#include <cublasLt.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offload::cuda {

/// Throws CudaError.
void check(cublasStatus_t status, const std::string& what);

/// y^T = w x^T as the library is asked for it; borrowed.
struct LtProduct {
  cublasLtHandle_t library;
  cublasLtMatmulDesc_t operation;
  cublasLtMatrixLayout_t w, x, y;
  cublasLtMatmulPreference_t preference;
  std::size_t tokens;
  std::size_t workspace_bytes;
};

struct LtAlgorithm {
  cublasLtMatmulAlgo_t algorithm{};
  std::optional<std::size_t> reads;  // of each byte of w; nullopt where it does not say
};

/// What the heuristic proposes, its first choice first; at most `most`, maybe none. Throws
/// CudaError.
std::vector<LtAlgorithm> proposals(const LtProduct& product, int most);

/// The first proposal, then at most `most` others, those with the fewest reads of w first: all that
/// is proposed, in every cluster that it runs in.
std::vector<LtAlgorithm> by_fewest_reads(const LtProduct& product, std::size_t most);

}  // namespace offload::cuda
