// SPDX-License-Identifier: Apache-2.0
#include "offload/model.hpp"

namespace offload {
namespace {

std::uint64_t sum(const Model& model, std::uint64_t ModelTensor::*amount) {
  std::uint64_t total = 0;
  for (const ModelTensor& tensor : model.ends) total += tensor.*amount;
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) total += tensor.*amount;
  }
  return total;
}

}  // namespace

std::string Model::label() const {
  return tensor_parallel > 1 ? name + ".tp" + std::to_string(tensor_parallel) : name;
}

std::uint64_t Model::parameters() const { return sum(*this, &ModelTensor::parameters); }
std::uint64_t Model::bytes() const { return sum(*this, &ModelTensor::bytes); }

std::uint64_t Model::bytes(Part part) const {
  std::uint64_t bytes = 0;
  const auto add = [&](const std::vector<ModelTensor>& tensors) {
    for (const ModelTensor& tensor : tensors) bytes += tensor.part == part ? tensor.bytes : 0;
  };
  add(ends);
  for (const ModelLayer& layer : layers) add(layer.tensors);
  return bytes;
}

}  // namespace offload
