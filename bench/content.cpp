// SPDX-License-Identifier: Apache-2.0
#include "bench/content.hpp"

#include "kernels/reference.hpp"

namespace offload {

MasterCopy::MasterCopy(const WeightSet& weights, Content content, std::uint64_t seed,
                       Session& session)
    : content_(content) {
  loans_.reserve(weights.tensors.size());
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    const WeightTensor& tensor = weights.tensors[i];
    auto& loan =
        loans_.emplace_back(session.host_buffers().borrow(HostMemory::pageable, tensor.bytes()));
    const std::span<std::byte> bytes{loan.data(), tensor.bytes()};
    reference::fill_random(bytes, tensor.dtype, seed + i, session.workers());
    if (content == Content::chain) reference::make_chain(bytes, seed + i);
    tensors_.emplace_back(bytes);
  }
}

}  // namespace offload
