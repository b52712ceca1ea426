// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/lt_algorithms.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>

#include "bench/cuda/check.hpp"
#include "bench/cuda/cublaslt_shapes.hpp"
#include "offload/error.hpp"

namespace offload::cuda {
namespace {

template <typename Value>
std::optional<Value> configured(const cublasLtMatmulAlgo_t& algorithm,
                                cublasLtMatmulAlgoConfigAttributes_t which) {
  Value value{};
  const cublasStatus_t status =
      cublasLtMatmulAlgoConfigGetAttribute(&algorithm, which, &value, sizeof value, nullptr);
  return status == CUBLAS_STATUS_SUCCESS ? std::optional(value) : std::nullopt;
}

/// Columns of y^T, and so tokens, of the shape with this number.
template <std::size_t count>
std::optional<std::size_t> tokens_of(const LtShape (&shapes)[count], std::optional<int> id) {
  const auto* const found =
      std::find_if(shapes, shapes + count, [id](const LtShape& shape) { return shape.id == id; });
  return found == shapes + count ? std::nullopt : std::optional(found->columns);
}

/// A tile of w is read once by the blocks of a cluster that need it, and again by every other.
std::optional<std::size_t> reads_of(const cublasLtMatmulAlgo_t& algorithm, std::size_t tokens) {
  const auto tile = configured<std::uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_TILE_ID);
  const auto cluster = configured<std::uint16_t>(algorithm, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID);
  const auto of_tile = tokens_of(lt_tiles, tile);
  // Kernels without clusters leave the choice open.
  const auto sharing = cluster == CUBLASLT_CLUSTER_SHAPE_AUTO ? std::optional<std::size_t>(1)
                                                              : tokens_of(lt_clusters, cluster);
  if (!of_tile || !sharing) return std::nullopt;
  return (tokens + *of_tile * *sharing - 1) / (*of_tile * *sharing);
}

/// `algorithm` in the cluster with this number; nullopt when it does not run in it.
std::optional<LtAlgorithm> in_cluster(const LtProduct& product, cublasLtMatmulAlgo_t algorithm,
                                      int cluster) {
  const auto id = static_cast<std::uint16_t>(cluster);
  if (cublasLtMatmulAlgoConfigSetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, &id,
                                           sizeof id) != CUBLAS_STATUS_SUCCESS) {
    return std::nullopt;
  }
  cublasLtMatmulHeuristicResult_t checked{};
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(product.library, product.operation, product.w, product.x, product.y,
                              product.y, &algorithm, &checked);
  if (status != CUBLAS_STATUS_SUCCESS || checked.workspaceSize > product.workspace_bytes) {
    return std::nullopt;
  }
  return LtAlgorithm{algorithm, reads_of(algorithm, product.tokens)};
}

std::size_t rank(const LtAlgorithm& algorithm) {
  return algorithm.reads.value_or(std::numeric_limits<std::size_t>::max());
}

}  // namespace

void check(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  // The library says "execution failed" alike of a launch refused and of a context lost.
  if (const cudaError_t error = cudaPeekAtLastError(); error != cudaSuccess) fail(error, what);
  throw CudaError(what + " failed: " + cublasLtGetStatusString(status), false,
                  status == CUBLAS_STATUS_ALLOC_FAILED);
}

std::vector<LtAlgorithm> proposals(const LtProduct& product, int most) {
  std::vector<cublasLtMatmulHeuristicResult_t> results(static_cast<std::size_t>(most));
  int found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      product.library, product.operation, product.w, product.x, product.y, product.y,
      product.preference, most, results.data(), &found);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "cublasLtMatmulAlgoGetHeuristic");
  std::vector<LtAlgorithm> proposed;
  for (int i = 0; i < found; ++i) {
    const cublasLtMatmulHeuristicResult_t& result = results[static_cast<std::size_t>(i)];
    if (result.state != CUBLAS_STATUS_SUCCESS) continue;
    proposed.push_back({result.algo, reads_of(result.algo, product.tokens)});
  }
  return proposed;
}

std::vector<LtAlgorithm> by_fewest_reads(const LtProduct& product, std::size_t most) {
  constexpr int asked = 64;
  std::vector<LtAlgorithm> found = proposals(product, asked);
  if (found.empty()) return found;
  std::vector<LtAlgorithm> others(std::next(found.begin()), found.end());
  for (const LtAlgorithm& proposed : found) {
    const auto own =
        configured<std::uint16_t>(proposed.algorithm, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID);
    // A kernel without clusters might take one, and ignore it.
    if (!own || *own == CUBLASLT_CLUSTER_SHAPE_AUTO) continue;
    for (const LtShape& cluster : lt_clusters) {
      if (cluster.id == *own) continue;
      if (const auto one = in_cluster(product, proposed.algorithm, cluster.id)) {
        others.push_back(*one);
      }
    }
  }
  // Among equals the heuristic's order stands.
  std::stable_sort(others.begin(), others.end(),
                   [](const LtAlgorithm& a, const LtAlgorithm& b) { return rank(a) < rank(b); });
  others.resize(std::min(most, others.size()));
  found.resize(1);
  found.insert(found.end(), others.begin(), others.end());
  return found;
}

}  // namespace offload::cuda
