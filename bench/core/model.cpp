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

std::uint64_t Model::parameters() const { return sum(*this, &ModelTensor::parameters); }
std::uint64_t Model::bytes() const { return sum(*this, &ModelTensor::bytes); }

}  // namespace offload
