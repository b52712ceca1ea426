// SPDX-License-Identifier: Apache-2.0
// Policies, workloads and machines that exist on paper only: enough to plan with, nothing to run.
#pragma once
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "tests/unit/messages.hpp"

namespace offload::testing {

inline constexpr std::size_t mib = std::size_t{1} << 20;
inline constexpr std::size_t gib = std::size_t{1} << 30;

/// Needs the weights' bytes so many times over.
template <Footprint times>
Requirement multiple_of(const WeightSet& weights, const Tuning& /*tuning*/) {
  const std::size_t bytes = weights.bytes();
  return {times.device * bytes, times.pinned * bytes, times.managed * bytes,
          times.pageable * bytes};
}

/// A policy on paper, which places nothing.
template <Footprint times>
constexpr Policy fake_policy(std::string_view name, std::string_view memory, Family family) {
  return {.name = name,
          .memory = memory,
          .mechanism = "on paper",
          .family = family,
          .requirement = multiple_of<times>,
          .place = [](std::span<const WeightTensor>,
                      const PlaceContext&) -> std::unique_ptr<Placement> {
            throw std::logic_error("a fake policy places nothing");
          },
          .predict = [](const PassWork&, const PredictContext&) -> std::optional<Prediction> {
            return std::nullopt;
          }};
}

struct FakeWorkload final : Workload {
  std::string name_;
  Content content_ = Content::random_weights;
  std::vector<DType> dtypes_;  // empty: any

  FakeWorkload(std::string name, Content content, std::vector<DType> dtypes)
      : name_(std::move(name)), content_(content), dtypes_(std::move(dtypes)) {}

  std::string_view name() const override { return name_; }
  std::string_view description() const override { return "on paper"; }
  Content content() const override { return content_; }
  Support reads(const WeightSet& weights) const override {
    for (const WeightTensor& tensor : weights.tensors) {
      bool known = dtypes_.empty();
      for (const DType dtype : dtypes_) known |= dtype == tensor.dtype;
      if (!known) return Support::no("reads no " + std::string(offload::name(tensor.dtype)));
    }
    return Support::yes();
  }
  std::unique_ptr<BoundWorkload> bind(const WeightSet&, std::span<const TensorContent>,
                                      HostWorkers&, bool) const override {
    throw std::logic_error("a fake workload reads nothing");
  }
};

inline constexpr std::array fake_policies{
    [] {
      Policy row = fake_policy<{1, 0, 0, 0}>("device_resident", "cudaMalloc", Family::resident);
      row.paths = {Path::device_memory, Path::device_memory};
      return row;
    }(),
    fake_policy<{0, 1, 0, 0}>("pinned_zero_copy", "cudaHostAlloc", Family::zero_copy),
    fake_policy<{1, 0, 0, 1}>("pageable_copy", "malloc", Family::copy),
    [] {
      Policy row =
          fake_policy<{0, 0, 1, 0}>("managed_demand", "cudaMallocManaged", Family::managed);
      row.starts = cold_and_warm;
      row.paths.warm = Path::device_memory;
      return row;
    }(),
    [] {
      Policy row = fake_policy<{0, 0, 0, 1}>("host_compute", "malloc", Family::cpu);
      row.paths = {Path::host_memory, Path::host_memory};
      row.needs_gpu = false;
      return row;
    }()};

/// Five policies, one per kind of memory, and three workloads by their real names.
inline Catalog fake_catalog() {
  Catalog catalog;
  for (const Policy& policy : fake_policies) catalog.policies.push_back(&policy);

  const auto work = [&](const char* name, Content content, std::vector<DType> dtypes) {
    catalog.workloads.push_back(std::make_unique<FakeWorkload>(name, content, std::move(dtypes)));
  };
  work("stream_read", Content::random_weights, {});
  work("pointer_chase", Content::chain, {});
  work("gemv", Content::random_weights, {DType::bf16, DType::fp16, DType::fp8_e4m3});
  return catalog;
}

/// 16 cores, 128 GiB of which 120 GiB are free, and a GPU of 140 GiB on PCIe Gen5 x16.
inline Platform gpu_machine() {
  Platform platform;
  platform.host.logical_cpus = 16;
  platform.host.memory_bytes = 128 * gib;
  platform.host.available_bytes = 120 * gib;
  Gpu gpu;
  gpu.memory_bytes = 140 * gib;
  gpu.free_bytes = 139 * gib;
  gpu.l2_bytes = 50 * mib;
  gpu.hbm_peak_bytes_per_second = 4.8e12;
  gpu.memory_model.managed = true;
  gpu.memory_model.concurrent_managed_access = true;
  platform.gpu = gpu;
  platform.link.emplace();
  platform.link->kind = "pcie";
  platform.link->peak_bytes_per_second = 63e9;
  return platform;
}

/// Two cores, 16 GiB, no GPU.
inline Platform cpu_machine() {
  Platform platform;
  platform.gpu_absent_reason = "no CUDA driver";
  platform.host.logical_cpus = 2;
  platform.host.memory_bytes = 16 * gib;
  platform.host.available_bytes = 14 * gib;
  return platform;
}

}  // namespace offload::testing
