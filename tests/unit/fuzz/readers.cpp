// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fuzz/readers.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

#include "bench/models/gguf.hpp"
#include "bench/models/safetensors.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// An error is for one line of a terminal, whatever stands in the file.
void check_line(const std::string& line) {
  for (const char letter : line) {
    if (letter < 0x20 || letter > 0x7e) throw std::logic_error("an error that cannot be printed");
  }
}

/// What every model may be relied upon for.
void check_model(const Model& model) {
  bool sound = !model.layers.empty() && !model.name.empty();
  for (const ModelLayer& layer : model.layers) {
    sound = sound && !layer.tensors.empty();
    for (const ModelTensor& tensor : layer.tensors) {
      sound = sound && !tensor.name.empty() && !tensor.dtype.empty() && tensor.bytes != 0;
    }
  }
  if (!sound) throw std::logic_error("a model with an empty part");
}

template <class Read>
bool takes(Read read) {
  try {
    check_model(read());
    return true;
  } catch (const UsageError& error) {
    check_line(error.what());
    return false;
  }
}

}  // namespace

bool takes_gguf(std::string_view content) {
  return takes([&] {
    std::istringstream in{std::string(content)};
    return model_from(read_gguf_header(in, content.size(), "input"));
  });
}

bool takes_safetensors(std::string_view content) {
  std::string file;
  if (content.starts_with('{')) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      file += static_cast<char>(content.size() >> shift & 0xffU);
    }
  }
  file += content;
  return takes([&] {
    std::istringstream in{file};
    return model_from(read_safetensors_header(in, file.size(), "input").tensors, "input");
  });
}

}  // namespace offload
