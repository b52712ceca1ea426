// SPDX-License-Identifier: Apache-2.0
#include "bench/models/gguf.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <set>
#include <string_view>

#include "bench/core/text.hpp"
#include "bench/models/byte_reader.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

// What a file may ask of us. Real headers: 30 MB, most of it vocabulary; about 100 keys; about
// 2,000 tensors, 50,000 where every expert is one of its own.
constexpr std::uint64_t max_header_bytes = 128U << 20U;
// Experts are stacked: the largest have thousands.
constexpr std::uint64_t max_header_tensors = 100'000;
constexpr std::uint64_t max_keys = 65'536;
constexpr std::uint64_t max_key_length = 65'535;  // the format's own
constexpr std::uint64_t max_name_length = 255;    // llama.cpp: 63
constexpr std::uint64_t max_dimensions = 4;       // ggml's own
constexpr std::uint64_t kept_text_length = 4096;
constexpr int max_nesting = 4;  // ggml nests no array at all
constexpr std::uint64_t max_bytes = std::uint64_t{1} << 62U;

constexpr auto types = std::to_array<GgmlType>({
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},      {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},      {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},   {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},
});

const GgmlType* find_ggml_type(std::uint64_t id) {
  const auto* const found = std::find_if(types.begin(), types.end(),
                                         [id](const GgmlType& type) { return type.id == id; });
  return found == types.end() ? nullptr : &*found;
}

enum class ValueType : std::uint8_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64,
  end
};

/// Bytes of a value of fixed size; 0 for strings and arrays.
constexpr std::size_t size_of(ValueType type) {
  constexpr std::array<std::uint8_t, 13> sizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<std::size_t>(type)];
}

class HeaderReader {
 public:
  HeaderReader(std::istream& in, std::uint64_t size, const std::string& source)
      : bytes_(in, std::min(size, max_header_bytes), source), cut_(size > max_header_bytes) {
    header_.source = source;
  }

  GgufHeader read() {
    read_version();
    const std::uint64_t tensors = bytes_.number(8, "the number of tensors");
    const std::uint64_t keys = bytes_.number(8, "the number of keys");
    // The least a key and a tensor take: empty names, one byte of value, no dimension.
    check_count(keys, max_keys, 8 + 4 + 1, "keys");
    check_count(tensors, max_header_tensors, 8 + 4 + 4 + 8, "tensors");
    for (std::uint64_t i = 0; i < keys; ++i) read_key();
    read_alignment();
    header_.tensors.reserve(static_cast<std::size_t>(tensors));
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor();
    header_.header_bytes = bytes_.position();
    check_offsets();
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { bytes_.fail(why); }

  void read_version() {
    if (bytes_.remaining() < 4 || bytes_.text(4, "the magic") != "GGUF") {
      fail("is not a GGUF file: it does not begin with 'GGUF'");
    }
    header_.version = static_cast<std::uint32_t>(bytes_.number(4, "the version"));
    if (header_.version == 2 || header_.version == 3) return;
    if ((header_.version & 0xffffU) == 0) {
      fail("is a big-endian GGUF file; only little-endian ones are read");
    }
    fail("is GGUF version " + std::to_string(header_.version) +
         "; versions 2 and 3 are read: convert it anew");
  }

  void check_count(std::uint64_t count, std::uint64_t max, std::uint64_t min_bytes,
                   const std::string& what) const {
    if (count > max) {
      fail("claims " + std::to_string(count) + " " + what + ", more than the " +
           std::to_string(max) + " that are read");
    }
    if (count > bytes_.remaining() / min_bytes) {
      fail("claims " + std::to_string(count) + " " + what + ", more than fit into its " +
           std::to_string(bytes_.remaining()) + " bytes; download it again");
    }
  }

  std::string read_name(std::uint64_t max, const std::string& what) {
    const std::uint64_t length = bytes_.number(8, "the length of " + what);
    if (length > max) {
      fail(what + " is " + std::to_string(length) + " bytes long at byte " +
           std::to_string(bytes_.position()) + "; the limit is " + std::to_string(max));
    }
    return bytes_.text(length, what);
  }

  ValueType read_type(const std::string& key) {
    const std::uint64_t number = bytes_.number(4, "a value's type");
    if (number >= static_cast<std::uint64_t>(ValueType::end)) {
      fail("key " + in_quotes(key) + " has the unknown value type " + std::to_string(number));
    }
    return static_cast<ValueType>(number);
  }

  void skip_text(const std::string& key) {
    bytes_.skip(bytes_.number(8, "the length of a text"), "the text of key " + in_quotes(key));
  }

  void skip_array(const std::string& key, int depth) {
    if (depth > max_nesting) {
      fail("key " + in_quotes(key) + " nests arrays deeper than " + std::to_string(max_nesting));
    }
    const ValueType type = read_type(key);
    const std::uint64_t count = bytes_.number(8, "the length of an array");
    // A text takes at least its length, an array its type and its length.
    const std::uint64_t min_bytes = type == ValueType::string  ? 8
                                    : type == ValueType::array ? 12
                                                               : size_of(type);
    if (count > bytes_.remaining() / min_bytes) {
      fail("key " + in_quotes(key) + " claims an array of " + std::to_string(count) +
           " values, more than fit into the file" + (cut_ ? "'s first 128 MiB" : ""));
    }
    if (type != ValueType::string && type != ValueType::array) {
      bytes_.skip(count * min_bytes, "the array of key " + in_quotes(key));
      return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      type == ValueType::string ? skip_text(key) : skip_array(key, depth + 1);
    }
  }

  void read_key() {
    const std::string key = read_name(max_key_length, "a key");
    if (key.empty()) fail("has a key without a name");
    if (!keys_.insert(key).second) fail("has the key " + in_quotes(key) + " twice");
    const ValueType type = read_type(key);
    if (type == ValueType::array) return skip_array(key, 1);
    if (type == ValueType::string) {
      const std::uint64_t length = bytes_.number(8, "the length of a text");
      const std::string what = "the text of key " + in_quotes(key);
      if (length > kept_text_length) return bytes_.skip(length, what);
      header_.values.emplace(key, bytes_.text(length, what));
      return;
    }
    header_.values.emplace(key, read_scalar(type, key));
  }

  GgufHeader::Value read_scalar(ValueType type, const std::string& key) {
    const std::size_t size = size_of(type);
    const std::uint64_t raw = bytes_.number(size, "the value of key " + in_quotes(key));
    switch (type) {
      case ValueType::boolean:
        return raw != 0;
      case ValueType::float32:
        return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)));
      case ValueType::float64:
        return std::bit_cast<double>(raw);
      case ValueType::int8:
      case ValueType::int16:
      case ValueType::int32:
      case ValueType::int64: {
        const auto unused_bits = static_cast<unsigned>(64 - 8 * size);
        return static_cast<std::int64_t>(raw << unused_bits) >> unused_bits;  // extends the sign
      }
      default:
        return raw;
    }
  }

  void read_alignment() {
    const auto given = header_.count("general.alignment", 0xffff'ffffU);
    if (!given) return;
    if (!std::has_single_bit(*given)) {
      fail("general.alignment is " + std::to_string(*given) + ", not a power of two");
    }
    header_.alignment = *given;
  }

  void read_tensor() {
    GgufTensor tensor;
    tensor.name = read_name(max_name_length, "a tensor's name");
    const std::string who = "tensor " + in_quotes(tensor.name);
    if (tensor.name.empty()) fail("has a tensor without a name");
    if (!names_.insert(tensor.name).second) fail("has " + who + " twice");
    const std::uint64_t dimensions = bytes_.number(4, "the dimensions of " + who);
    if (dimensions == 0 || dimensions > max_dimensions) {
      fail(who + " has " + std::to_string(dimensions) + " dimensions; ggml has 1 to 4");
    }
    for (std::uint64_t i = 0; i < dimensions; ++i) {
      tensor.shape.push_back(bytes_.number(8, "the shape of " + who));
    }
    const std::uint64_t type = bytes_.number(4, "the type of " + who);
    const GgmlType* const known = find_ggml_type(type);
    if (known == nullptr) {
      fail(who + " has the ggml type " + std::to_string(type) + ", which is not known here");
    }
    tensor.type = *known;
    tensor.offset = bytes_.number(8, "the offset of " + who);
    measure(tensor, who);
    header_.tensors.push_back(std::move(tensor));
  }

  void measure(GgufTensor& tensor, const std::string& who) const {
    const std::uint64_t row = tensor.shape.front();  // ggml writes the innermost dimension first
    if (row % tensor.type.block_weights != 0) {
      fail(who + " has rows of " + std::to_string(row) + " weights, not a multiple of the " +
           std::to_string(tensor.type.block_weights) + " in a block of " +
           std::string(tensor.type.name));
    }
    std::uint64_t weights = 1;
    for (const std::uint64_t length : tensor.shape) {
      if (length != 0 && weights > max_bytes / 8 / length) fail(who + " has an impossible shape");
      weights *= length;
    }
    tensor.weights = weights;
    // No overflow: no type takes more than 8 bytes a weight.
    tensor.bytes = weights / tensor.type.block_weights * tensor.type.block_bytes;
    std::reverse(tensor.shape.begin(), tensor.shape.end());
  }

  /// Every tensor at a multiple of the alignment, none over another. The data may be missing: a
  /// file cut off after its header describes its model as well as a whole one.
  void check_offsets() const {
    std::vector<const GgufTensor*> placed;
    placed.reserve(header_.tensors.size());
    for (const GgufTensor& tensor : header_.tensors) placed.push_back(&tensor);
    std::sort(placed.begin(), placed.end(), [](const GgufTensor* a, const GgufTensor* b) {
      return a->offset != b->offset ? a->offset < b->offset : a->bytes < b->bytes;
    });
    std::uint64_t free_from = 0;
    for (const GgufTensor* tensor : placed) {
      const std::string at =
          "tensor " + in_quotes(tensor->name) + " lies at offset " + std::to_string(tensor->offset);
      if (tensor->offset % header_.alignment != 0) {
        fail(at + ", not a multiple of the alignment " + std::to_string(header_.alignment));
      }
      if (tensor->offset > max_bytes) fail(at + ", beyond any file");
      if (tensor->offset < free_from) fail(at + ", inside the tensor before it");
      free_from = tensor->offset + tensor->bytes;
    }
  }

  ByteReader bytes_;
  bool cut_;  // the file is longer than what is read of it
  GgufHeader header_;
  std::set<std::string> keys_;
  std::set<std::string> names_;
};

}  // namespace

const GgmlType* find_ggml_type(std::string_view name) {
  const auto* const found = std::ranges::find(types, name, &GgmlType::name);
  return found == types.end() ? nullptr : &*found;
}

std::string GgufHeader::text(const std::string& key) const {
  const auto found = values.find(key);
  if (found == values.end()) return {};
  if (const auto* const value = std::get_if<std::string>(&found->second)) return *value;
  throw UsageError(source + ": " + printable(key) + " is not text");
}

std::optional<std::uint64_t> GgufHeader::count(const std::string& key, std::uint64_t max) const {
  const auto found = values.find(key);
  if (found == values.end()) return std::nullopt;
  std::optional<std::uint64_t> number;
  if (const auto* const value = std::get_if<std::uint64_t>(&found->second)) number = *value;
  if (const auto* const value = std::get_if<std::int64_t>(&found->second); value && *value >= 0) {
    number = static_cast<std::uint64_t>(*value);
  }
  if (number && *number <= max) return number;
  throw UsageError(source + ": " + printable(key) + " is not a whole number from 0 to " +
                   std::to_string(max));
}

GgufHeader read_gguf_header(std::istream& in, std::uint64_t size, const std::string& source) {
  return HeaderReader(in, size, source).read();
}

}  // namespace offload
