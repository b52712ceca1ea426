// SPDX-License-Identifier: Apache-2.0
// Stands in for communicator.cpp where there is no CUDA Toolkit.
#include <stdexcept>

#include "offload/cuda/communicator.hpp"

namespace offload::cuda {

const NcclFound& nccl() {
  static const NcclFound none{"", "", "built without CUDA"};
  return none;
}

NcclFound find_nccl(const std::vector<std::string>& /*files*/) { return nccl(); }

Connect connect_by_nccl() {
  return [](std::size_t, std::size_t) -> std::shared_ptr<Communicator> {
    throw std::runtime_error(nccl().reason);
  };
}

}  // namespace offload::cuda
