// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oracle_files.hpp"

#include <fstream>
#include <sstream>

#include "bench/models/linear_weights.hpp"

namespace offload::oracle {
namespace {

std::uint64_t element_bytes(const std::string& dtype) {
  if (dtype == "BF16" || dtype == "F16") return 2;
  if (dtype == "BOOL" || dtype.ends_with("8") || dtype.starts_with("F8")) return 1;
  return dtype == "I64" ? 8 : 4;
}

}  // namespace

std::filesystem::path directory() {
  return std::filesystem::path(OFFLOAD_TESTS_DIRECTORY) / "data" / "models";
}

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

JsonValue at(const JsonValue& object, std::string_view name) { return object.find(name).value(); }
std::uint64_t number(const JsonValue& object, std::string_view name) {
  return at(object, name).whole_number().value();
}
std::string text(const JsonValue& value) { return std::string(value.text().value()); }

std::vector<std::uint64_t> numbers_in(const std::string& ranges) {
  std::vector<std::uint64_t> numbers;
  std::istringstream words(ranges);
  for (std::string word; std::getline(words, word, ',');) {
    const std::size_t dash = word.find('-');
    const std::uint64_t first = std::stoull(word);
    const std::uint64_t last = dash == word.npos ? first : std::stoull(word.substr(dash + 1));
    for (std::uint64_t i = first; i <= last; ++i) numbers.push_back(i);
  }
  return numbers;
}

std::vector<std::string> names_of(const std::string& pattern) {
  const std::size_t open = pattern.find('{');
  if (open == pattern.npos) return {pattern};
  const std::size_t close = pattern.find('}', open);
  const std::vector<std::string> rests = names_of(pattern.substr(close + 1));
  std::vector<std::string> names;
  for (const std::uint64_t i : numbers_in(pattern.substr(open + 1, close - open - 1))) {
    for (const std::string& rest : rests) {
      names.push_back(pattern.substr(0, open) + std::to_string(i) + rest);
    }
  }
  return names;
}

std::vector<ModelTensor> tensors_of(const JsonValue& model) {
  std::vector<ModelTensor> tensors;
  for (const JsonValue& entry : at(model, "names").items()) {
    const std::vector<JsonValue> parts = entry.items();
    ModelTensor tensor;
    tensor.dtype = text(parts[2]);
    tensor.bytes = element_bytes(tensor.dtype);
    for (const JsonValue& item : parts[1].items()) {
      tensor.shape.push_back(item.whole_number().value());
      tensor.bytes *= tensor.shape.back();
    }
    for (const std::string& name : names_of(text(parts[0]))) {
      tensor.name = name;
      tensors.push_back(tensor);
    }
  }
  return tensors;
}

std::string header_of(const std::vector<ModelTensor>& tensors) {
  std::ostringstream header;
  std::uint64_t begin = 0;
  for (const ModelTensor& tensor : tensors) {
    std::ostringstream shape;
    for (const std::uint64_t length : tensor.shape) {
      shape << (shape.tellp() > 0 ? "," : "") << length;
    }
    header << (begin > 0 ? "," : "{") << '"' << tensor.name << R"(":{"dtype":")" << tensor.dtype
           << R"(","shape":[)" << shape.str() << R"(],"data_offsets":[)" << begin << ","
           << begin + tensor.bytes << "]}";
    begin += tensor.bytes;
  }
  header << "}";
  return header.str();
}

std::uint64_t linear_parameters(const ModelLayer& layer) {
  std::uint64_t sum = 0;
  for (const ModelTensor& tensor : layer.tensors) {
    if (is_linear_weight(tensor)) sum += tensor.parameters;
  }
  return sum;
}

std::string difference(const Model& model, const JsonValue& oracle, std::uint64_t parameters) {
  std::ostringstream difference;
  const auto differs = [&](std::string_view what, std::uint64_t read, std::uint64_t right) {
    if (read == right) return false;
    difference << (difference.tellp() > 0 ? "; " : "") << what << " " << read << ", not " << right;
    return true;
  };
  std::vector<std::uint64_t> linear;
  for (const JsonValue& run : at(oracle, "layers").items()) {
    for (const std::uint64_t layer : numbers_in(text(run.items()[0]))) {
      if (linear.size() <= layer) linear.resize(layer + 1);
      linear[layer] = run.items()[1].whole_number().value();
    }
  }
  differs("layers", model.layers.size(), linear.size());
  differs("experts", model.experts, number(oracle, "experts"));
  differs("experts per token", model.experts_per_token, number(oracle, "experts_per_token"));
  differs("parameters", model.parameters(), parameters);
  for (std::size_t i = 0; i < model.layers.size() && i < linear.size(); ++i) {
    const std::string what = "linear parameters of layer " + std::to_string(i);
    if (differs(what, linear_parameters(model.layers[i]), linear[i])) break;
  }
  return difference.str();
}

}  // namespace offload::oracle
