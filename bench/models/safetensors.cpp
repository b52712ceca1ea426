// SPDX-License-Identifier: Apache-2.0
#include "bench/models/safetensors.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/byte_reader.hpp"
#include "bench/models/json.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::uint64_t max_header_bytes = 100'000'000;
constexpr std::uint64_t max_bytes = std::uint64_t{1} << 62U;
constexpr std::uint64_t max_elements = std::uint64_t{1} << 56U;  // of 64 bits each: max_bytes / 8
constexpr std::size_t max_dimensions = 64;
constexpr std::size_t max_name_length = 1024;
// A tensor is about nine values: some 100,000 tensors, where the largest files have thousands.
constexpr JsonLimits json_limits{.depth = 4, .values = 1'000'000, .member_values = 100'000};

struct Dtype {
  std::string_view name;
  unsigned bits;
};
constexpr auto stored_dtypes = std::to_array<Dtype>({
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
});

class HeaderParser {
 public:
  explicit HeaderParser(const std::string& source) : source_(source) {}

  SafetensorsHeader parse(std::string_view text) {
    SafetensorsHeader header;
    header.source = source_;
    read_members(text, source_ + " (header)", json_limits, "",
                 [&](std::string_view name, const JsonValue& value) {
                   if (name == "__metadata__") {
                     check_metadata(value);
                   } else {
                     header.tensors.push_back(tensor(name, value));
                   }
                 });
    std::ranges::sort(header.tensors, {}, [](const SafetensorsTensor& tensor) {
      return std::tie(tensor.begin, tensor.end, tensor.name);
    });
    check_offsets(header.tensors);
    return header;
  }

  [[noreturn]] void fail(const std::string& why) const { throw UsageError(source_ + ": " + why); }

 private:
  void check_metadata(const JsonValue& value) const {
    const std::vector<JsonMember> members = value.members();
    const bool texts =
        value.is_object() && std::all_of(members.begin(), members.end(), [](const auto& member) {
          return member.value.text().has_value();
        });
    if (!texts) fail("__metadata__ is not an object of texts");
  }

  std::vector<std::uint64_t> numbers(const std::optional<JsonValue>& value,
                                     const std::string& what) const {
    if (!value || !value->is_list()) fail(what + " is missing, or not a list");
    const std::vector<JsonValue> items = value->items();
    if (items.size() > max_dimensions) {
      fail(what + " has " + std::to_string(items.size()) + " numbers, more than " +
           std::to_string(max_dimensions));
    }
    std::vector<std::uint64_t> read;
    read.reserve(items.size());
    for (const JsonValue& item : items) {
      const auto number = item.whole_number();
      if (!number) fail(what + " holds something other than whole numbers from 0 to 2^64 - 1");
      read.push_back(*number);
    }
    return read;
  }

  SafetensorsTensor tensor(std::string_view name, const JsonValue& value) const {
    const std::string who = "tensor " + in_quotes(name);
    if (name.empty()) fail("has a tensor without a name");
    if (name.size() > max_name_length) {
      fail("the name of " + who + " is " + std::to_string(name.size()) + " bytes long");
    }
    SafetensorsTensor read;
    read.name = name;
    const std::optional<JsonValue> dtype = value.find("dtype");
    const std::optional<std::string_view> dtype_name = dtype ? dtype->text() : std::nullopt;
    if (!dtype_name) fail(who + " has no dtype");
    read.dtype = *dtype_name;
    const unsigned bits = safetensors_dtype_bits(read.dtype);
    if (bits == 0) fail(who + " has the unknown dtype " + in_quotes(read.dtype));

    read.shape = numbers(value.find("shape"), "the shape of " + who);
    read.elements = 1;
    for (const std::uint64_t length : read.shape) {
      if (length != 0 && read.elements > max_elements / length) {
        fail(who + " has an impossible shape");
      }
      read.elements *= length;
    }
    if (read.elements * bits % 8 != 0) {
      fail(who + " is " + std::to_string(read.elements) + " elements of " + std::to_string(bits) +
           " bits, which do not fill a whole number of bytes");
    }
    const auto offsets = numbers(value.find("data_offsets"), "the data_offsets of " + who);
    if (offsets.size() != 2 || offsets[1] < offsets[0]) {
      fail("the data_offsets of " + who + " are not a beginning and an end");
    }
    read.begin = offsets[0];
    read.end = offsets[1];
    if (read.end > max_bytes) fail("the data_offsets of " + who + " are beyond any file");
    const std::uint64_t bytes = read.elements * bits / 8;
    if (read.end - read.begin != bytes) {
      fail(who + " has " + std::to_string(read.end - read.begin) +
           " bytes by its data_offsets, but " + std::to_string(bytes) + " by its shape");
    }
    return read;
  }

  void check_offsets(const std::vector<SafetensorsTensor>& tensors) const {
    std::uint64_t expected = 0;
    for (const SafetensorsTensor& tensor : tensors) {
      if (tensor.begin != expected) {
        fail("the data of tensor " + in_quotes(tensor.name) + " begins at " +
             std::to_string(tensor.begin) +
             (tensor.begin < expected ? ", inside" : ", not at the") +
             (tensor.begin < expected ? " the tensor that ends at "
                                      : " end of the tensor before, ") +
             std::to_string(expected));
      }
      expected = tensor.end;
    }
  }

  const std::string& source_;
};

}  // namespace

unsigned safetensors_dtype_bits(std::string_view dtype) {
  const auto* const found =
      std::find_if(stored_dtypes.begin(), stored_dtypes.end(),
                   [dtype](const Dtype& candidate) { return candidate.name == dtype; });
  return found == stored_dtypes.end() ? 0 : found->bits;
}

SafetensorsHeader read_safetensors_header(std::istream& in, std::uint64_t size,
                                          const std::string& source) {
  ByteReader bytes(in, size, source);
  const std::uint64_t length = bytes.number(8, "the length of the header");
  if (length > max_header_bytes) {
    bytes.fail("claims a header of " + std::to_string(length) + " bytes, more than the " +
               std::to_string(max_header_bytes) + " allowed: is it a safetensors file?");
  }
  const std::string text = bytes.text(length, "the header");
  if (text.empty() || text.front() != '{') bytes.fail("its header does not begin with '{'");
  SafetensorsHeader header = HeaderParser(source).parse(text);
  header.data = bytes.position();
  const std::uint64_t data = header.tensors.empty() ? 0 : header.tensors.back().end;
  // Less is fine: the file may be cut off after its header.
  if (bytes.remaining() > data) {
    bytes.fail("has " + std::to_string(bytes.remaining() - data) + " bytes after its last tensor");
  }
  return header;
}

}  // namespace offload
