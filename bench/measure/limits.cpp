// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/limits.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "bench/measure/calibration.hpp"
#include "bench/measure/timed.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/slice.hpp"
#include "offload/cuda/matmul.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"
#include "offload/statistics.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

// Memory bandwidth by the vendor's datasheet, bytes per second; the clock-times-width peak the
// driver reports is higher than what is advertised.
struct Datasheet {
  std::string_view gpu;
  double memory_bytes_per_second;
};
constexpr std::array<Datasheet, 5> datasheets{{{"NVIDIA H200", 4.8e12},
                                               {"NVIDIA H100 80GB HBM3", 3.35e12},
                                               {"NVIDIA H100 PCIe", 2.0e12},
                                               {"NVIDIA A100-SXM4-80GB", 2.039e12},
                                               {"NVIDIA A100-SXM4-40GB", 1.555e12}}};

std::optional<double> datasheet_bandwidth(const Gpu& gpu) {
  for (const auto& entry : datasheets) {
    if (entry.gpu == gpu.name) return entry.memory_bytes_per_second;
  }
  return gpu.hbm_peak_bytes_per_second;
}

class Limits {
 public:
  explicit Limits(LimitRunner& runner) : runner_(runner) {}

  void measure() {
    host_gemv();
    if (runner_.session().gpu()) {
      resident();
      for (const std::size_t bytes : {64 * MiB, 256 * MiB, 1024 * MiB, 4096 * MiB}) {
        zero_copy_read(bytes);
      }
      copies(bf16_weights("64MiB", 64 * MiB / (2 * large_cols), large_cols));
      copies(bf16_weights("28672x8192", large_rows, large_cols));
    }
  }

 private:
  std::pair<double, double> two_workloads(const char* first, const char* second, const char* policy,
                                          const WeightSet& weights) {
    const Case a = runner_.steady(first, policy, weights);
    const Case b = runner_.steady(second, policy, weights);
    runner_.loop().prepare(a);
    runner_.loop().prepare(b);
    const auto pass = [this](const Case& item) {
      runner_.loop().resume(item);
      return runner_.loop().pass();
    };
    return runner_.in_turn([&] { return pass(a); }, [&] { return pass(b); });
  }

  void prepare(const char* workload, const char* policy, const WeightSet& weights) {
    runner_.loop().prepare(runner_.steady(workload, policy, weights));
  }

  void host_gemv() {
    if (!runner_.start("host_gemv_vs_read", "host_compute")) return;
    Session& session = runner_.session();
    const WeightSet weights = bf16_weights("28672x8192", large_rows, large_cols);
    prepare("gemv", "host_compute", weights);
    const auto plain = session.host_buffers().borrow(HostMemory::pageable, weights.bytes());
    std::fill_n(plain.data(), weights.bytes(), std::byte{0x5a});
    const auto [ours, reads] =
        runner_.in_turn([&] { return runner_.loop().pass(); },
                        [&] {
                          return timed_host_read(session, runner_.context().wall, plain.data(),
                                                 weights.bytes(), weights.bytes());
                        });
    const double bytes = static_cast<double>(weights.bytes());
    const double rate = bytes / ours;
    const double read = bytes / reads;
    runner_.add("host_gemv_vs_read", "CPU gemv / plain read of the same bytes by all cores",
                rate / read, 0.8, true, rate, read, "B/s");
    runner_.loop().clear();
  }

  void resident() {
    if (!runner_.start("resident", "device_resident")) return;
    const auto peak = datasheet_bandwidth(*runner_.session().platform().gpu);
    const WeightSet gigabyte = bf16_weights("1GiB", 1024 * MiB / (2 * large_cols), large_cols);
    const double read =
        static_cast<double>(gigabyte.bytes()) /
        runner_.case_median(runner_.steady("stream_read", "device_resident", gigabyte));
    const WeightSet weights = bf16_weights("28672x8192", large_rows, large_cols);
    prepare("gemv", "device_resident", weights);
    const double bytes = static_cast<double>(weights.bytes());
    if (peak) {
      runner_.add("resident_read_vs_datasheet",
                  "stream_read of 1 GiB in GPU memory / datasheet bandwidth", read / *peak, 0.92,
                  true, read, *peak, "B/s");
    }
    if (const Support support = cuda::Matmul::support(); !support) {
      runner_.skip({"limit/resident_gemv_vs_cublas", "gemv", "device_resident", "28672x8192",
                    "steady", support.reason()});
      const double seconds =
          runner_.case_median(runner_.steady("gemv", "device_resident", weights));
      if (peak) add_gemv_rate(bytes / seconds, *peak);
    } else {
      const StreamHandle stream = runner_.session().stream();
      const cuda::DeviceBuffer x(large_cols * 2);
      const cuda::DeviceBuffer y(large_rows * 2);
      cuda::memset_async(x.data(), 0x3c, x.bytes(), stream);
      const std::byte* w = runner_.placed_data();
      cuda::Matmul cublaslt;
      const auto [ours, theirs] = runner_.against([&] {
        cublaslt.launch(w, DType::bf16, large_rows, large_cols, x.data(), 1, y.data(), large_rows,
                        stream);
      });
      if (peak) add_gemv_rate(bytes / ours, *peak);
      runner_.add("resident_gemv_vs_cublaslt",
                  "cublasLtMatmul time / gemv time, 28672x8192 bf16, one token", theirs / ours, 1.1,
                  true, ours, theirs, "s");
      against_gemm_ex(w, x.data(), y.data());
    }
    runner_.loop().clear();
  }

  // cuBLAS's older entry has a kernel of its own for one column, which cuBLASLt does not propose.
  void against_gemm_ex(const std::byte* w, const void* x, void* y) {
    const char* const id = "resident_gemv_vs_cublas";
    cuda::GemmEx cublas;
    if (!cublas.support()) {
      runner_.skip({std::string("limit/") + id, "gemv", "device_resident", "28672x8192", "steady",
                    cublas.support().reason()});
      return;
    }
    const auto [ours, theirs] = runner_.against(
        [&] { cublas.launch_bf16(w, large_rows, large_cols, x, y, runner_.session().stream()); });
    runner_.add(id, "cublasGemmEx time / gemv time, 28672x8192 bf16, one token", theirs / ours, 1.1,
                true, ours, theirs, "s");
  }

  void add_gemv_rate(double rate, double peak) {
    // 4.3 of the H200's 4.8 TB/s.
    runner_.add("resident_gemv_vs_datasheet",
                "gemv of 28672x8192 bf16 in GPU memory / datasheet bandwidth", rate / peak,
                4.3 / 4.8, true, rate, peak, "B/s");
  }

  void zero_copy_read(std::size_t bytes) {
    const std::string id = "zero_copy_read_vs_best/" + format_size(bytes);
    if (!runner_.start(id, "pinned_zero_copy")) return;
    const WeightSet weights =
        bf16_weights(format_size(bytes), bytes / (2 * large_cols), large_cols);
    prepare("stream_read", "pinned_zero_copy", weights);
    const std::byte* data = runner_.placed_data();
    const BestRead best = best_sm_read(runner_.session(), runner_.context().wall, data, bytes,
                                       bytes > 1024 * MiB ? 1 : 3);
    const cuda::DeviceBuffer sum(sizeof(std::uint64_t));
    cuda::memset_async(sum.data(), 0, sum.bytes(), runner_.session().stream());
    const auto [ours, theirs] = runner_.against([&] {
      kernels::stream_read(data, bytes, static_cast<std::uint64_t*>(sum.data()),
                           runner_.session().stream(), best.shape);
    });
    const double size = static_cast<double>(bytes);
    runner_.add(id,
                "zero-copy stream_read / best SM read over grids and load widths (" +
                    std::to_string(best.shape.blocks) + " blocks of " +
                    std::to_string(best.shape.threads) + ", " +
                    std::to_string(best.shape.load_bytes) + "-byte loads)",
                theirs / ours, 0.99, true, size / ours, size / theirs, "B/s");
    runner_.loop().clear();
  }

  // What a policy's pass costs against the bare copy of the same bytes, and what the gemv costs
  // against the plain read.
  void copies(const WeightSet& weights) {
    struct Kind {
      const char* policy;
      HostMemory memory;
      bool copies;
    };
    for (const Kind kind : {Kind{"pinned_zero_copy", HostMemory::pinned, false},
                            Kind{"pinned_copy", HostMemory::pinned, true},
                            Kind{"pageable_copy", HostMemory::pageable, true}}) {
      const std::string suffix = "/" + weights.name;
      const std::string gemv_id = std::string(kind.policy) + "_gemv_vs_read" + suffix;
      if (!runner_.start(gemv_id, kind.policy)) continue;
      const auto [gemv, read] = two_workloads("gemv", "stream_read", kind.policy, weights);
      runner_.add(gemv_id, "gemv time / stream_read time of the same bytes", gemv / read, 1.01,
                  false, gemv, read, "s");
      if (kind.copies) copy_against_bare(kind.policy, kind.memory, weights);
    }
    runner_.loop().clear();
  }

  void copy_against_bare(const char* policy, HostMemory memory, const WeightSet& weights) {
    const std::string id = std::string(policy) + "_vs_memcpy/" + weights.name;
    if (!runner_.start_against_link(id, policy)) return;
    Session& session = runner_.session();
    const auto source = session.host_buffers().borrow(memory, weights.bytes());
    std::fill_n(source.data(), weights.bytes(), std::byte{0x5a});
    const cuda::DeviceBuffer target(weights.bytes());
    prepare("stream_read", policy, weights);
    const auto [ours, bare] = runner_.against(
        [&] {
          cuda::memcpy_async(target.data(), source.data(), weights.bytes(), session.stream());
        },
        memory == HostMemory::pageable);
    runner_.add(id, "stream_read time under the policy / bare cudaMemcpyAsync of the same bytes",
                ours / bare, 1.015, false, ours, bare, "s");
  }

  LimitRunner& runner_;
};

}  // namespace

WeightSet bf16_weights(std::string label, std::size_t rows, std::size_t cols) {
  return {label, {{label, DType::bf16, rows, cols}}};
}

WeightSet bf16_layers(std::size_t layers, std::size_t layer_bytes) {
  WeightSet weights{std::to_string(layers) + "x" + format_size(layer_bytes), {}};
  for (std::size_t i = 0; i < layers; ++i) {
    WeightTensor tensor{"layer" + std::to_string(i), DType::bf16, layer_bytes / (2 * large_cols),
                        large_cols};
    tensor.layer = i;
    weights.tensors.push_back(tensor);
  }
  return weights;
}

WeightSet LimitRunner::llama(std::uint64_t max_bytes) const {
  const Model model = fused(preset_model("llama3.1-8b"));
  return model_slice(model, offloading(model, {}).tensors, max_bytes,
                     context_.session.tuning().prefetch_step);
}

Case LimitRunner::steady(const Workload* workload, const char* policy,
                         const WeightSet& weights) const {
  return {workload, context_.catalog.policy(policy), &weights, Start::steady};
}

Case LimitRunner::steady(const char* workload, const char* policy, const WeightSet& weights) const {
  return steady(context_.catalog.workload(workload), policy, weights);
}

double LimitRunner::case_median(Loop& loop, const Case& item) const {
  loop.prepare(item);
  std::vector<double> samples;
  for (std::size_t i = 0; i < context_.samples; ++i) samples.push_back(loop.sample());
  return percentile(samples, 50);
}

std::pair<double, double> LimitRunner::in_turn(const std::function<double()>& ours,
                                               const std::function<double()>& theirs) const {
  const std::size_t passes = context_.loop.passes_per_sample();
  std::vector<double> of_ours(2 * context_.samples);
  std::vector<double> of_theirs(of_ours.size());
  for (std::size_t i = 0; i < of_ours.size(); ++i) {
    for (std::size_t pass = 0; pass < passes; ++pass) {
      of_ours[i] += ours() / static_cast<double>(passes);
      of_theirs[i] += theirs() / static_cast<double>(passes);
    }
  }
  return {percentile(of_ours, 50), percentile(of_theirs, 50)};
}

std::pair<double, double> LimitRunner::against(const std::function<void()>& bare, bool flush_host) {
  bare();  // loads the kernel and maps what it touches
  return in_turn([&] { return context_.loop.pass(); },
                 [&] {
                   if (flush_host) context_.session.flush_host_cache();
                   return timed_seconds(context_.session, context_.wall, bare);
                 });
}

const std::byte* LimitRunner::placed_data() {
  Placement& placement = context_.loop.placement();
  constexpr std::size_t first = 0;  // of what the prepared case reads
  const PieceView view = placement.acquire(first, context_.session.stream());
  placement.release(first, context_.session.stream());
  return view.data;
}

bool LimitRunner::start(const std::string& id, const char* policy) {
  const Support support = context_.catalog.policy(policy)->support(session().platform());
  return start(id, support, {"limit/" + id, "", policy, "", "", support.reason()});
}

bool LimitRunner::start_against_link(const std::string& id, const char* policy) {
  if (!one_memory(session().platform())) return start(id, policy);
  skip({"limit/" + id, "", policy, "", "",
        "holds a policy against the link, and nothing crosses one: GPU and CPU share one memory"});
  return false;
}

bool LimitRunner::start(const std::string& id, const Case& item) {
  const Platform& platform = session().platform();
  Support support = item.policy->support(platform);
  if (support) support = item.workload->offers(item.policy->rereads, *item.weights, platform);
  return start(id, support,
               {"limit/" + id, std::string(item.workload->name()), std::string(item.policy->name),
                item.weights->name, std::string(name(item.start)), support.reason()});
}

bool LimitRunner::start(const std::string& id, const Support& support, SkippedCase otherwise) {
  if (support) {
    context_.started(id);
  } else {
    skip_(std::move(otherwise));
  }
  return static_cast<bool>(support);
}

void LimitRunner::add(std::string id, std::string description, double ratio, double goal,
                      bool at_least, double measured, double reference, const char* unit) {
  limits_.push_back(
      {std::move(id), std::move(description), ratio, goal, at_least, measured, reference, unit});
}

void measure_limits(LimitsContext& context, std::vector<Limit>& limits,
                    const std::function<void(SkippedCase)>& skip) {
  LimitRunner runner(context, limits, skip);
  Limits(runner).measure();
  if (!context.session.gpu()) return;
  measure_pass_limits(runner);
  measure_contender_limits(runner);
}

}  // namespace offload
