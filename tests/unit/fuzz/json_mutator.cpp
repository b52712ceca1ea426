// SPDX-License-Identifier: Apache-2.0
// libFuzzer's mutation of readers of JSON: half of the time a value of the document is changed, so
// that it stays one. Byte by byte most mutants are refused for their syntax alone.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

// Names and types are libFuzzer's.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace offload::fuzz {
namespace {

using Json = nlohmann::ordered_json;
using Random = std::minstd_rand;

std::size_t below(std::size_t bound, Random& random) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

void collect(Json& value, std::vector<Json*>& values) {
  values.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& child : value) collect(child, values);
}

Json odd_value(Random& random) {
  static const std::array<Json, 16> values{nullptr,
                                           true,
                                           false,
                                           0,
                                           1,
                                           2,
                                           3,
                                           64,
                                           -1,
                                           0.5,
                                           1e300,
                                           std::uint64_t{1} << 31U,
                                           ~std::uint64_t{0},
                                           "",
                                           Json::array(),
                                           Json::object()};
  return values[below(values.size(), random)];
}

std::string mutated_text(std::string text) {
  const std::size_t length = text.size();
  text.resize(length + 8);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), length, text.size()));
  return text;
}

/// A member gets a name from elsewhere in the document, or goes.
void mutate_members(Json& value, const std::vector<Json*>& all, Random& random) {
  if (value.empty()) return;
  auto member = value.begin();
  std::advance(member, static_cast<std::ptrdiff_t>(below(value.size(), random)));
  const Json& other = *all[below(all.size(), random)];
  if (value.is_object() && other.is_object() && !other.empty() && below(2, random) == 0) {
    auto named = other.begin();
    std::advance(named, static_cast<std::ptrdiff_t>(below(other.size(), random)));
    const std::string name = named.key();
    Json content = *named;
    value[name] = std::move(content);
  } else {
    value.erase(member);
  }
}

void mutate(Json& document, Random& random) {
  std::vector<Json*> all;
  collect(document, all);
  Json& value = *all[below(all.size(), random)];
  switch (below(4, random)) {
    case 0:
      value = odd_value(random);
      break;
    case 1: {
      Json copy = *all[below(all.size(), random)];
      value = std::move(copy);
      break;
    }
    case 2:
      if (value.is_structured()) {
        mutate_members(value, all, random);
        break;
      }
      [[fallthrough]];
    default:
      if (value.is_string()) {
        value = mutated_text(value.get<std::string>());
      } else if (value.is_number_unsigned()) {
        value = value.get<std::uint64_t>() + below(5, random) - 2;
      } else {
        value = odd_value(random);
      }
  }
}

/// `data` with one value changed; "" where it is no JSON, and half of the time.
std::string mutated(const std::uint8_t* data, std::size_t size, unsigned seed) {
  Random random(seed);
  Json document = Json::parse(data, data + size, nullptr, false);
  if (document.is_discarded() || below(2, random) == 0) return {};
  mutate(document, random);
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace
}  // namespace offload::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::string text = offload::fuzz::mutated(data, size, seed);
  if (text.empty() || text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(text.begin(), text.end(), data);
  return text.size();
}
