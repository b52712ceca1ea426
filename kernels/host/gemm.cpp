// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/gemm.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include "kernels/matmul.hpp"

namespace offload::host {
namespace {

/// Bf16 is the upper half of a float; units take what is subnormal for zero.
bool is_bf16(float value) {
  constexpr std::uint32_t exponent = 0x7F800000;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return (bits & 0xFFFF) == 0 && (bits << 1 == 0 || (bits & exponent) != 0);
}

bool multiplies(const Bf16Unit& unit, DType dtype) {
  return dtype == DType::bf16 || (dtype == DType::fp8_e4m3 && unit.multiplies_fp8);
}

/// Rows that a worker takes at a time: of many tokens more, because x comes from L3 for each of
/// them, but few enough to give every worker some.
std::size_t grain(std::size_t rows, std::size_t step, std::size_t tokens, std::size_t workers) {
  constexpr std::size_t many = 128;
  const std::size_t most = tokens > many / 2 ? std::max(many, step) : step;
  const std::size_t share = rows / workers;
  return share < step ? std::clamp<std::size_t>(share, 1, step)
                      : std::min(most, share / step * step);
}

}  // namespace

std::vector<const Bf16Unit*> bf16_units() {
  static const std::vector<const Bf16Unit*> usable = [] {
    std::vector<const Bf16Unit*> found;
    for (const Bf16Unit* unit : {&amx_unit(), &avx512_unit()}) {
      if (unit->usable()) found.push_back(unit);
    }
    return found;
  }();
  return usable;
}

std::string_view name(const Bf16Unit& unit) { return unit.name; }

void GemmInput::Free::operator()(std::uint16_t* values) const { std::free(values); }

GemmInput::GemmInput(const float* x, std::size_t tokens, std::size_t cols, const Bf16Unit* unit)
    : x_(x) {
  if (unit == nullptr || !std::all_of(x, x + tokens * cols, is_bf16)) return;
  unit_ = unit;
  constexpr std::size_t line = 64;
  const std::size_t bytes = unit->packed_values(tokens, cols) * sizeof(std::uint16_t);
  packed_.reset(static_cast<std::uint16_t*>(
      std::aligned_alloc(line, std::max(line, (bytes + line - 1) / line * line))));
  if (packed_ == nullptr) throw std::bad_alloc();
  unit->pack(x, tokens, cols, packed_.get());
}

GemmInput::GemmInput(const float* x, std::size_t tokens, std::size_t cols)
    : GemmInput(x, tokens, cols, bf16_units().empty() ? nullptr : bf16_units().front()) {}

void gemm(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const GemmInput& x,
          std::size_t tokens, float* y, std::size_t ld_y, HostWorkers& workers) {
  if (tokens == 1) return gemv(w, dtype, rows, cols, x.values(), y, workers);
  if (dtype != DType::bf16 && dtype != DType::fp16 && dtype != DType::fp8_e4m3) {
    throw std::invalid_argument("gemm on the CPU reads bf16, fp16 and fp8_e4m3 weights, not " +
                                std::string(offload::name(dtype)));
  }
  if (tokens == 0) return;
  const Bf16Unit* unit = x.unit();
  if (unit != nullptr && !multiplies(*unit, dtype)) unit = nullptr;
  constexpr std::size_t fp32_step = 8;  // whole tiles of rows
  const std::size_t step = unit == nullptr ? fp32_step : unit->row_step;
  workers.enqueue(
      rows, grain(rows, step, unit == nullptr ? 1 : tokens, workers.size()),
      [=, values = x.values(), packed = x.packed()](std::size_t begin, std::size_t end) {
        const GemmShare share{w + begin * cols * bytes_of(dtype),
                              dtype,
                              end - begin,
                              cols,
                              values,
                              packed,
                              tokens,
                              y + begin,
                              ld_y};
        if (unit == nullptr) {
          gemm_rows_fp32(share);
        } else {
          unit->gemm_rows(share);
        }
      });
}

}  // namespace offload::host
