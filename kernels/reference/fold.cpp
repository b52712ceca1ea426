// SPDX-License-Identifier: Apache-2.0
#include "kernels/fold.hpp"

#include <cmath>
#include <stdexcept>

#include "kernels/reference/floats.hpp"

namespace offload::reference {

GemvResult fold(std::span<const std::byte> y, DType dtype, std::size_t rows, std::size_t ld,
                std::span<const float> sign, HostWorkers& workers) {
  const std::size_t size = bytes_of(dtype);
  const std::size_t tokens = sign.size();
  if (rows > ld || (tokens > 0 && y.size() < ((tokens - 1) * ld + rows) * size)) {
    throw std::invalid_argument("reference fold: the size of y does not fit tokens, rows and ld");
  }
  require_numbers(dtype);
  GemvResult result{std::vector<double>(rows), std::vector<double>(rows)};
  workers.run(rows, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t r = first; r < last; ++r) {
        const double value = to_float(dtype, y.data() + (t * ld + r) * size);
        result.y[r] += static_cast<double>(sign[t]) * value;
        result.magnitude[r] += std::fabs(value);
      }
    }
  });
  return result;
}

}  // namespace offload::reference
