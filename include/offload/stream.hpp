// SPDX-License-Identifier: Apache-2.0
// The CUDA stream handle under its own type, without CUDA's headers.
#pragma once

struct CUstream_st;  // what cudaStream_t points to

namespace offload {

using StreamHandle = CUstream_st*;  // identical to cudaStream_t

}  // namespace offload
