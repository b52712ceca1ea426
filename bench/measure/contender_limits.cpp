// SPDX-License-Identifier: Apache-2.0
// Limits of one contender against another, and of what it chose against all it could have chosen.
#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "bench/measure/limits.hpp"
#include "bench/measure/timed.hpp"
#include "offload/cuda/matmul.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

class ContenderLimits {
 public:
  explicit ContenderLimits(LimitRunner& runner) : runner_(runner) {}

  void measure() {
    window();
    batch_copy();
    if (cuda::Matmul::support()) ring();
    host_share();
  }

 private:
  /// Pages through a bounded share of GPU memory against copies into it.
  void window() {
    const char* const id = "window_vs_copy/64MiB";
    if (!runner_.start_against_link(id, "managed_readmostly_window")) return;
    const WeightSet weights = bf16_layers(16, 64 * MiB);
    const auto seconds = [&](const char* policy) {
      return runner_.case_median(runner_.steady("stream_read", policy, weights));
    };
    const double copy = seconds("pinned_copy");
    const double window = seconds("managed_readmostly_window");
    const double bytes = static_cast<double>(weights.bytes());
    runner_.add(
        id,
        "stream_read of " + weights.name + ": pinned_copy time / managed_readmostly_window time",
        copy / window, 0.8, true, bytes / window, bytes / copy, "B/s");
    runner_.loop().clear();
  }

  /// The call alone, of every other piece, against one copy of as much.
  void batch_copy() {
    const char* const id = "batch_copy_vs_memcpy/256KiB";
    if (!runner_.start(id, "pinned_batch_copy")) return;
    constexpr std::size_t piece = 256 * KiB;
    constexpr std::size_t bytes = 128 * MiB;
    Session& session = runner_.session();
    const auto source = session.host_buffers().borrow(HostMemory::pinned, 2 * bytes);
    std::fill_n(source.data(), 2 * bytes, std::byte{0x5a});
    const cuda::DeviceBuffer target(bytes);
    auto* const to = static_cast<std::byte*>(target.data());
    cuda::CopyBatch batch;
    for (std::size_t at = 0; at < bytes; at += piece) {
      batch.add(to + at, source.data() + 2 * at, piece);
    }
    const auto once = [&](const std::function<void()>& work) {
      return timed_seconds(session, runner_.context().wall, work);
    };
    const auto in_batch = [&] { cuda::memcpy_batch_async(batch, session.stream()); };
    const auto in_one = [&] { cuda::memcpy_async(to, source.data(), bytes, session.stream()); };
    once(in_batch);
    once(in_one);
    const auto [ours, whole] =
        runner_.in_turn([&] { return once(in_batch); }, [&] { return once(in_one); });
    const double size = static_cast<double>(bytes);
    runner_.add(
        id,
        "bare cudaMemcpyAsync of 128 MiB / cudaMemcpyBatchAsync of as much in pieces, every "
        "other one of 256 MiB",
        whole / ours, 0.84, true, size / ours, size / whole, "B/s");
  }

  /// Panels through tens of MiB against whole layers, two ahead.
  void ring() {
    const char* const id = "ring_vs_prefetch2_copy";
    if (!runner_.start(id, "pinned_ring_copy")) return;
    const WeightSet weights = runner_.llama(std::uint64_t{2} << 30);
    const auto prefill = runner_.context().catalog.workload("prefill")->with_parameter(2048);
    const auto seconds = [&](const char* policy) {
      return runner_.case_median(runner_.steady(prefill.get(), policy, weights));
    };
    const double ahead = seconds("pinned_prefetch2_copy");
    const double ring = seconds("pinned_ring_copy");
    runner_.add(id,
                "prefill of 2048 tokens, Llama-3.1-8B layers: pinned_ring_copy time / "
                "pinned_prefetch2_copy time",
                ring / ahead, 1.0, false, ring, ahead, "s");
    runner_.loop().clear();
  }

  /// The share that was found against the best of all twentieths.
  void host_share() {
    const char* const id = "hybrid_share_vs_sweep";
    if (!runner_.start(id, "hybrid_split")) return;
    const WeightSet weights = bf16_weights("28672x8192", large_rows, large_cols);
    const Case split = runner_.steady("gemv", "hybrid_split", weights);
    const Tuning given = runner_.session().tuning();
    const auto seconds = [&](std::optional<double> share) {
      Tuning tuning = given;
      tuning.host_share = share;
      runner_.loop().clear();  // a placement keeps the share it was made with
      runner_.session().set_tuning(tuning);
      return runner_.case_median(split);
    };
    const double found = seconds(std::nullopt);
    double best = std::numeric_limits<double>::infinity();
    constexpr int steps = 20;
    for (int step = 0; step <= steps; ++step) {
      best = std::min(best, seconds(static_cast<double>(step) / steps));
    }
    runner_.session().set_tuning(given);
    runner_.add(id,
                "gemv of 28672x8192 under hybrid_split, as it chose / the best of --host-share 0, "
                "0.05, ... 1",
                found / best, 1.03, false, found, best, "s");
    runner_.loop().clear();
  }

  LimitRunner& runner_;
};

}  // namespace

void measure_contender_limits(LimitRunner& runner) { ContenderLimits(runner).measure(); }

}  // namespace offload
