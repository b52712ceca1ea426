// SPDX-License-Identifier: Apache-2.0
#include "bench/limits.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "bench/calibration.hpp"
#include "offload/cuda/matmul.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"
#include "offload/statistics.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr std::size_t MiB = std::size_t{1} << 20;

// The gate projection of Llama-3.1-70B: 470 MB, far above any cache.
constexpr std::size_t large_rows = 28672;
constexpr std::size_t large_cols = 8192;

// Memory bandwidth by the vendor's datasheet, bytes per second; the clock-times-width peak the
// driver tells is higher than what is advertised.
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

WeightSet bf16(std::string label, std::size_t rows, std::size_t cols) {
  return {label, {{label, DType::bf16, rows, cols}}};
}

class Limits {
 public:
  Limits(LimitsContext& context, std::vector<Limit>& limits,
         const std::function<void(SkippedCase)>& skip)
      : context_(context), limits_(limits), skip_(skip) {}

  void measure() {
    host_gemv();
    if (context_.session.gpu()) {
      resident();
      for (const std::size_t bytes : {64 * MiB, 256 * MiB, 1024 * MiB, 4096 * MiB}) {
        zero_copy_read(bytes);
      }
      copies(bf16("64MiB", 64 * MiB / (2 * large_cols), large_cols));
      copies(bf16("28672x8192", large_rows, large_cols));
    }
  }

 private:
  using Samples = std::vector<double>;

  // Median seconds per pass of a case, measured by the loop like any other.
  double case_median(const char* workload, const char* policy, const WeightSet& weights) {
    prepare(workload, policy, weights);
    Samples samples;
    for (std::size_t i = 0; i < context_.samples; ++i) samples.push_back(context_.loop.sample());
    return percentile(samples, 50);
  }

  // The medians of two measurements, taken in turn so that drift hits both.
  std::pair<double, double> in_turn(const std::function<double()>& ours,
                                    const std::function<double()>& theirs) const {
    Samples of_ours;
    Samples of_theirs;
    for (std::size_t i = 0; i < 2 * context_.samples; ++i) {
      of_ours.push_back(ours());
      of_theirs.push_back(theirs());
    }
    return {percentile(of_ours, 50), percentile(of_theirs, 50)};
  }

  std::pair<double, double> two_workloads(const char* first, const char* second, const char* policy,
                                          const WeightSet& weights) {
    const Case a = steady(first, policy, weights);
    const Case b = steady(second, policy, weights);
    context_.loop.prepare(a);
    context_.loop.prepare(b);
    const auto sample = [this](const Case& item) {
      context_.loop.resume(item);
      return context_.loop.sample();
    };
    return in_turn([&] { return sample(a); }, [&] { return sample(b); });
  }

  // A case already prepared, and `bare` work on the stream.
  std::pair<double, double> against(const std::function<void()>& bare, bool flush_host = false) {
    bare();  // loads the kernel and maps what it touches
    return in_turn([&] { return context_.loop.sample(); },
                   [&] {
                     if (flush_host) context_.session.flush_host_cache();
                     return timed_seconds(context_.session, context_.wall, bare);
                   });
  }

  Case steady(const char* workload, const char* policy, const WeightSet& weights) const {
    return {context_.catalog.workload(workload), context_.catalog.policy(policy), &weights,
            Start::steady};
  }
  void prepare(const char* workload, const char* policy, const WeightSet& weights) {
    context_.loop.prepare(steady(workload, policy, weights));
  }

  const std::byte* placed_data() {
    Placement& placement = context_.loop.placement();
    const Piece whole = placement.pieces().front();
    const PieceView view = placement.acquire(whole, context_.session.stream());
    placement.release(whole, context_.session.stream());
    return view.data;
  }

  bool start(const std::string& id, const Policy* policy) {
    const Support support = policy->support(context_.session.platform());
    if (!support) {
      skip_({"limit/" + id, "", std::string(policy->name()), "", "", support.reason()});
      return false;
    }
    context_.started(id);
    return true;
  }

  void add(std::string id, std::string description, double ratio, double goal, bool at_least,
           double measured, double reference, const char* unit) {
    limits_.push_back(
        {std::move(id), std::move(description), ratio, goal, at_least, measured, reference, unit});
  }

  void host_gemv() {
    if (!start("host_gemv_vs_read", context_.catalog.policy("host_compute"))) return;
    Session& session = context_.session;
    const WeightSet weights = bf16("28672x8192", large_rows, large_cols);
    prepare("gemv", "host_compute", weights);
    const auto plain = session.host_buffers().borrow(HostMemory::pageable, weights.bytes());
    std::fill_n(plain.data(), weights.bytes(), std::byte{0x5a});
    const auto [ours, reads] =
        in_turn([&] { return context_.loop.sample(); },
                [&] {
                  session.flush_host_cache();
                  return timed_host_read(session, context_.wall, plain.data(), weights.bytes());
                });
    const double bytes = static_cast<double>(weights.bytes());
    const double rate = bytes / ours;
    const double read = bytes / reads;
    add("host_gemv_vs_read", "CPU gemv / plain read of the same bytes by all cores", rate / read,
        0.8, true, rate, read, "B/s");
    context_.loop.clear();
  }

  void resident() {
    const Policy* policy = context_.catalog.policy("device_resident");
    if (!start("resident", policy)) return;
    const auto peak = datasheet_bandwidth(*context_.session.platform().gpu);
    const WeightSet gigabyte = bf16("1GiB", 1024 * MiB / (2 * large_cols), large_cols);
    const double read = static_cast<double>(gigabyte.bytes()) /
                        case_median("stream_read", "device_resident", gigabyte);
    const WeightSet weights = bf16("28672x8192", large_rows, large_cols);
    prepare("gemv", "device_resident", weights);
    const double bytes = static_cast<double>(weights.bytes());
    if (peak) {
      add("resident_read_vs_datasheet", "stream_read of 1 GiB in GPU memory / datasheet bandwidth",
          read / *peak, 0.92, true, read, *peak, "B/s");
    }
    if (const Support support = cuda::Matmul::support(); !support) {
      skip_({"limit/resident_gemv_vs_cublas", "gemv", "device_resident", "28672x8192", "steady",
             support.reason()});
      const double seconds = case_median("gemv", "device_resident", weights);
      if (peak) add_gemv_rate(bytes / seconds, *peak);
    } else {
      cuda::Matmul cublas;
      const cuda::DeviceBuffer x(large_cols * 2);
      const cuda::DeviceBuffer y(large_rows * 2);
      cuda::memset_async(x.data(), 0x3c, x.bytes(), context_.session.stream());
      const std::byte* w = placed_data();
      const auto [ours, theirs] = against([&] {
        cublas.launch(w, DType::bf16, large_rows, large_cols, x.data(), 1, y.data(), large_rows,
                      context_.session.stream());
      });
      if (peak) add_gemv_rate(bytes / ours, *peak);
      add("resident_gemv_vs_cublas", "cuBLASLt time / gemv time, 28672x8192 bf16, one token",
          theirs / ours, 1.1, true, ours, theirs, "s");
    }
    context_.loop.clear();
  }

  void add_gemv_rate(double rate, double peak) {
    // 4.3 of the H200's 4.8 TB/s.
    add("resident_gemv_vs_datasheet", "gemv of 28672x8192 bf16 in GPU memory / datasheet bandwidth",
        rate / peak, 4.3 / 4.8, true, rate, peak, "B/s");
  }

  void zero_copy_read(std::size_t bytes) {
    const std::string id = "zero_copy_read_vs_best/" + format_size(bytes);
    if (!start(id, context_.catalog.policy("pinned_zero_copy"))) return;
    const WeightSet weights = bf16(format_size(bytes), bytes / (2 * large_cols), large_cols);
    prepare("stream_read", "pinned_zero_copy", weights);
    const std::byte* data = placed_data();
    const BestRead best =
        best_sm_read(context_.session, context_.wall, data, bytes, bytes > 1024 * MiB ? 1 : 3);
    const cuda::DeviceBuffer sum(sizeof(std::uint64_t));
    cuda::memset_async(sum.data(), 0, sum.bytes(), context_.session.stream());
    const auto [ours, theirs] = against([&] {
      kernels::stream_read(data, bytes, static_cast<std::uint64_t*>(sum.data()),
                           context_.session.stream(), best.shape);
    });
    const double fastest = std::min(theirs, best.seconds);
    const double size = static_cast<double>(bytes);
    add(id,
        "zero-copy stream_read / best SM read over grids and load widths (" +
            std::to_string(best.shape.blocks) + " blocks of " + std::to_string(best.shape.threads) +
            ", " + std::to_string(best.shape.load_bytes) + "-byte loads)",
        fastest / ours, 0.99, true, size / ours, size / fastest, "B/s");
    context_.loop.clear();
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
      if (!start(gemv_id, context_.catalog.policy(kind.policy))) continue;
      const auto [gemv, read] = two_workloads("gemv", "stream_read", kind.policy, weights);
      add(gemv_id, "gemv time / stream_read time of the same bytes", gemv / read, 1.01, false, gemv,
          read, "s");
      if (kind.copies) copy_against_bare(kind.policy, kind.memory, weights);
    }
    context_.loop.clear();
  }

  void copy_against_bare(const char* policy, HostMemory memory, const WeightSet& weights) {
    Session& session = context_.session;
    const auto source = session.host_buffers().borrow(memory, weights.bytes());
    std::fill_n(source.data(), weights.bytes(), std::byte{0x5a});
    const cuda::DeviceBuffer target(weights.bytes());
    prepare("stream_read", policy, weights);
    const auto [ours, bare] = against(
        [&] {
          cuda::memcpy_async(target.data(), source.data(), weights.bytes(), session.stream());
        },
        memory == HostMemory::pageable);
    add(std::string(policy) + "_vs_memcpy/" + weights.name,
        "stream_read time under the policy / bare cudaMemcpyAsync of the same bytes", ours / bare,
        1.015, false, ours, bare, "s");
  }

  LimitsContext& context_;
  std::vector<Limit>& limits_;
  const std::function<void(SkippedCase)>& skip_;
};

}  // namespace

void measure_limits(LimitsContext& context, std::vector<Limit>& limits,
                    const std::function<void(SkippedCase)>& skip) {
  Limits(context, limits, skip).measure();
}

}  // namespace offload
