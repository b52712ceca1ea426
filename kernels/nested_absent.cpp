// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/nested.hpp"

namespace offload::kernels {

void nested(const nested::Row* /*table*/, std::size_t /*rows*/, std::size_t /*blocks*/,
            std::int64_t* /*y*/, StreamHandle /*stream*/) {
  built_without_cuda("nested");
}

}  // namespace offload::kernels
