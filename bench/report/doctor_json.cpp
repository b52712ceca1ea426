// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "bench/report/doctor.hpp"
#include "bench/report/json_parts.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

Json published_json(const Published& published) {
  Json out = {{"profile", published.profile}, {"ranges", Json::array()}};
  for (const PublishedRange& range : published.ranges) {
    out["ranges"].push_back({{"low", range.low},
                             {"high", range.high},
                             {"grade", range.grade},
                             {"source", range.source}});
  }
  return out;
}

Json check_json(const Check& check) {
  return {{"check", check.name},
          {"verdict", name(check.verdict)},
          {"what", check.what},
          {"advice", text_or_null<Json>(check.advice)},
          {"likely_causes", check.likely_causes},
          {"published", check.published ? published_json(*check.published) : Json()}};
}

Json measured_json(const Examination& found) {
  const Calibration& c = found.calibration;
  return {{"copy_h2d_bytes_per_second", or_null<Json>(c.copy_h2d)},
          {"copy_d2h_bytes_per_second", or_null<Json>(c.copy_d2h)},
          {"sm_read_pinned_bytes_per_second", or_null<Json>(c.sm_read_pinned)},
          {"sm_write_pinned_bytes_per_second", or_null<Json>(c.sm_write_pinned)},
          {"link_latency_s", or_null<Json>(c.link_latency)},
          {"copy_h2d_pageable_bytes_per_second", or_null<Json>(c.copy_pageable)},
          {"host_read_bytes_per_second", c.host_read > 0 ? Json(c.host_read) : Json()},
          {"link_generation", or_null<Json>(c.link_generation)},
          {"link_width", or_null<Json>(c.link_width)},
          {"failure", text_or_null<Json>(found.failure)}};
}

}  // namespace

std::string doctor_json(const Examination& found) {
  const std::vector<Check> checks = examine(found);
  Json out = {{"schema_version", doctor_schema_version},
              {"look_here", count_of(checks, Verdict::look_here)},
              {"unknown", count_of(checks, Verdict::unknown)},
              {"checks", Json::array()},
              {"measured", measured_json(found)}};
  for (const Check& check : checks) out["checks"].push_back(check_json(check));
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace offload
