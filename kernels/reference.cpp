// SPDX-License-Identifier: Apache-2.0
#include "kernels/reference.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/nested.hpp"

namespace offload::reference {
namespace {

/// A floating-point format narrower than float.
struct Format {
  int mantissa_bits;
  int bias;
  std::uint32_t exponent_mask;  // shifted down to bit 0
  bool has_infinity;            // else the greatest exponent holds numbers too, as in e4m3fn
  std::uint32_t greatest;       // code of the greatest finite value
  std::uint32_t nan;            // code of the NaN that from_float gives
  std::uint32_t sign;           // the sign's bit
};

constexpr Format bf16{7, 127, 0xFF, true, 0x7F7F, 0x7FC0, 0x8000};
constexpr Format fp16{10, 15, 0x1F, true, 0x7BFF, 0x7E00, 0x8000};
constexpr Format e4m3{3, 7, 0xF, false, 0x7E, 0x7F, 0x80};

[[noreturn]] void refuse(DType dtype) {
  throw std::invalid_argument("elements of dtype " + std::string(name(dtype)) +
                              " are not numbers; use bf16, fp16, fp32 or fp8_e4m3");
}

const Format& format_of(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return bf16;
    case DType::fp16:
      return fp16;
    case DType::fp8_e4m3:
      return e4m3;
    case DType::fp32:
    case DType::u8:
      break;
  }
  refuse(dtype);
}

float decode(const Format& format, std::uint32_t code) {
  const std::uint32_t magnitude = code & (format.sign - 1);
  const std::uint32_t exponent = magnitude >> format.mantissa_bits;
  const std::uint32_t mantissa = magnitude & ((1U << format.mantissa_bits) - 1);
  float value = 0;
  if (magnitude > format.greatest) {
    value = format.has_infinity && mantissa == 0 ? std::numeric_limits<float>::infinity()
                                                 : std::numeric_limits<float>::quiet_NaN();
  } else {
    // A subnormal has no implicit one, and the exponent of the smallest normal.
    const std::uint32_t implicit = exponent == 0 ? 0 : 1U << format.mantissa_bits;
    value =
        std::ldexp(static_cast<float>(implicit | mantissa),
                   std::max(static_cast<int>(exponent), 1) - format.bias - format.mantissa_bits);
  }
  return (code & format.sign) != 0 ? -value : value;
}

std::uint32_t encode(const Format& format, float value) {
  const std::uint32_t sign = std::signbit(value) ? format.sign : 0;
  if (std::isnan(value)) return sign | format.nan;
  const float size = std::fabs(value);
  const std::uint32_t beyond = format.greatest + (format.has_infinity ? 1 : 0);
  if (std::isinf(size)) return sign | beyond;
  if (size == 0) return sign;
  // In units of the last place at this magnitude, rint() rounds to nearest even: all is exact up
  // to there, in double. A carry out of the mantissa goes where it belongs, into the exponent.
  const int exponent = std::max(std::ilogb(size), 1 - format.bias);
  const double units =
      std::rint(std::ldexp(static_cast<double>(size), format.mantissa_bits - exponent));
  const auto rounded = static_cast<std::uint32_t>(units);
  const auto above_subnormal = static_cast<std::uint32_t>(exponent + format.bias - 1);
  const std::uint32_t code = (above_subnormal << format.mantissa_bits) + rounded;
  return sign | std::min(code, beyond);
}

std::uint32_t load_code(DType dtype, const std::byte* element) {
  std::uint32_t code = 0;
  std::memcpy(&code, element, bytes_of(dtype));
  return code;
}

/// Every value of a 1- or 2-byte dtype, so that a reference gemv decodes each code once.
std::vector<float> all_values(DType dtype) {
  const auto& format = format_of(dtype);
  std::vector<float> values(std::size_t{1} << (8 * bytes_of(dtype)));
  for (std::uint32_t code = 0; code < values.size(); ++code) values[code] = decode(format, code);
  return values;
}

template <typename Code, typename ToFloat>
void gemv_rows(const std::byte* w, std::size_t first, std::size_t last, std::size_t cols,
               std::span<const float> x, ToFloat to_float, GemvResult& result) {
  for (std::size_t r = first; r < last; ++r) {
    // Four sums side by side, so that the additions need not wait for each other.
    std::array<double, 4> y{};
    std::array<double, 4> magnitude{};
    for (std::size_t c = 0; c < cols; ++c) {
      Code code;
      std::memcpy(&code, w + (r * cols + c) * sizeof(Code), sizeof(Code));
      const double product = static_cast<double>(to_float(code)) * static_cast<double>(x[c]);
      y[c % 4] += product;
      magnitude[c % 4] += std::fabs(product);
    }
    result.y[r] = (y[0] + y[1]) + (y[2] + y[3]);
    result.magnitude[r] = (magnitude[0] + magnitude[1]) + (magnitude[2] + magnitude[3]);
  }
}

}  // namespace

float to_float(DType dtype, const std::byte* element) {
  const std::uint32_t code = load_code(dtype, element);
  if (dtype == DType::fp32) return std::bit_cast<float>(code);
  return decode(format_of(dtype), code);
}

void from_float(DType dtype, float value, std::byte* element) {
  const std::uint32_t code =
      dtype == DType::fp32 ? std::bit_cast<std::uint32_t>(value) : encode(format_of(dtype), value);
  std::memcpy(element, &code, bytes_of(dtype));
}

std::uint64_t stream_read(std::span<const std::byte> data, HostWorkers& workers) {
  std::atomic<std::uint64_t> total{0};
  workers.run(data.size(), sizeof(std::uint32_t), [&](std::size_t begin, std::size_t end) {
    std::uint64_t sum = 0;
    std::uint32_t word = 0;
    std::size_t i = begin;
    for (; i + sizeof(word) <= end; i += sizeof(word)) {
      std::memcpy(&word, data.data() + i, sizeof(word));
      sum += word;
    }
    word = 0;  // a tail shorter than a word counts as one padded with zeros
    std::memcpy(&word, data.data() + i, end - i);
    sum += word;
    total.fetch_add(sum, std::memory_order_relaxed);
  });
  return total.load();
}

GemvResult gemv(std::span<const std::byte> w, DType dtype, std::size_t rows, std::size_t cols,
                std::span<const float> x, HostWorkers& workers) {
  if (dtype == DType::u8) refuse(dtype);
  if (x.size() != cols || w.size() != rows * cols * bytes_of(dtype)) {
    throw std::invalid_argument("reference gemv: sizes of w and x do not fit rows and cols");
  }
  GemvResult result{std::vector<double>(rows), std::vector<double>(rows)};
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
  if (dtype == DType::u8) refuse(dtype);
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

ChaseResult pointer_chase(std::span<const std::byte> data, std::uint64_t start, std::size_t steps) {
  ChaseResult result{start, 0};
  for (std::size_t i = 0; i < steps; ++i) {
    if (result.last > data.size() || data.size() - result.last < sizeof(std::uint64_t)) {
      throw std::out_of_range("pointer chase: offset " + std::to_string(result.last) +
                              " leads out of the data's " + std::to_string(data.size()) + " bytes");
    }
    std::memcpy(&result.last, data.data() + result.last, sizeof(result.last));
    result.sum += result.last;
  }
  return result;
}

std::uint64_t row_gather(std::span<const std::byte> data, std::span<const std::uint64_t> offsets,
                         std::size_t chunk_bytes) {
  std::uint64_t sum = 0;
  for (const std::uint64_t offset : offsets) {
    if (offset > data.size() || data.size() - offset < chunk_bytes) {
      throw std::out_of_range("row gather: a chunk at " + std::to_string(offset) +
                              " leads out of the data's " + std::to_string(data.size()) + " bytes");
    }
    for (std::size_t i = 0; i < chunk_bytes; i += sizeof(std::uint32_t)) {
      std::uint32_t word = 0;
      std::memcpy(&word, data.data() + offset + i, sizeof(word));
      sum += word;
    }
  }
  return sum;
}

std::vector<std::int64_t> nested(std::span<const std::byte> data, std::size_t row_bytes,
                                 HostWorkers& workers) {
  constexpr std::array<int, 8> x{1, 5, 2, 6, 3, 7, 4, 8};
  const std::size_t weights = row_bytes / nested::block_bytes * nested::block_weights;
  const std::size_t scales = weights / 2;
  const std::size_t zeros = scales + weights / nested::block_weights * 2;
  std::vector<std::int64_t> y(data.size() / row_bytes);
  workers.run(y.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      const std::byte* const row = data.data() + r * row_bytes;
      for (std::size_t i = 0; i < weights; ++i) {
        const std::size_t block = i / nested::block_weights;
        const int both = std::to_integer<int>(row[i / 2]);
        const int value = i % 2 == 0 ? both % 16 : both / 16;
        const int zero = std::to_integer<int>(row[zeros + block]);
        const int scale = std::to_integer<int>(row[scales + 2 * block]) +
                          256 * std::to_integer<int>(row[scales + 2 * block + 1]);
        y[r] += std::int64_t{scale} * (value - zero) * x[i % x.size()];
      }
    }
  });
  return y;
}

}  // namespace offload::reference
