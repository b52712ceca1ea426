// SPDX-License-Identifier: Apache-2.0
// Reads every byte once and sums it: what the link, or the memory, can do.
#include <utility>

#include "bench/workloads/parts/pass_work.hpp"
#include "bench/workloads/parts/word_sums.hpp"
#include "offload/workload.hpp"

namespace offload {
namespace {

class StreamRead final : public Workload {
 public:
  std::string_view name() const override { return "stream_read"; }
  std::string_view description() const override {
    return "every byte read once with 16-byte loads, exact checksum: the link or the memory alone";
  }
  Content content() const override { return Content::random_weights; }
  Support reads(const WeightSet& /*weights*/) const override { return Support::yes(); }
  std::optional<PassWork> work(const WeightSet& weights, const Rates& rates) const override {
    PassWork work;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      const WeightTensor& tensor = weights.tensors[i];
      work.push_back(read_item({i, 0, tensor.rows}, tensor.bytes(), rates));
    }
    return work;
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent> data,
                                      HostWorkers& workers, bool gpu) const override {
    std::vector<Piece> whole;
    for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
      whole.push_back({i, 0, weights.tensors[i].rows});
    }
    return bind_stream_read(weights, data, std::move(whole), workers, gpu);
  }
};

}  // namespace

namespace workloads {

std::vector<std::unique_ptr<Workload>> stream_read() {
  std::vector<std::unique_ptr<Workload>> all;
  all.push_back(std::make_unique<StreamRead>());
  return all;
}

}  // namespace workloads

}  // namespace offload
