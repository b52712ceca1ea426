// SPDX-License-Identifier: Apache-2.0
// What the results document says of several GPUs: each alone, and all of them together.
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/report/json_parts.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

Json gpu_run_json(const GpuRun& run) {
  const Json machine = part<Json>(machine_json(run.platform));
  return {{"gpu", machine["gpu"]},
          {"link", machine["link"]},
          {"calibration", part<Json>(calibration_json(run.calibration))},
          {"host_node", or_null<Json>(run.host_node)},
          {"cpus", run.cpus}};
}

Json member_json(const Member& member) {
  return {{"gpu", member.gpu},
          {"samples_s", member.samples},
          {"summary", member.summary ? part<Json>(summary_json(*member.summary)) : Json()},
          {"bytes", member.bytes},
          {"failure", text_or_null<Json>(member.failure)}};
}

}  // namespace

JsonPart gpus_json(const RunRecord& run) {
  Json out = Json::object();
  if (run.gpus.empty()) return out;
  out["gpus"] = Json::array();
  for (const GpuRun& gpu : run.gpus) out["gpus"].push_back(gpu_run_json(gpu));
  if (!run.together) return out;
  const SharedRates& rates = *run.together;
  out["together"] = {{"start_skew_s",
                      {{"median_s", rates.start.median},
                       {"max_s", rates.start.most},
                       {"samples", rates.start.samples}}},
                     {"copy_h2d_bytes_per_second", or_null<Json>(rates.copy_h2d)},
                     {"sm_read_pinned_bytes_per_second", or_null<Json>(rates.sm_read_pinned)},
                     {"host_read_bytes_per_second", rates.host_read}};
  return out;
}

JsonPart members_json(const CaseRecord& record) {
  Json out = Json::object();
  if (!record.gpus.empty()) out["gpus"] = record.gpus;
  if (record.members.empty()) return out;
  out["members"] = Json::array();
  for (const Member& member : record.members) out["members"].push_back(member_json(member));
  if (!record.together) return out;
  const std::optional<double> alone = record.together->alone;
  out["together"] = {{"alone_gb_per_s", alone ? Json(*alone / 1e9) : Json()},
                     {"ratio", or_null<Json>(record.together->ratio)}};
  return out;
}

}  // namespace offload
