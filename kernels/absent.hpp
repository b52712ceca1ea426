// SPDX-License-Identifier: Apache-2.0
// For what stands in for a GPU kernel in a build without a CUDA Toolkit.
#pragma once
#include <string>

#include "offload/error.hpp"

namespace offload::kernels {

[[noreturn]] inline void built_without_cuda(const std::string& kernel) {
  throw CudaError(kernel + ": this binary was built without CUDA; install the CUDA Toolkit and " +
                      "configure again with OFFLOAD_BENCH_CUDA=ON",
                  false, false);
}

}  // namespace offload::kernels
