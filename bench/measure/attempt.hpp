// SPDX-License-Identifier: Apache-2.0
// A part of the calibration that a run can do without.
#pragma once
#include "offload/error.hpp"

namespace offload {

/// What fails costs a prediction and no more, unless the GPU is lost.
template <typename Measure>
void attempt(const Measure& measure) {
  try {
    measure();
  } catch (const CudaError& error) {
    if (error.context_dead()) throw;
  } catch (const ImplausibleResult&) {
    // A case of the run will say so.
  }
}

}  // namespace offload
