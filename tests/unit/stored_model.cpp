// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/stored_model.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace offload::testing {
namespace {

/// A value of either sign below 1: bits of a counter that was mixed.
std::uint16_t code_of(std::uint64_t counter) {
  std::uint64_t mixed = (counter + 1) * 0x9E3779B97F4A7C15U;
  mixed ^= mixed >> 29U;
  mixed *= 0xBF58476D1CE4E5B9U;
  mixed ^= mixed >> 32U;
  const std::uint64_t exponent = 110 + mixed % 16;
  const std::uint64_t mantissa = (mixed >> 8U) & 0x7FU;
  const std::uint64_t sign = (mixed >> 20U) & 1U;
  return static_cast<std::uint16_t>(sign << 15U | exponent << 7U | mantissa);
}

/// Element (row, col) of a matrix whose first element has the number `first`.
std::uint16_t value_at(std::uint64_t first, std::size_t row, std::size_t col, std::size_t cols) {
  constexpr std::uint16_t large = 0x4248;  // 50
  const std::uint16_t code = code_of(first + row * cols + col);
  if (row == 0) return 0;
  if (row == 1) return col == cols / 3 ? large : static_cast<std::uint16_t>(code & 0x8000U);
  if (row == 2) return static_cast<std::uint16_t>(code & 0x807FU);
  return code;
}

}  // namespace

StoredModel::StoredModel(std::size_t shift) {
  add("model.embed_tokens.weight", 8, hidden);
  for (std::size_t i = 0; i < layers; ++i) {
    // In the order of their names, as the format's own library writes them.
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    add(layer + "input_layernorm.weight", 1, hidden);
    add(layer + "mlp.down_proj.weight", hidden, inner);
    add(layer + "mlp.gate_proj.weight", inner, hidden);
    add(layer + "mlp.up_proj.weight", inner, hidden);
    add(layer + "self_attn.k_proj.weight", kv, hidden);
    add(layer + "self_attn.o_proj.weight", hidden, hidden);
    add(layer + "self_attn.q_proj.weight", hidden, hidden);
    add(layer + "self_attn.v_proj.weight", kv, hidden);
  }
  std::string json;
  for (const Place& tensor : places_) {
    const bool vector = tensor.rows == 1;
    json += (json.empty() ? "{\"" : ",\"") + tensor.name + R"(":{"dtype":"BF16","shape":[)" +
            (vector ? "" : std::to_string(tensor.rows) + ",") + std::to_string(tensor.cols) +
            R"(],"data_offsets":[)" + std::to_string(tensor.begin) + "," +
            std::to_string(tensor.begin + tensor.rows * tensor.cols * 2) + "]}";
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8 + shift, ' ');
  data_begin_ = 8 + json.size();
  directory_.write("model.safetensors", safetensors_file(json) + data_);
}

void StoredModel::add(std::string name, std::size_t rows, std::size_t cols) {
  places_.push_back({std::move(name), rows, cols, data_.size()});
  const std::uint64_t first = data_.size();
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) {
      data_ += little_endian(value_at(first, row, col, cols), 2);
    }
  }
}

const StoredModel::Place& StoredModel::place(const std::string& name) const {
  const auto found = std::ranges::find(places_, name, &Place::name);
  if (found == places_.end()) throw std::logic_error("no tensor " + name);
  return *found;
}

std::string StoredModel::bytes(const std::string& name) const {
  const Place& tensor = place(name);
  return data_.substr(tensor.begin, tensor.rows * tensor.cols * 2);
}

std::uint64_t StoredModel::offset(const std::string& name) const {
  return data_begin_ + place(name).begin;
}

void StoredModel::set(const std::string& name, std::size_t element, std::uint16_t code) {
  const std::string value = little_endian(code, 2);
  const std::uint64_t at = place(name).begin + 2 * element;
  data_.replace(at, 2, value);
  std::fstream out(file(), std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(data_begin_ + at));
  out << value;
}

}  // namespace offload::testing
