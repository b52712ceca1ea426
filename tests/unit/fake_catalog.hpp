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

namespace offload::testing {

inline constexpr std::size_t mib = std::size_t{1} << 20;
inline constexpr std::size_t gib = std::size_t{1} << 30;

struct FakePolicy final : Policy {
  std::string name_;
  std::string memory_;
  std::vector<Start> starts_{Start::steady};
  Path cold_path = Path::link;
  Path warm_path = Path::link;
  Footprint share;  // requirement as multiples of the weights' bytes
  bool needs_gpu = true;

  FakePolicy(std::string name, std::string memory, Footprint multiples)
      : name_(std::move(name)), memory_(std::move(memory)), share(multiples) {}

  std::string_view name() const override { return name_; }
  std::string_view memory() const override { return memory_; }
  std::string_view mechanism() const override { return "on paper"; }
  std::string_view engine_flags() const override { return ""; }
  Support support(const Platform& platform) const override {
    if (needs_gpu && !platform.gpu) return Support::no("no GPU: " + platform.gpu_absent_reason);
    return Support::yes();
  }
  std::span<const Start> starts() const override { return starts_; }
  Path path(Start start, const Platform&) const override {
    return start == Start::warm ? warm_path : cold_path;
  }
  Requirement requirement(const WeightSet& weights, const Tuning&) const override {
    const std::size_t bytes = weights.bytes();
    return {share.device * bytes, share.pinned * bytes, share.managed * bytes,
            share.pageable * bytes};
  }
  std::unique_ptr<Placement> place(std::span<const WeightTensor>,
                                   const PlaceContext&) const override {
    throw std::logic_error("a fake policy places nothing");
  }
};

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

/// Five policies, one per kind of memory, and three workloads by their real names.
inline Catalog fake_catalog() {
  Catalog catalog;
  const auto add = [&](FakePolicy policy) {
    catalog.policies.push_back(std::make_unique<FakePolicy>(std::move(policy)));
  };
  FakePolicy resident("device_resident", "cudaMalloc", {1, 0, 0, 0});
  resident.cold_path = resident.warm_path = Path::device_memory;
  add(resident);
  add({"pinned_zero_copy", "cudaHostAlloc", {0, 1, 0, 0}});
  add({"pageable_copy", "malloc", {1, 0, 0, 1}});
  FakePolicy managed("managed_demand", "cudaMallocManaged", {0, 0, 1, 0});
  managed.starts_ = {Start::cold, Start::warm};
  managed.warm_path = Path::device_memory;
  add(managed);
  FakePolicy host("host_compute", "malloc", {0, 0, 0, 1});
  host.cold_path = host.warm_path = Path::host_memory;
  host.needs_gpu = false;
  add(host);

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

/// What `action` says when it throws an `Error`; "" when it does not.
template <typename Error, typename Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace offload::testing
