// SPDX-License-Identifier: Apache-2.0
#include "kernels/reference/floats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

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

std::vector<float> all_values(DType dtype) {
  const auto& format = format_of(dtype);
  std::vector<float> values(std::size_t{1} << (8 * bytes_of(dtype)));
  for (std::uint32_t code = 0; code < values.size(); ++code) values[code] = decode(format, code);
  return values;
}

void require_numbers(DType dtype) {
  if (dtype == DType::u8) refuse(dtype);
}

}  // namespace offload::reference
