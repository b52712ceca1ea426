// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/model_bound.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/models/slice.hpp"

namespace offload {
namespace {

/// The time that one part of the machine needs.
struct Needed {
  BoundBy by;
  double seconds;
  std::string from;
};

/// What the measured case says of all layers.
struct WholeModel {
  double offloaded = 0, resident = 0;  // bytes of all layers
  double layers = 1;                   // all bytes / bytes measured
  double read = 1;                     // of the bytes, by a pass: experts are chosen
  double cpu_share = 0;                // of what is read, computed by the CPU
};

WholeModel whole_model(const CaseRecord& record) {
  const ModelSlice& slice = *record.weights.slice;
  const double measured = static_cast<double>(record.weights.bytes());
  const double requested = static_cast<double>(record.bytes.requested);
  WholeModel model;
  model.offloaded = static_cast<double>(slice.offloaded_bytes);
  model.resident = static_cast<double>(slice.resident_bytes);
  model.layers = (model.offloaded + model.resident) / measured;
  model.read = std::min(1.0, requested / measured);
  if (requested > 0) model.cpu_share = static_cast<double>(record.cpu_bytes) / requested;
  return model;
}

/// Products of 16-bit numbers and of 8-bit ones, which tensor cores compute twice as fast, in
/// operations on 16-bit ones. Other types are only read.
double flops(const CaseRecord& record) {
  double sum = 0;
  for (const WeightTensor& tensor : record.weights.tensors) {
    double tokens = static_cast<double>(record.tokens);
    if (tensor.experts > 0) {
      tokens *= static_cast<double>(record.weights.experts_per_token()) /
                static_cast<double>(tensor.experts);
    }
    const double products =
        2 * tokens * static_cast<double>(tensor.rows) * static_cast<double>(tensor.cols);
    if (tensor.dtype == DType::bf16 || tensor.dtype == DType::fp16) sum += products;
    if (tensor.dtype == DType::fp8_e4m3) sum += products / 2;
  }
  return sum;
}

/// Once over the link, however often a kernel reads it. Policies may bring more than is asked for.
double link_bytes_once(const CaseRecord& record) {
  const double offloaded = scale_of(record.weights).offloaded_bytes;
  const double once = std::max(0.0, offloaded - static_cast<double>(record.cpu_bytes));
  return record.link_bytes ? std::min(static_cast<double>(*record.link_bytes), once) : once;
}

std::optional<Needed> link_part(const CaseRecord& record, double scale,
                                const Calibration& calibration) {
  const double copy = calibration.copy_h2d.value_or(0);
  const double read = calibration.sm_read_pinned.value_or(0);
  const double rate = std::max(copy, read);
  if (record.link_bytes == 0 || record.path == Path::peer || rate <= 0) return std::nullopt;
  return Needed{BoundBy::link, link_bytes_once(record) * scale / rate,
                format_rate(rate) + (copy >= read ? " by the copy engine" : " read by SMs")};
}

std::optional<Needed> host_part(const CaseRecord& record, double scale,
                                const Calibration& calibration) {
  if (record.cpu_bytes == 0 || calibration.host_read <= 0) return std::nullopt;
  return Needed{BoundBy::host_memory,
                static_cast<double>(record.cpu_bytes) * scale / calibration.host_read,
                format_rate(calibration.host_read) + " read by all CPU threads"};
}

/// Of one memory, all that the GPU reads: by the rate at which it reads there, for both at once may
/// get more out of it than either alone.
std::optional<Needed> one_memory_part(const CaseRecord& record, double scale,
                                      const WholeModel& model, const Calibration& calibration) {
  const double rate =
      std::max(calibration.device_read.value_or(0), calibration.sm_read_pinned.value_or(0));
  const double bytes = (model.resident + model.offloaded) * model.read -
                       static_cast<double>(record.cpu_bytes) * scale;
  if (bytes <= 0 || rate <= 0) return std::nullopt;
  return Needed{BoundBy::one_memory, bytes / rate,
                format_rate(rate) + " read by the GPU from the memory that it shares with the CPU"};
}

/// What is resident has to be read, and all of it where everything is.
std::optional<Needed> device_part(const CaseRecord& record, double scale, const WholeModel& model,
                                  const Calibration& calibration) {
  if (record.path == Path::one_memory) return one_memory_part(record, scale, model, calibration);
  const bool all = record.path == Path::device_memory;
  const double bytes = (model.resident + (all ? model.offloaded : 0)) * model.read;
  if (bytes <= 0 || !calibration.device_read) return std::nullopt;
  return Needed{BoundBy::device_memory, bytes / *calibration.device_read,
                format_rate(*calibration.device_read) + " read from GPU memory"};
}

std::optional<Needed> compute_part(const CaseRecord& record, const WholeModel& model,
                                   const CaseRecord* twin, const Platform& platform) {
  const double gpu_share = 1 - model.cpu_share;
  const auto peak = platform.gpu ? peak_flops(*platform.gpu) : std::nullopt;
  if (peak) {
    return Needed{BoundBy::compute, flops(record) * model.layers * gpu_share / *peak,
                  three_digits(*peak / 1e12) + " TFLOP/s of " +
                      std::to_string(platform.gpu->sm_count) + " SMs at " +
                      std::to_string(*platform.gpu->settings.max_sm_mhz) + " MHz"};
  }
  if (twin == nullptr || twin == &record) return std::nullopt;
  return Needed{BoundBy::compute, twin->summary->median * model.layers * gpu_share,
                "the time of " + twin->policy + " in this run"};
}

}  // namespace

std::optional<double> peak_flops(const Gpu& gpu) {
  // A clock, by compute capability, of each SM, as data sheets have it: the most that a GPU of this
  // capability has.
  struct Rate {
    int major, minor;
    double flops;
  };
  constexpr Rate rates[] = {{7, 0, 1024}, {7, 5, 1024}, {8, 0, 2048},  {8, 6, 1024},
                            {8, 9, 1024}, {9, 0, 4096}, {10, 0, 8192}, {12, 0, 1024}};
  const auto* const known = std::find_if(std::begin(rates), std::end(rates), [&](const Rate& rate) {
    return rate.major == gpu.compute_major && rate.minor == gpu.compute_minor;
  });
  if (known == std::end(rates) || !gpu.settings.max_sm_mhz || gpu.sm_count <= 0) {
    return std::nullopt;
  }
  return known->flops * gpu.sm_count * *gpu.settings.max_sm_mhz * 1e6;
}

std::optional<ModelBound> model_bound(const CaseRecord& record, double scale,
                                      const CaseRecord* resident_twin, const Machine& machine) {
  const WholeModel model = whole_model(record);
  const Calibration& calibration = machine.calibration;
  std::optional<Needed> slowest;
  for (std::optional<Needed>& part :
       std::vector{link_part(record, scale, calibration), host_part(record, scale, calibration),
                   device_part(record, scale, model, calibration),
                   compute_part(record, model, resident_twin, machine.platform)}) {
    if (part && (!slowest || part->seconds > slowest->seconds)) slowest = std::move(part);
  }
  if (!slowest || slowest->seconds <= 0) return std::nullopt;
  ModelBound bound{slowest->by, slowest->seconds, {}, std::move(slowest->from)};
  if (record.lasts()) bound.tokens_per_second = static_cast<double>(record.tokens) / bound.seconds;
  return bound;
}

}  // namespace offload
