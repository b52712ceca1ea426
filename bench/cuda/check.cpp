// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/check.hpp"

#include <algorithm>
#include <array>

#include "offload/error.hpp"

namespace offload::cuda {
namespace {

// After these the context answers every call with the same error. By number, for a few are younger
// than the oldest toolkit this builds with.
constexpr std::array context_killers{
    214,  // cudaErrorECCUncorrectable
    220,  // cudaErrorNvlinkUncorrectable
    226,  // cudaErrorContained
    700,  // cudaErrorIllegalAddress
    702,  // cudaErrorLaunchTimeout
    709,  // cudaErrorContextIsDestroyed
    710,  // cudaErrorAssert
    714,  // cudaErrorHardwareStackError
    715,  // cudaErrorIllegalInstruction
    716,  // cudaErrorMisalignedAddress
    717,  // cudaErrorInvalidAddressSpace
    718,  // cudaErrorInvalidPc
    719,  // cudaErrorLaunchFailure
    721,  // cudaErrorTensorMemoryLeak
    810,  // cudaErrorMpsClientTerminated
    911,  // cudaErrorExternalDevice
    999,  // cudaErrorUnknown
};

bool kills_context(cudaError_t error) {
  return std::find(context_killers.begin(), context_killers.end(), static_cast<int>(error)) !=
         context_killers.end();
}

}  // namespace

void fail(cudaError_t error, const std::string& what, std::string_view remedy) {
  // An error like "out of memory" may be reported by a context that a kernel has killed meanwhile.
  const bool dead = kills_context(error) || kills_context(cudaDeviceSynchronize());
  (void)cudaGetLastError();

  std::string message =
      what + " failed: " + cudaGetErrorString(error) + " (" + cudaGetErrorName(error) + ")";
  if (dead) {
    message += "; the GPU can do no further work for this process";
  } else if (!remedy.empty()) {
    message.append("; ").append(remedy);
  }
  throw CudaError(message, dead, error == cudaErrorMemoryAllocation);
}

}  // namespace offload::cuda
