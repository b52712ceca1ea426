// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>
#include <string>
#include <utility>

#include "offload/policy.hpp"

namespace offload {
namespace {

Support has_peer(const Platform& platform) {
  if (serving_peer(platform) != nullptr) return Support::yes();
  std::string reason = "needs another GPU whose memory this one can reach: ";
  if (platform.peers.empty()) return Support::no(reason + "there is no other GPU here");
  reason += "GPU " + std::to_string(platform.gpu->index) + " has no peer access to";
  for (const Peer& peer : platform.peers) {
    if (&peer != &platform.peers.front()) reason += ",";
    reason += " GPU " + std::to_string(peer.index);
  }
  return Support::no(std::move(reason));
}

}  // namespace

Placement::Placement(std::span<const WeightTensor> tensors)
    : tensors_(tensors.begin(), tensors.end()) {}

const PassPlan& Placement::plan(std::span<const Piece> read, bool cpu_can) {
  return plan_ = plan_pass(read, cpu_can);
}
const PassPlan& Placement::replan(std::span<const Piece> read, bool cpu_can) {
  return plan_ = replan_pass(read, cpu_can);
}
const PassPlan& Placement::retune(double pass_seconds) { return plan_ = retune_pass(pass_seconds); }

PassPlan Placement::plan_pass(std::span<const Piece> read, bool) {
  return {{read.begin(), read.end()}};
}
PassPlan Placement::replan_pass(std::span<const Piece> read, bool cpu_can) {
  return plan_pass(read, cpu_can);
}
PassPlan Placement::retune_pass(double) {
  throw std::logic_error("retune: there is nothing to tune");
}

void Placement::finish(StreamHandle) {}
void Placement::drop_head_start(StreamHandle) {}

Support gpu_offers(const Platform& platform, std::span<const Need> needs) {
  if (!platform.gpu) return Support::no("no GPU: " + platform.gpu_absent_reason);
  for (const Need& need : needs) {
    if (platform.gpu->memory_model.*need.feature) continue;
    return Support::no("needs " + std::string(need.words) +
                       ": this GPU and driver do not offer it");
  }
  return Support::yes();
}

Support Policy::support(const Platform& platform) const {
  if (!needs_gpu) return Support::yes();
  const Support offered = gpu_offers(platform, needs);
  return offered && needs_peer ? has_peer(platform) : offered;
}

Support Policy::reaches(Start start, const WeightSet& weights, const Tuning& tuning) const {
  return can_start == nullptr ? Support::yes() : can_start(weights, tuning, start);
}

Path Policy::path(Start start, const Platform& platform) const {
  const bool on_host_page_tables =
      platform.gpu && platform.gpu->memory_model.pageable_memory_access_uses_host_page_tables;
  const Paths& crossed =
      on_host_page_tables && paths_on_host_page_tables ? *paths_on_host_page_tables : paths;
  const Path path = start == Start::warm ? crossed.warm : crossed.cold_or_steady;
  const bool own = path == Path::device_memory || path == Path::link;
  return own && one_memory(platform) ? Path::one_memory : path;
}

bool pages_may_move(const Policy& policy, const Platform& platform) {
  if (!platform.gpu || !policy.driver_handles_pages) return false;
  const MemoryMode mode = memory_mode(platform.gpu->memory_model);
  return mode == MemoryMode::numa || mode == MemoryMode::ats;
}

Support Policy::capturable() const {
  return not_capturable_because.empty() ? Support::yes()
                                        : Support::no(std::string(not_capturable_because));
}

}  // namespace offload
