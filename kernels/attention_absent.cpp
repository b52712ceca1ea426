// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/attention.hpp"

namespace offload::kernels {

std::size_t attention_splits(const AttentionShape& /*shape*/) {
  built_without_cuda("decode_attention");
}

std::size_t attention_scratch_floats(const AttentionShape& /*shape*/, std::size_t /*splits*/) {
  built_without_cuda("decode_attention");
}

void decode_attention(const std::uint16_t* /*keys*/, const std::uint16_t* /*values*/,
                      const std::uint16_t* /*queries*/, float* /*out*/, float* /*scratch*/,
                      const AttentionShape& /*shape*/, std::size_t /*splits*/,
                      StreamHandle /*stream*/) {
  built_without_cuda("decode_attention");
}

}  // namespace offload::kernels
