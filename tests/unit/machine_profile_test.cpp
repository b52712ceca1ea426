// SPDX-License-Identifier: Apache-2.0
// Where the rates of a machine come from: results, profiles, and what a user says.
#include "bench/machines/machine_profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bench/catalog.hpp"
#include "bench/core/files.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/models/json.hpp"
#include "bench/report/results_file.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"
#include "tests/unit/model_files.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using nlohmann::json;
using testing::message_of;

const std::filesystem::path committed =
    std::filesystem::path(OFFLOAD_TESTS_DIRECTORY).parent_path() / "results";

RunRecord calibrated_run() {
  RunRecord run = testing::gpu_run();
  Calibration& c = run.calibration;
  c.batch_start = 0.3e-6;
  c.copy_pageable = 7.123456789e9;
  c.prefetch = 20e9;
  c.prefetch_read_mostly = 21e9;
  c.fault_read_mostly = 9e9;
  c.map = 1.5e9;
  c.window_read_mostly = 30e9;
  c.window_migrate = 8e9;
  c.launch = 4.1e-6;
  c.hand_over = 0;
  c.products.push_back({{DType::fp8_e4m3, 4096, 14336, 2048}, Rereads::none, 1.0 / 3, 1});
  c.products.push_back({{DType::fp16, 8, 16, 1}, Rereads::fewest_by_library, 1e-7, 3, 1.125});
  c.product_reads = {{DType::bf16, 8, 16, Rereads::none, {{3, 1}, {700, 2}}}};
  c.prefetch_start = 1e-5;
  c.fault_run_start = 1e-4;
  c.window_read_mostly_run_start = 2e-4;
  c.window_migrate_run_start = 3e-4;
  c.host_start = 2e-5;
  c.host_read_by_threads = {{1, 12e9}, {2, 1.0 / 3}};
  c.host_products = {{{DType::bf16, 4096, 4096, 1}, Rereads::as_engines_do, 2e-4}};
  return run;
}

MachineProfile read_back(const RunRecord& run) {
  return machine_from_json(parse_json(results_json(run), "run.json"), "run.json");
}

std::string fault(const json& document) {
  return message_of<UsageError>(
      [&] { machine_from_json(parse_json(document.dump(), "x.json"), "x.json"); });
}

bool mentions(const std::vector<std::string>& sentences, std::string_view part) {
  return std::ranges::any_of(
      sentences, [&](const std::string& one) { return one.find(part) != std::string::npos; });
}

TEST(MachineOfResults, HasTheRatesThatWereWritten) {
  const RunRecord run = calibrated_run();
  const MachineProfile machine = read_back(run);
  EXPECT_EQ(machine.rates, static_cast<const Rates&>(run.calibration));
  EXPECT_EQ(machine.name, "Test GPU");
  EXPECT_EQ(machine.origin, "run.json, measured 2026-01-02");
  EXPECT_FALSE(machine.published);
  EXPECT_FALSE(machine.one_memory);
  EXPECT_EQ(machine.unknown, std::vector<std::string>{});
}

TEST(MachineOfResults, IsThePlatformAsFarAsPoliciesAsk) {
  RunRecord run = calibrated_run();
  MemoryModel& model = run.platform.gpu->memory_model;
  model.concurrent_managed_access = model.host_register = model.host_register_read_only = true;
  const MachineProfile machine = read_back(run);
  ASSERT_TRUE(machine.platform.gpu);
  EXPECT_EQ(machine.platform.gpu->compute_major, 9);
  EXPECT_EQ(machine.platform.gpu->free_bytes, run.platform.gpu->free_bytes);
  EXPECT_EQ(machine.platform.gpu->memory_model.async_engines, 3);
  EXPECT_TRUE(machine.platform.gpu->memory_model.batched_copies);
  EXPECT_EQ(machine.platform.link->kind, "pcie");
  EXPECT_EQ(machine.platform.link->width, 16);
  EXPECT_EQ(machine.platform.host.memory_bytes, run.platform.host.memory_bytes);
  for (const Policy* policy : make_catalog().policies) {
    if (policy->name.find("batch") != policy->name.npos) continue;
    EXPECT_EQ(static_cast<bool>(policy->support(machine.platform)),
              static_cast<bool>(policy->support(run.platform)))
        << policy->name;
  }
}

TEST(MachineOfResults, SaysWhatItsRunDidNotMeasure) {
  RunRecord run = calibrated_run();
  run.calibration.map.reset();
  run.calibration.host_products.clear();
  const MachineProfile machine = read_back(run);
  EXPECT_EQ(machine.unknown.size(), 2U);
  EXPECT_TRUE(mentions(machine.unknown, "map managed memory"));
  EXPECT_TRUE(mentions(machine.unknown, "the CPU multiplies many tokens"));
}

TEST(MachineOfResults, IsReadFromEveryCommittedRunWithAGpu) {
  std::size_t read = 0;
  for (const char* folder : {"h200-sxm-pcie5", "baselines", "epyc-2vcpu"}) {
    for (const auto& entry : std::filesystem::directory_iterator(committed / folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().string();
      if (path.find("epyc") != path.npos) {
        const std::string said = message_of<UsageError>([&] { read_machine(entry.path()); });
        EXPECT_EQ(said, path +
                            ": has no rate of a link, for its run had no GPU (no NVIDIA driver is "
                            "loaded); give the results of a machine with one");
        continue;
      }
      const MachineProfile machine = read_machine(entry.path());
      EXPECT_EQ(machine.name, "NVIDIA H200");
      EXPECT_NE(machine.origin.find(", measured 2026-"), std::string::npos);
      EXPECT_GT(machine.rates.copy_h2d.value_or(0), 50e9) << path;
      EXPECT_GT(machine.rates.host_read, 0) << path;
      ++read;
    }
  }
  EXPECT_GE(read, 15U);
}

TEST(MachineOfResults, IsRefusedInOneLineWhereItIsNone) {
  const json good = json::parse(results_json(calibrated_run()));
  EXPECT_EQ(fault(good), "");
  const auto spoiled = [&](const auto& spoil) {
    json bad = good;
    spoil(bad["offload_bench"]);
    return fault(bad);
  };
  EXPECT_EQ(spoiled([](json& run) { run["schema_version"] = "3.0.0"; }),
            "x.json: has schema version '3.0.0'; this program reads 1 and 2");
  EXPECT_EQ(spoiled([](json& run) { run.erase("schema_version"); }),
            "x.json: has schema version ''; this program reads 1 and 2");
  EXPECT_EQ(spoiled([](json& run) { run.erase("calibration"); }),
            "x.json: has no calibration; give the results of a run");
  EXPECT_EQ(spoiled([](json& run) { run.erase("platform"); }),
            "x.json: does not say of which machine it is: it has no platform");
  EXPECT_EQ(spoiled([](json& run) { run["calibration"]["copy_h2d_bytes_per_second"] = nullptr; }),
            "x.json: has no rate of a link: its run ended before that was measured");
  EXPECT_EQ(spoiled([](json& run) { run["calibration"]["launch_s"] = "soon"; }),
            "x.json: offload_bench.calibration.launch_s is 'soon', not a number of 0 or more");
  EXPECT_EQ(spoiled([](json& run) { run["calibration"] = 7; }),
            "x.json: offload_bench.calibration is 7, not an object");
  EXPECT_EQ(spoiled([](json& run) { run["calibration"]["products"][0]["dtype"] = "int3"; }),
            "x.json: a product is of 'int3', which is no type of weights");
  EXPECT_EQ(spoiled([](json& run) { run["calibration"]["products"][0]["tokens"] = 0; }),
            "x.json: a product has no tokens");
  EXPECT_EQ(fault(json::object()),
            "x.json: describes no machine: neither results of this program nor a platform profile");
  EXPECT_EQ(fault(json::array()),
            "x.json: describes no machine: neither results of this program nor a platform profile");
}

TEST(MachineOfAFile, IsRefusedWhereItCannotBeRead) {
  const TempDirectory directory;
  const auto said = [](const std::filesystem::path& path) {
    return message_of<UsageError>([&] { read_machine(path); });
  };
  EXPECT_TRUE(says(said(directory.path() / "none.json"), "none.json: there is no such file"));
  EXPECT_TRUE(says(said(directory.path()), ": is not a regular file"));
  EXPECT_TRUE(says(said(directory.write("empty.json", "")), "not JSON"));
  const std::string text = said(directory.write("text.json", "GPU,GB/s\n"));
  EXPECT_TRUE(says(text, "text.json: line 1, column 1: not JSON"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(ShippedMachines, AreTheFilesOfTheSourceTree) {
  const auto files = profile_files();
  EXPECT_GE(files.size(), 15U);
  for (const ProfileFile& file : files) {
    const auto path = committed / "platforms" / (std::string(file.slug) + ".json");
    EXPECT_EQ(file.json, read_text(path)) << path;
    EXPECT_EQ(read_machine(path).rates, shipped_machine(file.slug).rates);
  }
}

TEST(ShippedMachines, HaveRatesAndSayWhatIsNotKnown) {
  for (const std::string_view slug : shipped_machines()) {
    const MachineProfile machine = shipped_machine(slug);
    EXPECT_EQ(machine.name, slug);
    EXPECT_TRUE(machine.published);
    EXPECT_TRUE(machine.rates.copy_h2d && machine.rates.device_read) << slug;
    EXPECT_FALSE(machine.rates.launch) << slug;
    ASSERT_TRUE(machine.platform.gpu);
    EXPECT_GT(machine.platform.gpu->memory_bytes, 0U);
    EXPECT_FALSE(machine.notes.empty());
    EXPECT_TRUE(mentions(machine.unknown, "What launches add")) << slug;
    EXPECT_TRUE(machine.assumed.empty());
    const std::string_view found = shipped_machine_with(machine.platform.gpu->name);
    EXPECT_EQ(found, slug);
  }
  EXPECT_EQ(shipped_machine_with("NVIDIA GeForce GTX 285"), "");
}

TEST(ShippedMachines, AreReadAsTheirFilesSay) {
  const MachineProfile card = shipped_machine("RTX-4090");
  EXPECT_EQ(card.name, "rtx-4090");
  EXPECT_EQ(card.origin, "published figures (results/platforms/rtx-4090.json, newest 2024-01-06)");
  EXPECT_DOUBLE_EQ(*card.rates.copy_h2d, 26.2e9);
  EXPECT_DOUBLE_EQ(*card.rates.flops_fp8, 330.3e12);
  EXPECT_EQ(card.platform.link->generation, 4);
  EXPECT_FALSE(card.platform.gpu->memory_model.pageable_memory_access);
  EXPECT_TRUE(mentions(card.unknown, "that is the host's, of which the GPU says nothing"));

  const MachineProfile grace = shipped_machine("gh200-480gb");
  EXPECT_EQ(grace.platform.link->kind, "nvlink-c2c");
  EXPECT_TRUE(grace.platform.gpu->memory_model.pageable_memory_access_uses_host_page_tables);
  EXPECT_EQ(grace.platform.gpu->memory_model.gpu_is_numa_node, true);
  EXPECT_DOUBLE_EQ(grace.rates.host_read, 348e9);

  const MachineProfile spark = shipped_machine("gb10");
  EXPECT_TRUE(spark.one_memory);
  EXPECT_FALSE(spark.platform.link);
  EXPECT_FALSE(spark.platform.gpu->memory_model.host_register);
  EXPECT_TRUE(mentions(spark.notes, "what it is sold with"));
}

TEST(ShippedMachines, ComputeFp8In16BitWhereTheGpuHasNone) {
  const Rates ampere = shipped_machine("rtx-3090").rates;
  EXPECT_EQ(ampere.flops_fp8, ampere.flops);
  EXPECT_FALSE(mentions(shipped_machine("rtx-3090").unknown, "Nothing"));
  EXPECT_FALSE(shipped_machine("rtx-pro-6000").rates.flops_fp8);
}

TEST(ShippedMachines, OfAnotherNameAreRefusedWithTheList) {
  EXPECT_EQ(message_of<UsageError>([] { shipped_machine("rtx-4091"); }),
            "unknown machine 'rtx-4091': did you mean 'rtx-4090'?");
  EXPECT_TRUE(says(message_of<UsageError>([] { shipped_machine("voodoo"); }), "gh200-480gb"));
}

TEST(MachineByHand, HasWhatIsGiven) {
  const MachineProfile machine = machine_by_hand({25e9, 60e9, 1008e9, 165e12});
  EXPECT_EQ(machine.name, "given by hand");
  EXPECT_EQ(machine.origin,
            "given by hand: link 25.0 GB/s, CPU 60.0 GB/s, GPU memory 1.01 TB/s and 165 TFLOP/s");
  EXPECT_EQ(machine.rates.copy_h2d, 25e9);
  EXPECT_EQ(machine.rates.host_read, 60e9);
  EXPECT_EQ(machine.rates.device_read, 1008e9);
  EXPECT_EQ(machine.rates.flops, 165e12);
  const Catalog catalog = make_catalog();
  EXPECT_TRUE(catalog.policy("pinned_zero_copy")->support(machine.platform));
  EXPECT_FALSE(machine_by_hand({25e9, {}, {}, {}}).rates.flops);
}

TEST(MachineByHand, TakesThePlaceOfWhatAMachineHas) {
  MachineProfile machine = read_back(calibrated_run());
  give(machine, {});
  EXPECT_EQ(machine.origin, "run.json, measured 2026-01-02");
  give(machine, {12.5e9, {}, {}, {}});
  EXPECT_EQ(machine.origin, "run.json, measured 2026-01-02; given by hand: link 12.5 GB/s");
  EXPECT_EQ(machine.rates.copy_h2d, 12.5e9);
  EXPECT_FALSE(machine.rates.sm_read_pinned || machine.rates.fault ||
               machine.rates.copy_h2d_beside_host);
  EXPECT_TRUE(machine.rates.copy_start && machine.rates.device_read);
  EXPECT_FALSE(machine.rates.products.empty());
  EXPECT_TRUE(mentions(machine.unknown, "page faults"));
  give(machine, {{}, 30e9, {}, 100e12});
  EXPECT_TRUE(machine.rates.products.empty() && machine.rates.host_products.empty());
  EXPECT_EQ(machine.rates.host_read, 30e9);

  MachineProfile card = shipped_machine("rtx-4090");
  give(card, {{}, 60e9, {}, {}});
  EXPECT_FALSE(mentions(card.unknown, "Whether the CPU computes faster"));
  EXPECT_TRUE(mentions(card.unknown, "What CPU and link reach at the same time"));
}

TEST(Complete, SaysWhatItAssumesWithItsFigure) {
  MachineProfile machine = machine_by_hand({25e9, 60e9, 1008e9, 165e12});
  complete(machine);
  EXPECT_DOUBLE_EQ(*machine.rates.sm_read_pinned, 0.93 * 25e9);
  EXPECT_DOUBLE_EQ(*machine.rates.copy_start, 2.7e-6);
  EXPECT_TRUE(mentions(machine.assumed,
                       "Kernels read pinned memory over the link at 23.2 GB/s, "
                       "0.93 of what copies reach."));
  EXPECT_TRUE(mentions(machine.assumed, "A copy takes 2.70 us beyond its bytes' time"));
  EXPECT_EQ(machine.assumed.size(), 7U);
  EXPECT_FALSE(mentions(machine.unknown, "What launches add"));
  EXPECT_TRUE(mentions(machine.unknown, "page faults"));
  const MachineProfile before = machine;
  complete(machine);
  EXPECT_EQ(machine.rates, before.rates);
  EXPECT_EQ(machine.assumed, before.assumed);
}

TEST(Complete, ChangesNothingThatIsKnown) {
  MachineProfile machine = read_back(calibrated_run());
  machine.rates.flops = 800e12;
  const Rates before = machine.rates;
  complete(machine);
  EXPECT_EQ(machine.rates, before);
  EXPECT_EQ(machine.assumed, std::vector<std::string>{});
}

TEST(Complete, LetsTheCpusMemoryBoundBothWhoReadIt) {
  MachineProfile desktop = machine_by_hand({25e9, 60e9, {}, {}});
  complete(desktop);
  EXPECT_NEAR(*desktop.rates.copy_h2d_beside_host, 0.87 * 25e9, 0.5e9);
  MachineProfile fast_link = machine_by_hand({56e9, 60e9, {}, {}});
  complete(fast_link);
  EXPECT_NEAR(*fast_link.rates.copy_h2d_beside_host + *fast_link.rates.host_read_beside_copy,
              1.16 * 60e9, 1);
  EXPECT_TRUE(mentions(fast_link.assumed, "share the CPU's memory"));
}

TEST(Complete, KnowsWhatAGpuComputesByItsProductsOrItsName) {
  MachineProfile machine = read_back(calibrated_run());
  complete(machine);
  EXPECT_DOUBLE_EQ(*machine.rates.flops, 2.0 * 4096 * 4096 * 512 / 2e-4);
  EXPECT_TRUE(mentions(machine.assumed, "the most of those that were"));

  RunRecord named = calibrated_run();
  named.calibration.products.clear();
  named.platform.gpu->name = "NVIDIA GeForce RTX 4090";
  MachineProfile card = read_back(named);
  complete(card);
  EXPECT_EQ(card.rates.flops, shipped_machine("rtx-4090").rates.flops);
  EXPECT_TRUE(mentions(card.assumed, "as published of rtx-4090"));
}

TEST(Complete, TakesPinnedForGpuMemoryWhereThereIsOne) {
  MachineProfile spark = shipped_machine("gb10");
  complete(spark);
  EXPECT_EQ(spark.rates.sm_read_pinned, spark.rates.device_read);
}

/// Of a GiB, in eight layers.
WeightSet gibibyte() {
  WeightSet set{"w", {}};
  for (std::size_t layer = 0; layer < 8; ++layer) {
    set.tensors.push_back({"w", DType::u8, 16384, 8192, layer});
  }
  return set;
}

void expect_predictions(MachineProfile machine) {
  static const Catalog catalog = make_catalog();
  static const WeightSet weights = gibibyte();
  complete(machine);
  for (const Policy* policy : catalog.policies) {
    const bool asked = policy->name.starts_with("pinned_") || policy->name == "device_resident" ||
                       (policy->name == "hybrid_split" && machine.rates.host_read > 0);
    if (!asked) continue;
    const auto found = predict({catalog.workload("stream_read"), policy, &weights, Start::steady},
                               machine.rates, {}, false, {});
    ASSERT_TRUE(found) << machine.name << " " << policy->name;
    EXPECT_GT(found->seconds, 0) << machine.name << " " << policy->name;
  }
}

TEST(Complete, LeavesNothingUnknownThatCopiesAndPinnedMemoryTake) {
  for (const std::string_view slug : shipped_machines()) expect_predictions(shipped_machine(slug));
  expect_predictions(machine_by_hand({25e9, {}, {}, {}}));
  expect_predictions(machine_by_hand({25e9, 60e9, 1008e9, 165e12}));
  expect_predictions(read_machine(committed / "h200-sxm-pcie5/quick.json"));
  expect_predictions(read_machine(committed / "baselines/h200-sxm-pcie5.json"));
}

}  // namespace
}  // namespace offload
