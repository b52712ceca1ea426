// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "kernels/reference/floats.hpp"

namespace offload::reference {
namespace {

template <typename Code, typename ToFloat>
void gemv_rows(const std::byte* w, std::size_t first, std::size_t last, std::size_t cols,
               std::span<const float> x, ToFloat to_float, GemvResult& result) {
  for (std::size_t r = first; r < last; ++r) {
    // Four sums side by side, so that the additions need not wait for each other.
    std::array<double, 4> y{};
    std::array<double, 4> magnitude{};
    std::array<double, 4> squares{};
    for (std::size_t c = 0; c < cols; ++c) {
      Code code;
      std::memcpy(&code, w + (r * cols + c) * sizeof(Code), sizeof(Code));
      const double weight = static_cast<double>(to_float(code));
      const double product = weight * static_cast<double>(x[c]);
      y[c % 4] += product;
      magnitude[c % 4] += std::fabs(product);
      squares[c % 4] += weight * weight;
    }
    result.y[r] = (y[0] + y[1]) + (y[2] + y[3]);
    result.magnitude[r] = (magnitude[0] + magnitude[1]) + (magnitude[2] + magnitude[3]);
    result.norm[r] = std::sqrt((squares[0] + squares[1]) + (squares[2] + squares[3]));
  }
}

}  // namespace

GemvResult gemv(std::span<const std::byte> w, DType dtype, std::size_t rows, std::size_t cols,
                std::span<const float> x, HostWorkers& workers) {
  require_numbers(dtype);
  if (x.size() != cols || w.size() != rows * cols * bytes_of(dtype)) {
    throw std::invalid_argument("reference gemv: sizes of w and x do not fit rows and cols");
  }
  GemvResult result{std::vector<double>(rows), std::vector<double>(rows),
                    std::vector<double>(rows)};
  const std::vector<float> values = dtype == DType::fp32 ? std::vector<float>{} : all_values(dtype);
  const auto looked_up = [&values](std::uint32_t code) { return values[code]; };
  const auto as_float = [](float value) { return value; };
  workers.run(rows, 1, [&](std::size_t first, std::size_t last) {
    if (dtype == DType::fp32) {
      gemv_rows<float>(w.data(), first, last, cols, x, as_float, result);
    } else if (bytes_of(dtype) == 2) {
      gemv_rows<std::uint16_t>(w.data(), first, last, cols, x, looked_up, result);
    } else {
      gemv_rows<std::uint8_t>(w.data(), first, last, cols, x, looked_up, result);
    }
  });
  return result;
}

GemvResult fold(std::span<const std::byte> y, DType dtype, std::size_t rows, std::size_t ld,
                std::span<const float> sign, HostWorkers& workers) {
  const std::size_t size = bytes_of(dtype);
  const std::size_t tokens = sign.size();
  if (rows > ld || (tokens > 0 && y.size() < ((tokens - 1) * ld + rows) * size)) {
    throw std::invalid_argument("reference fold: the size of y does not fit tokens, rows and ld");
  }
  require_numbers(dtype);
  GemvResult result{std::vector<double>(rows), std::vector<double>(rows), {}};
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
