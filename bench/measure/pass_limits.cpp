// SPDX-License-Identifier: Apache-2.0
// Limits of many tokens and of passes over many tensors.
#include <algorithm>
#include <memory>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/measure/limits.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/timed.hpp"
#include "kernels/sm90/read_once.hpp"
#include "offload/cuda/matmul.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

class PassLimits {
 public:
  explicit PassLimits(LimitRunner& runner) : runner_(runner) {}

  void measure() {
    if (cuda::Matmul::support()) {
      for (const std::size_t tokens : {1, 512, 2048, 8192}) many_tokens(tokens);
      read_once();
      read_once_at_c2c_rate();
    }
    for (const std::size_t bytes : {64 * MiB, 448 * MiB}) prefetch(bytes);
    split_decode();
    resident_decode();
  }

 private:
  std::unique_ptr<Workload> workload(const char* name, std::size_t tokens) const {
    return runner_.context().catalog.workload(name)->with_parameter(tokens);
  }
  static std::string at(const char* id, std::size_t tokens) {
    return std::string(id) + "/m" + std::to_string(tokens);
  }

  /// Seconds of one bare copy of `bytes` from pinned memory, in turn with the case last prepared.
  std::pair<double, double> against_copy(std::size_t bytes) {
    const auto source = runner_.session().host_buffers().borrow(HostMemory::pinned, bytes);
    const cuda::DeviceBuffer target(bytes);
    return runner_.against([&] {
      cuda::memcpy_async(target.data(), source.data(), bytes, runner_.session().stream());
    });
  }

  void many_tokens(std::size_t tokens) {
    const WeightSet weights = bf16_weights("28672x8192", large_rows, large_cols);
    const auto gemm = workload("gemm", tokens);
    const std::string id = at("ring_vs_link", tokens);
    if (runner_.start_against_link(id, "pinned_ring_copy")) {
      runner_.loop().prepare(runner_.steady(gemm.get(), "pinned_ring_copy", weights));
      const auto [ring, copy] = against_copy(weights.bytes());
      runner_.add(id, "gemm under pinned_ring_copy / bare cudaMemcpyAsync of the weight",
                  ring / copy, 1.04, false, ring, copy, "s");
    }
    if (tokens > 1) resident_gemm(*gemm, weights);
    runner_.loop().clear();
  }

  /// A product of many tokens against reading its weight over the link once.
  void read_once() {
    const WeightSet weights = bf16_weights("28672x8192", large_rows, large_cols);
    std::vector<std::unique_ptr<Workload>> products;  // alive as long as the loop may refer to them
    double once = 0;
    for (const std::size_t tokens : {256, 1024, 2048, 4096, 8192}) {
      const std::string id = at("read_once_vs_read", tokens);
      products.push_back(workload("gemm", tokens));
      const Workload* const gemm = products.back().get();
      const Case item = runner_.steady(gemm, "pinned_read_once", weights);
      if (!runner_.start_against_link(id, "pinned_read_once")) return;
      if (!runner_.start(id, item)) return;
      if (once == 0) {
        once = runner_.case_median(runner_.steady("stream_read", "pinned_zero_copy", weights));
      }
      const double product = runner_.case_median(item);
      // Beyond 4,096 tokens two clusters share a read, and the second runs behind the first.
      const double goal = tokens <= 4096 ? 1.02 : 1.1;
      runner_.add(id, "gemm under pinned_read_once / stream_read under pinned_zero_copy",
                  product / once, goal, false, product, once, "s");
    }
    runner_.loop().clear();
  }

  /// Whether its kernels would keep up with a link as fast as Grace Hopper's: their reads with the
  /// weight in GPU memory, which answers sooner than such a link, and takes that much more a second.
  void read_once_at_c2c_rate() {
    constexpr double c2c_peak = 450e9;  // NVLink-C2C, each way
    const WeightSet weights = bf16_weights("28672x8192", large_rows, large_cols);
    for (const std::size_t tokens : {256, 512, 1024}) {
      const std::string id = at("read_once_vs_c2c", tokens);
      const auto gemm = workload("gemm", tokens);
      if (!runner_.start(id, runner_.steady(gemm.get(), "pinned_read_once", weights))) return;
      runner_.loop().prepare(runner_.steady(gemm.get(), "device_resident", weights));
      const double seconds = read_once_seconds(runner_.placed_data(), tokens);
      const double rate = static_cast<double>(weights.bytes()) / seconds;
      runner_.add(id,
                  "weight read by the kernels of pinned_read_once from GPU memory / what "
                  "NVLink-C2C carries",
                  rate / c2c_peak, 1.0, true, rate, c2c_peak, "B/s");
      runner_.loop().clear();
    }
  }

  double read_once_seconds(const std::byte* w, std::size_t tokens) {
    Session& session = runner_.session();
    const cuda::DeviceBuffer x(tokens * large_cols * 2);
    const cuda::DeviceBuffer y(tokens * large_rows * 2);
    using kernels::ReadOnceGemm;
    const cuda::DeviceBuffer workspace(
        std::max<std::size_t>(ReadOnceGemm::workspace_bytes(tokens), 1));
    cuda::memcpy_async(x.data(), w, x.bytes(), session.stream());  // as random as the weight
    const ReadOnceGemm product(cuda::driver_function(ReadOnceGemm::encoder));
    return median_seconds(session, runner_.context().wall, repeats, [&] {
      product.launch(w, DType::bf16, large_rows, large_cols, x.data(), tokens, y.data(), large_rows,
                     workspace.data(), session.stream());
    });
  }

  void resident_gemm(const Workload& gemm, const WeightSet& weights) {
    const std::size_t tokens = gemm.tokens();
    runner_.context().started(at("resident_gemm_vs_cublaslt", tokens));
    runner_.loop().prepare(runner_.steady(&gemm, "device_resident", weights));
    const std::byte* w = runner_.placed_data();
    const StreamHandle stream = runner_.session().stream();
    const cuda::DeviceBuffer x(tokens * large_cols * 2);
    const cuda::DeviceBuffer y(tokens * large_rows * 2);
    // Values as random as ours: products of constants take less power, and so less time.
    cuda::memcpy_async(x.data(), w, x.bytes(), stream);
    cuda::Matmul cublaslt;
    const auto [ours, bare] = runner_.against([&] {
      cublaslt.launch(w, DType::bf16, large_rows, large_cols, x.data(), tokens, y.data(),
                      large_rows, stream);
    });
    runner_.add(at("resident_gemm_vs_cublaslt", tokens),
                "gemm under device_resident / bare cublasLtMatmul", ours / bare, 1.02, false, ours,
                bare, "s");
  }

  void prefetch(std::size_t layer_bytes) {
    const std::string id = "prefetch_copy_vs_link/" + format_size(layer_bytes);
    if (!runner_.start_against_link(id, "pinned_prefetch2_copy")) return;
    const std::size_t layers = std::max<std::size_t>(4, 1024 * MiB / layer_bytes);
    const WeightSet weights = bf16_layers(layers, layer_bytes);
    runner_.loop().prepare(runner_.steady("gemv", "pinned_prefetch2_copy", weights));
    const auto [ours, copy] = against_copy(weights.bytes());
    const double bytes = static_cast<double>(weights.bytes());
    runner_.add(id,
                "bare copy of as much / gemv of " + weights.name + " under pinned_prefetch2_copy",
                copy / ours, 0.98, true, bytes / ours, bytes / copy, "B/s");
    runner_.loop().clear();
  }

  /// Both memory paths at once, against either alone.
  void split_decode() {
    if (!runner_.start_against_link("hybrid_split_vs_prefetch_copy", "hybrid_split")) return;
    const WeightSet weights = runner_.llama(std::uint64_t{2} << 30);
    const auto seconds = [&](const char* policy) {
      return runner_.case_median(runner_.steady("decode", policy, weights));
    };
    const double prefetch = seconds("pinned_prefetch_copy");
    const double ring = seconds("pinned_ring_copy");
    const double host = seconds("host_compute");
    const double split = seconds("hybrid_split");
    const std::string what = "decode of Llama-3.1-8B layers, one token: ";
    runner_.add("hybrid_split_vs_prefetch_copy",
                what + "pinned_prefetch_copy time / hybrid_split time", prefetch / split, 1.6, true,
                split, prefetch, "s");
    const double part = std::min(ring, host);
    runner_.add("hybrid_split_vs_its_parts",
                what + "hybrid_split / the better of host_compute and pinned_ring_copy",
                split / part, 1.03, false, split, part, "s");
    runner_.loop().clear();
  }

  double median_as_graph(const Case& item) {
    runner_.loop().clear();
    LimitsContext& context = runner_.context();
    LoopOptions options = context.loop_options;
    options.graphs = true;
    Loop loop(context.session, context.calibration, context.wall, options);
    return runner_.case_median(loop, item);
  }

  /// A whole model's step against its parts measured alone.
  void resident_decode() {
    const char* const id = "resident_decode_vs_gemvs";
    if (!runner_.start(id, "device_resident")) return;
    const WeightSet model = runner_.llama(~std::uint64_t{0});
    if (model.bytes() > gpu_memory_limit(runner_.session().platform()) / 2) {
      runner_.skip({std::string("limit/") + id, "decode", "device_resident", model.name, "steady",
                    "needs " + format_size_rounded(2 * model.bytes()) + " of free GPU memory"});
      return;
    }
    std::vector<WeightSet> single;  // alive together: the loop knows weights by their address
    for (const WeightTensor& tensor : model.tensors) {
      if (tensor.layer == 0) single.push_back({tensor.name, {tensor}});
    }
    double alone = 0;
    for (const WeightSet& one : single) {
      alone += runner_.case_median(runner_.steady("gemv", "device_resident", one));
    }
    alone *= static_cast<double>(model.slice->layers);
    const double step = median_as_graph(runner_.steady("decode", "device_resident", model));
    runner_.add(id, "decode of all layers of Llama-3.1-8B, as a graph / the sum of its gemvs alone",
                step / alone, 1.03, false, step, alone, "s");
    runner_.loop().clear();
  }

  LimitRunner& runner_;
};

}  // namespace

void measure_pass_limits(LimitRunner& runner) { PassLimits(runner).measure(); }

}  // namespace offload
