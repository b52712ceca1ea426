// SPDX-License-Identifier: Apache-2.0
// What every reader may be relied upon for, whatever it is given.
#pragma once
#include <stdexcept>
#include <string_view>

#include "bench/core/text.hpp"
#include "offload/error.hpp"
#include "offload/model.hpp"

namespace offload::fuzz {

/// An error is for one line of a terminal, whatever stands in the file.
inline void check_line(std::string_view line) {
  if (printable(line) != line) throw std::logic_error("an error that cannot be printed");
}

inline void check_model(const Model& model) {
  bool sound = !model.layers.empty() && !model.name.empty();
  for (const ModelLayer& layer : model.layers) {
    sound = sound && !layer.tensors.empty();
    for (const ModelTensor& tensor : layer.tensors) {
      sound = sound && !tensor.name.empty() && !tensor.dtype.empty() && tensor.bytes != 0;
    }
  }
  if (!sound) throw std::logic_error("a model with an empty part");
}

/// Whether `read` returns. A UsageError of one printable line is the other way to end.
template <class Read>
bool takes(Read read) {
  try {
    read();
    return true;
  } catch (const UsageError& error) {
    check_line(error.what());
    return false;
  }
}

}  // namespace offload::fuzz
