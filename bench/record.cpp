// SPDX-License-Identifier: Apache-2.0
#include "bench/record.hpp"

namespace offload {

double CaseRecord::rate() const {
  if (!summary || summary->median <= 0) return 0;
  return static_cast<double>(bytes.requested) / summary->median;
}

}  // namespace offload
