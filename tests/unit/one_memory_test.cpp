// SPDX-License-Identifier: Apache-2.0
// Machines whose GPU and CPU share one memory: what a run says of them, with figures that can be
// worked out by hand. 100 MB of weights; the GPU reads memory of cudaMalloc at 200 GB/s, pinned
// memory at 190, all CPU threads read at 160, and copies run at 80.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/case_evidence.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/measure/limits.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/memory_cost.hpp"
#include "bench/measure/model_bound.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/csv.hpp"
#include "bench/report/evidence.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/summary.hpp"
#include "offload/units.hpp"
#include "tests/unit/machine_kinds.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::machine_called;
using testing::machine_kinds;
using testing::machine_of;
using testing::one_memory_case;
using testing::one_memory_run;

constexpr std::size_t weights_bytes = 100'000'000;

std::vector<Platform> machines_of_one_memory() {
  std::vector<Platform> machines;
  for (const testing::MachineKind& kind : machine_kinds()) {
    if (kind.mode == MemoryMode::one_memory) machines.push_back(machine_of(kind));
  }
  return machines;
}

Calibration calibration() { return testing::one_memory_run().calibration; }

std::vector<std::string> policies_of(const std::vector<const CaseRecord*>& cases) {
  std::vector<std::string> names;
  names.reserve(cases.size());
  for (const CaseRecord* record : cases) names.push_back(record->policy);
  return names;
}

/// In one line, as no width of a terminal cuts it.
std::string joined(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  std::string single;
  for (const char c : line) {
    if (c != ' ' || single.empty() || single.back() != ' ') single += c;
  }
  return single;
}

TEST(OneMemory, IsThePathOfWhateverTheGpuReads) {
  const Catalog catalog = make_catalog();
  for (const Platform& machine : machines_of_one_memory()) {
    for (const Policy* policy : catalog.policies) {
      for (const Start start : policy->starts) {
        const bool by_cpu = policy->paths.cold_or_steady == Path::host_memory;
        const Path expected = by_cpu               ? Path::host_memory
                              : policy->needs_peer ? Path::peer
                                                   : Path::one_memory;
        EXPECT_EQ(policy->path(start, machine), expected) << policy->name;
      }
      EXPECT_FALSE(migrates(*policy, machine)) << policy->name;
    }
  }
  const Platform own = machine_called("PCIe");
  EXPECT_EQ(catalog.policy("pinned_copy")->path(Start::steady, own), Path::link);
  EXPECT_EQ(catalog.policy("device_resident")->path(Start::steady, own), Path::device_memory);
}

TEST(OneMemory, GivesWhatItsFastestReaderReaches) {
  Calibration calibrated = calibration();
  const Platform gb10 = machine_called("GB10");
  EXPECT_DOUBLE_EQ(memory_rate(gb10, calibrated).value(), 200e9);
  EXPECT_EQ(memory_roof(gb10, calibrated)->reader, "the GPU from memory of cudaMalloc");
  calibrated.host_read = 210e9;
  EXPECT_DOUBLE_EQ(memory_rate(gb10, calibrated).value(), 210e9);
  EXPECT_EQ(memory_roof(gb10, calibrated)->reader, "all CPU threads");
  EXPECT_FALSE(memory_rate(machine_called("PCIe"), calibrated));
  EXPECT_FALSE(memory_rate(machine_called("GH200, CDMM"), calibrated));
  EXPECT_FALSE(memory_rate(gb10, Calibration())) << "nothing was read";
}

/// By the clock that the driver tells, Orin would have less than half of its bandwidth.
TEST(OneMemory, HasNoPeakByTheDriversClock) {
  for (const Platform& machine : machines_of_one_memory()) {
    EXPECT_EQ(machine.gpu->hbm_peak_bytes_per_second, std::nullopt);
  }
  EXPECT_TRUE(machine_called("PCIe").gpu->hbm_peak_bytes_per_second);
}

TEST(OneMemory, BoundsARateByItsFastestReaderAndNotByCopies) {
  const Platform gb10 = machine_called("GB10");
  const auto most = max_bytes_per_second(Path::one_memory, gb10, calibration());
  ASSERT_TRUE(most);
  EXPECT_GT(*most, 200e9);  // read by the GPU in place, 2.5 times as fast as copies
  EXPECT_LT(*most, 250e9);
  EXPECT_FALSE(max_bytes_per_second(Path::one_memory, gb10, Calibration()));
}

TEST(OneMemory, IsWhatARecordsRateIsAShareOf) {
  const Catalog catalog = make_catalog();
  const WeightSet weights{"w", {{"w", DType::bf16, 10, 50}}};
  const Platform gb10 = machine_called("GB10");
  const Calibration calibrated = calibration();
  const OffloadRules rules;
  const Tuning tuning;
  const auto record_of = [&](const char* workload, const char* policy, const Platform& platform) {
    const Case item{catalog.workload(workload), catalog.policy(policy), &weights, Start::steady};
    CaseResult result;
    result.item = &item;
    result.prepared.bytes = {1000, 1024};
    if (std::string(workload) == "pointer_chase") result.prepared.steps = 10;
    result.samples = {1e-8};  // 100 GB/s
    return make_record(result, {platform, calibrated, rules, tuning});
  };
  for (const char* policy :
       {"device_resident", "pinned_zero_copy", "pinned_copy", "host_compute"}) {
    const CaseRecord record = record_of("gemv", policy, gb10);
    EXPECT_NEAR(record.share_of_memory.value(), 0.5, 1e-9) << policy;
    EXPECT_FALSE(record.share_of_link) << policy;
    EXPECT_FALSE(exclusion(record)) << policy << ": there is no other place to be";
  }
  EXPECT_FALSE(record_of("pointer_chase", "pinned_zero_copy", gb10).share_of_memory);
  EXPECT_FALSE(record_of("gemv", "pinned_copy", machine_called("PCIe")).share_of_memory);
}

TEST(OneMemory, IsAskedForItsRateAndForSecondCopies) {
  const RunRecord run = one_memory_run();
  const auto found = answers(run);
  ASSERT_EQ(found.size(), 1U);
  ASSERT_EQ(found[0].sentences.size(), 2U);
  EXPECT_EQ(found[0].sentences[0],
            "gemv of toy.w: device_resident and pinned_zero_copy tie at 200 GB/s (100 % of what "
            "the memory gives), host_compute is 2.00x slower at 100 GB/s (50 % of what the memory "
            "gives); engines do as device_resident does where nothing is offloaded.");
  EXPECT_EQ(found[0].sentences[1],
            "gemv of toy.w, by memory: device_resident, pinned_zero_copy and host_compute keep the "
            "weights once, as fast as any; pinned_ring_copy takes 1.10x their bytes and "
            "pinned_copy 2.00x.");
  EXPECT_EQ(policies_of(found[0].ranking.cold->by_memory),
            (std::vector<std::string>{"device_resident", "pinned_zero_copy", "host_compute",
                                      "pinned_ring_copy", "pinned_copy"}));
}

TEST(OneMemory, NamesWhatAnEngineSwitchesOnBesideWhatNeedsNoFlag) {
  RunRecord run = one_memory_run();
  run.cases[0].engine_flags = "vLLM --x";
  const std::string sentence = answers(run)[0].sentences[0];
  EXPECT_TRUE(sentence.ends_with(
      "; engines do as device_resident does where nothing is offloaded, the best that one switches "
      "on today is pinned_copy, 4.00x slower at 50.0 GB/s (25 % of what the memory gives), by vLLM "
      "--x."))
      << sentence;
}

TEST(OneMemory, SaysWhatNotToCopyCosts) {
  RunRecord run = one_memory_run();
  // Were copies faster than what reads in place, by 1.75 / 1.
  run.cases = {run.cases[1], run.cases[4]};
  run.cases[0] = one_memory_case("pinned_ring_copy", Path::one_memory, 1e-3,
                                 {.device = weights_bytes / 10, .pinned = weights_bytes});
  run.cases[1] =
      one_memory_case("host_compute", Path::host_memory, 1.75e-3, {.pageable = weights_bytes});
  EXPECT_EQ(answers(run)[0].sentences[1],
            "gemv of toy.w, by memory: host_compute keeps the weights once, 1.75x slower than "
            "pinned_ring_copy; pinned_ring_copy takes 1.10x their bytes.");
  run.cases.pop_back();
  EXPECT_EQ(answers(run)[0].sentences[1],
            "gemv of toy.w, by memory: no policy keeps the weights once: pinned_ring_copy takes "
            "1.10x their bytes.");
}

TEST(OneMemory, IsNoQuestionWhereEachHasItsOwn) {
  const RunRecord run = testing::gpu_run();
  for (const Answer& answer : answers(run)) {
    for (const std::string& sentence : answer.sentences) {
      EXPECT_EQ(sentence.find("by memory"), std::string::npos) << sentence;
    }
    ASSERT_TRUE(answer.ranking.cold);
    EXPECT_TRUE(answer.ranking.cold->by_memory.empty());
  }
}

TEST(OneMemory, IsWhatTheSummaryShowsInPlaceOfALink) {
  const std::string text = summary_text(one_memory_run());
  const std::string line = joined(text);
  EXPECT_NE(line.find("nothing crosses a link here: GPU and CPU share one memory, which gives 200 "
                      "GB/s, read by the GPU from memory of cudaMalloc"),
            std::string::npos)
      << text;
  EXPECT_NE(line.find("copies within it run at 80.0 GB/s"), std::string::npos) << text;
  for (const char* of_a_link : {"% of link", "of the link", "link: copy engine", "HBM"}) {
    EXPECT_EQ(line.find(of_a_link), std::string::npos) << of_a_link << '\n' << text;
  }
}

TEST(OneMemory, StandsInMarkdownAndCsv) {
  RunRecord run = one_memory_run();
  run.options.format = Format::md;
  const std::string text = summary_text(run);
  EXPECT_NE(text.find("| GB/s | % of memory | kept |"), std::string::npos) << text;
  EXPECT_NE(text.find("| 50.0 | 25.0 | 2.00x |"), std::string::npos) << text;
  const std::string csv = cases_csv(run.cases);
  EXPECT_NE(csv.find(",share_of_memory,times_kept,"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",0.25,2,"), std::string::npos) << csv;  // pinned_copy
}

TEST(OneMemory, StandsInTheResults) {
  const auto document = nlohmann::json::parse(results_json(one_memory_run()));
  const auto& ours = document["offload_bench"];
  EXPECT_EQ(ours["cases"][0]["path"], "one_memory");
  EXPECT_NEAR(ours["cases"][0]["share_of_memory"].get<double>(), 0.25, 1e-9);
  EXPECT_TRUE(ours["cases"][0]["share_of_link"].is_null());
  const auto& cold = ours["answers"][0]["cold"];
  EXPECT_EQ(cold["limited_by"], "one_memory");
  ASSERT_EQ(cold["by_memory"].size(), 5U);
  EXPECT_EQ(cold["by_memory"][4]["policy"], "pinned_copy");
  EXPECT_DOUBLE_EQ(cold["by_memory"][4]["times_kept"].get<double>(), 2);
}

TEST(OneMemory, IsExplained) {
  const RunRecord run = one_memory_run();
  const std::vector<std::string> lines = explain(run.cases[0], run);
  EXPECT_NE(std::ranges::find(
                lines,
                "Nothing crossed a link: GPU and CPU share one memory, and a pass took 25 % of "
                "what that gives (200 GB/s, read by the GPU from memory of cudaMalloc). The "
                "weights are kept 2.00x."),
            lines.end());
  const std::vector<std::string> once = explain(run.cases[3], run);
  EXPECT_TRUE(std::ranges::any_of(
      once, [](const std::string& line) { return line.ends_with("The weights are kept once."); }));
}

TEST(OneMemory, BoundsAModelByAllThatTheGpuReadsThere) {
  CaseRecord record;
  record.start = "steady";
  record.path = Path::one_memory;
  record.tokens = 1;
  record.weights = {"model", {{"w", DType::bf16, 5000, 10000}}};  // one of two layers
  record.weights.slice = ModelSlice{
      .model = "model", .layers = 2, .layers_measured = 1, .offloaded_bytes = 2 * weights_bytes};
  record.bytes = {weights_bytes, weights_bytes};
  const Platform gb10 = machine_called("GB10");
  const Calibration calibrated = calibration();
  const auto bound = [&] { return model_bound(record, 2, nullptr, {calibrated, gb10}).value(); };
  EXPECT_EQ(bound().by, BoundBy::one_memory);
  EXPECT_DOUBLE_EQ(bound().seconds, 1e-3);  // 200 MB at 200 GB/s
  record.cpu_bytes = weights_bytes;         // the CPU reads all of them, at 160
  EXPECT_EQ(bound().by, BoundBy::host_memory);
  EXPECT_DOUBLE_EQ(bound().seconds, 1.25e-3);
}

TEST(OneMemory, KeepsAModelOnTheGpuAsOftenAsItsPolicySays) {
  RunRecord run = testing::model_run();
  const Platform gb10 = machine_called("GB10");
  std::vector<CaseRecord> cases = {run.cases[0], run.cases[1]};  // device_resident, pinned_copy
  for (CaseRecord& record : cases) {
    record.path = Path::one_memory;
    record.link_bytes = 0;
    record.model.reset();
  }
  cases = with_model_figures(cases, {calibration(), gb10});
  ASSERT_TRUE(cases[0].model && cases[1].model);
  EXPECT_EQ(cases[0].model->memory.device, 450'000'000U);  // 4 layers and what else there is
  EXPECT_DOUBLE_EQ(times_kept(cases[0]), 1);
  EXPECT_DOUBLE_EQ(times_kept(cases[1]), 1.25);  // a slot for one layer of four
  EXPECT_EQ(cases[1].model->overlap, std::nullopt) << "there is no transfer to hide";
}

TEST(OneMemory, PlansWeightsThatAreResidentAsAWhole) {
  const Catalog catalog = make_catalog();
  Options options;
  options.workloads = {"decode"};
  options.models = {"llama3.1-8b"};
  options.policies = {"device_resident"};
  options.slice_bytes = 64 * MiB;
  options.tokens = {1};
  EXPECT_FALSE(make_plan(options, catalog, machine_called("GB10")).cases.empty());
}

TEST(OneMemory, RegistersOnlyWhereTheDriverCan) {
  const Catalog catalog = make_catalog();
  std::size_t registering = 0;
  for (const Policy* policy : catalog.policies) {
    const std::string all = std::string(policy->memory) + ' ' + std::string(policy->mechanism);
    if (all.find("egister") == std::string::npos) continue;
    ++registering;
    const Support on_gb10 = policy->support(machine_called("GB10"));
    EXPECT_FALSE(on_gb10) << policy->name;
    EXPECT_NE(on_gb10.reason().find("cudaHostRegister"), std::string::npos) << on_gb10.reason();
  }
  EXPECT_GE(registering, 4U);
  EXPECT_TRUE(catalog.policy("registered_zero_copy")->support(machine_called("Jetson Thor")));
}

TEST(OneMemory, IsBudgetedByWhatIsAvailable) {
  for (Platform machine : machines_of_one_memory()) {
    machine.gpu->free_bytes = 1;  // cudaMemGetInfo takes page cache for used
    EXPECT_EQ(gpu_memory_limit(machine), host_memory_limit(machine.host));
    EXPECT_FALSE(memory_levels(machine).device_free) << "the same memory, counted twice";
  }
}

TEST(OneMemory, HoldsNoPolicyAgainstALink) {
  const Catalog catalog = make_catalog();
  Platform platform;  // no GPU while the session is made
  Session session(platform, 1);
  const Calibration calibrated;
  WallTime wall;
  Loop loop(session, calibrated, wall);
  std::vector<std::string> started;
  LimitsContext context{
      session, loop, catalog, calibrated,
      wall,    3,    {},      [&](const std::string& id) { started.push_back(id); }};
  std::vector<Limit> limits;
  std::vector<SkippedCase> skipped;
  const std::function<void(SkippedCase)> skip = [&](SkippedCase one) {
    skipped.push_back(std::move(one));
  };
  LimitRunner runner(context, limits, skip);
  platform.gpu = machine_called("GB10").gpu;
  EXPECT_FALSE(runner.start_against_link("ring_vs_link", "pinned_ring_copy"));
  EXPECT_TRUE(started.empty());
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_EQ(skipped[0].name, "limit/ring_vs_link");
  EXPECT_NE(skipped[0].reason.find("nothing crosses one"), std::string::npos);
  EXPECT_TRUE(runner.start("zero_copy_read_vs_best", "pinned_zero_copy"))
      << "that has no link in it";
  platform.gpu = machine_called("PCIe").gpu;
  EXPECT_TRUE(runner.start_against_link("ring_vs_link", "pinned_ring_copy"));
  platform.gpu.reset();
}

TEST(OneMemory, HasNoLinkWhoseBytesCouldBeCounted) {
  for (const Platform& machine : machines_of_one_memory()) {
    EXPECT_EQ(link_not_counted(machine), "nothing crosses a link: GPU and CPU share one memory");
  }
  EXPECT_EQ(link_not_counted(machine_called("PCIe")), "");
  EXPECT_NE(link_not_counted(machine_called("GH200, CDMM")), "");
}

}  // namespace
}  // namespace offload
