// SPDX-License-Identifier: Apache-2.0
// What else an engine has its GPU do while weights come in. A kind of traffic is a row here and a
// file beside this one.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure/session.hpp"
#include "offload/stream.hpp"

namespace offload {

struct TrafficSettings {
  double pace = 1;  // 0 to 1: share of the time that it would be busy alone
  std::size_t attention_kv = std::size_t{1} << 30;  // bytes of the cache that attention reads
};

/// Units of work, each like the others, on a stream of its own. Made and checked by one thread,
/// enqueued by another.
class Traffic {
 public:
  virtual ~Traffic() = default;
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  /// That a unit moves or reads.
  virtual std::size_t unit_bytes() const = 0;
  virtual void enqueue_unit(StreamHandle stream) = 0;
  /// What is wrong with what the last unit made; nullopt: nothing. Nothing of it is under way.
  virtual std::optional<std::string> fault() = 0;

 protected:
  Traffic() = default;
};

struct TrafficKind {
  std::string_view name;
  std::string_view what;  // "copies of KV cache to the host"
  std::size_t (*device_bytes)(const TrafficSettings& settings);
  std::size_t (*pinned_bytes)(const TrafficSettings& settings);
  std::unique_ptr<Traffic> (*make)(Session& session, const TrafficSettings& settings);
};

std::span<const TrafficKind> traffic_kinds();
std::vector<std::string_view> traffic_names();
/// `name` is one of these.
const TrafficKind& find_traffic(std::string_view name);

TrafficKind kv_out_traffic();     // kv_out.cpp
TrafficKind attention_traffic();  // attention.cpp

}  // namespace offload
