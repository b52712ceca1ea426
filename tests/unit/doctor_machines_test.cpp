// SPDX-License-Identifier: Apache-2.0
// Machines of each platform profile, as fast as that has it and slower; and Grace in its modes.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/machines/published.hpp"
#include "tests/unit/doctor_checks.hpp"
#include "tests/unit/fake_machine.hpp"
#include "tests/unit/machine_of_profile.hpp"

namespace offload {
namespace {

using testing::check_of;
using testing::expect_look;
using testing::expect_ok;
using testing::expect_unknown;
using testing::FakeMachine;
using testing::Names;
using testing::names_with;

Examination machine_of(std::string_view slug) {
  static const Examination whole = FakeMachine().examination();
  return testing::of_profile(whole, slug);
}

/// The checks that hold a figure against a profile, where that has more than a maker's peak.
Names judged_by(const PublishedMachine& published) {
  const std::vector<std::pair<const char*, const char*>> figures = {
      {"copies_to_gpu", "copy_h2d_bytes_per_second"},
      {"copies_to_host", "copy_d2h_bytes_per_second"},
      {"zero_copy_reads", "sm_read_pinned_bytes_per_second"},
      {"link_latency", "link_latency_s"},
      {"host_memory", "host_read_bytes_per_second"}};
  Names names;
  for (const auto& [check, rate] : figures) {
    if (published.rates.contains(rate)) names.emplace_back(check);
  }
  return names;
}

std::vector<std::string_view> machines_with_a_link() {
  std::vector<std::string_view> slugs = shipped_machines();
  std::erase(slugs, "gb10");
  return slugs;
}

TEST(DoctorByProfile, NothingIsSlowOfAMachineAsItIsPublished) {
  for (const std::string_view slug : machines_with_a_link()) {
    const Examination found = machine_of(slug);
    const Names judged = judged_by(*published_of(found.platform));
    const std::vector<Check> checks = examine(found);
    EXPECT_FALSE(judged.empty()) << slug;
    for (const std::string& name : judged) {
      const Check check = check_of(checks, name);
      ASSERT_TRUE(check.published) << slug << ' ' << name;
      EXPECT_EQ(check.published->profile, slug);
      EXPECT_NE(check.what.find("published of " + std::string(slug)), std::string::npos)
          << check.what;
      EXPECT_NE(check.what.find(check.published->ranges.front().grade), std::string::npos);
      EXPECT_EQ(check.likely_causes, Names{}) << slug << ' ' << name;
    }
    // What is published of H100 is the slower of two modes, in which engines do better to copy.
    EXPECT_EQ(names_with(checks, Verdict::look_here),
              slug == "h100-sxm" ? Names{"zero_copy_reads"} : Names{})
        << slug;
  }
}

TEST(DoctorByProfile, HalfOfWhatIsPublishedIsSlowAndItsCauseNamed) {
  const std::string cause = "--host-numa took host memory from node 0, and the GPU is at node 1";
  for (const std::string_view slug : machines_with_a_link()) {
    Examination found = machine_of(slug);
    const double host_read = found.calibration.host_read;
    testing::speed_up(found.calibration, 0.5);
    const Names judged = judged_by(*published_of(found.platform));
    if (std::ranges::find(judged, "host_memory") == judged.end()) {
      found.calibration.host_read = host_read;
    }
    found.platform.host.bound_node = 0;
    const std::vector<Check> checks = examine(found);
    EXPECT_EQ(names_with(checks, Verdict::look_here), judged) << slug;
    for (const std::string& name : judged) {
      const Check check = check_of(checks, name);
      EXPECT_EQ(check.likely_causes, Names{cause}) << slug << ' ' << name;
      EXPECT_TRUE(check.advice.starts_with("likely: " + cause + "; ")) << check.advice;
    }
  }
}

TEST(DoctorByProfile, SaysWhatIsPublishedOfGraceAndWhatAFigureIsASignOf) {
  Examination found = machine_of("gh200-480gb");
  expect_ok(found, "copies_to_gpu",
            "380 GB/s, 84 % of the 450 GB/s that the link carries (published of gh200-480gb in "
            "NUMA mode: 377 GB/s to 382 GB/s, primary; 346 GB/s, primary)");
  expect_ok(found, "link_latency", "618 ns to 624 ns, primary");
  expect_ok(found, "host_memory", "323 GB/s to 348 GB/s, primary; 486 GB/s, secondary");
  found.calibration.copy_h2d = found.calibration.sm_read_pinned = 133e9;
  found.calibration.copy_d2h = 133e9;
  found.calibration.link_latency = 990e-9;
  const Names on_another_grace{"as published where the memory is on another Grace"};
  EXPECT_EQ(names_with(found, Verdict::look_here),
            (Names{"copies_to_gpu", "copies_to_host", "zero_copy_reads", "link_latency"}));
  EXPECT_EQ(check_of(found, "copies_to_gpu").likely_causes, on_another_grace);
  EXPECT_EQ(check_of(found, "copies_to_host").likely_causes, on_another_grace);
  EXPECT_EQ(check_of(found, "link_latency").likely_causes, on_another_grace);
  EXPECT_EQ(check_of(found, "zero_copy_reads").likely_causes, Names{});  // nobody published that
  found = machine_of("gh200-120gb");
  expect_ok(found, "copies_to_host", "170 GB/s, 38 % of the 450 GB/s");  // no fault of that part
  found.calibration.sm_write_pinned = 380e9;
  expect_ok(found, "copies_to_host", "SMs write 380 GB/s");
  found.calibration.copy_h2d = found.calibration.sm_read_pinned = 380e9;  // it is not the other
  EXPECT_EQ(names_with(found, Verdict::look_here), (Names{"copies_to_gpu", "zero_copy_reads"}));
}

TEST(DoctorByProfile, GrantsWhatMachinesOfOneKindDifferBy) {
  Examination found = machine_of("gb200");  // 201 GB/s, 586 ns
  found.calibration.copy_h2d = 0.951 * 201e9;
  found.calibration.link_latency = 1.049 * 586e-9;
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  found.calibration.copy_h2d = 0.949 * 201e9;
  found.calibration.link_latency = 1.051 * 586e-9;
  EXPECT_EQ(names_with(found, Verdict::look_here), (Names{"copies_to_gpu", "link_latency"}));
  found.calibration.copy_h2d = 300e9;  // faster is no fault
  found.calibration.link_latency = 400e-9;
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
}

TEST(DoctorByProfile, IsOfThatGpuOverThatLink) {
  Examination found = machine_of("gh200-480gb");
  EXPECT_EQ(published_of(found.platform)->slug, "gh200-480gb");
  found.platform.link = Link{"pcie", 5, 16, 5, 16, 63.015e9, ""};
  EXPECT_FALSE(published_of(found.platform));
  found.platform.link.reset();
  EXPECT_FALSE(published_of(found.platform));
  found = machine_of("gh200-480gb");
  found.platform.gpu->name = "NVIDIA GH200 480GB MIG 1g.12gb";
  EXPECT_FALSE(published_of(found.platform));
  expect_unknown(found, "copies_to_gpu", "what others reach on such a link is not known");
  expect_unknown(found, "link_latency", "what others reach on such a link is not known");
  EXPECT_FALSE(published_of(FakeMachine().without_gpu().platform));
}

TEST(DoctorByProfile, OneMemoryHasNoLink) {
  const Examination found = machine_of("gb10");
  EXPECT_EQ(published_of(found.platform)->slug, "gb10");
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  expect_ok(found, "gpu_link", "nothing crosses a link");
  expect_unknown(found, "copies_to_gpu", "116 GB/s; CPU and GPU share one memory");
  expect_ok(found, "memory_mode", "one memory with the CPU");
  expect_unknown(found, "gpu_memory", "memory_limit says what is available");
}

/// Slow copies of a card, and the one thing that `spoil` makes of its machine.
template <typename Spoil>
Names causes_with(std::string_view slug, const Spoil& spoil) {
  Examination found = machine_of(slug);
  *found.calibration.copy_h2d /= 2;
  spoil(found);
  return check_of(found, "copies_to_gpu").likely_causes;
}

TEST(DoctorCauses, AreWhatTheMachineShows) {
  constexpr const char* card = "rtx-4090";
  constexpr const char* grace = "gh200-480gb";
  const auto causes = [](std::string_view slug, const auto& spoil) {
    return causes_with(slug, spoil);
  };
  EXPECT_EQ(causes(card, [](Examination&) {}), Names{});
  EXPECT_EQ(causes(card, [](Examination& e) { e.platform.host.settings.memory_nodes = {{0}}; }),
            Names{"no memory could be had of node 1, where the GPU is"});
  EXPECT_EQ(causes(card, [](Examination& e) { e.calibration.link_width = 8; }),
            Names{"the link is PCIe 4.0 x8, published over 4.0 x16"});
  EXPECT_EQ(causes(card, [](Examination& e) { e.platform.gpu->pci.iommu = "DMA-FQ"; }),
            Names{"the IOMMU translates every address that the GPU reads (DMA-FQ)"});
  EXPECT_EQ(causes(card, [](Examination& e) { e.platform.gpu->settings.mig = true; }),
            Names{"MIG is on: an instance has a part of the GPU"});
  EXPECT_EQ(
      causes(card, [](Examination& e) { e.platform.gpu->settings.confidential_compute = true; }),
      Names{"confidential compute encrypts what crosses the link"});
  EXPECT_EQ(causes(card, [](Examination& e) { e.platform.gpu->free_bytes -= 12 * GiB; }),
            Names{"others use the GPU: 12 GiB of its memory were taken"});
  EXPECT_EQ(causes(card, [](Examination& e) { e.platform.host.settings.virtual_machine = true; }),
            Names{"the host is a virtual machine, whose own host is not seen"});
  EXPECT_EQ(causes(grace, [](Examination& e) { e.platform.gpu->pci.iommu = "DMA"; }), Names{});
  EXPECT_EQ(causes(grace, [](Examination& e) { e.platform.gpu->free_bytes = GiB; }), Names{});
  EXPECT_EQ(
      causes(grace, [](Examination& e) { e.platform.gpu->memory_model.gpu_is_numa_node = false; }),
      Names{"the GPU is in CDMM mode: figures published with a mode are of NUMA mode"});
}

TEST(DoctorCauses, ClocksAreHeldDownByWhatWasSetOrForced) {
  const Names causes = causes_with("gh200-480gb", [](Examination& found) {
    GpuSettings& settings = found.platform.gpu->settings;
    settings.application_memory_mhz = 1313;
    settings.max_memory_mhz = 2619;
    settings.application_sm_mhz = settings.max_sm_mhz = 1980;
    settings.throttled = {"application clocks", "power cap"};
    found.calibration.throttled = {"power cap", "hardware thermal slowdown"};
  });
  EXPECT_EQ(causes, Names{"clocks are held down: memory at 1313 of 2619 MHz, power cap, hardware "
                          "thermal slowdown"});
}

TEST(DoctorCauses, AreNamedWhereNoProfileIsFor) {
  Examination found = FakeMachine().examination();  // an H200
  found.calibration.copy_d2h = 49e9;
  found.platform.gpu->pci.iommu = "DMA";
  const Check check = check_of(found, "copies_to_host");
  EXPECT_FALSE(check.published);
  EXPECT_EQ(check.likely_causes,
            Names{"the IOMMU translates every address that the GPU reads (DMA)"});
  found = FakeMachine().examination();
  found.calibration.link_latency = 2.2e-6;
  expect_look(found, "link_latency", "2.20 us for a dependent read", "numa_node");
  found.calibration.link_latency = 1.4e-6;
  expect_ok(found, "link_latency", "1.40 us");
}

/// A Grace Hopper of two superchips: host nodes 0 and 1, GPU memory at 2, an expander at 3.
Examination grace(std::optional<bool> gpu_is_numa_node) {
  const FakeMachine machine;
  const std::string nodes = "sys/devices/system/node/node";
  machine.write(nodes + "2/meminfo",
                "Node 2 MemTotal:  100663296 kB\nNode 2 MemFree:  60000000 kB\n"
                "Node 2 Active(file):  30000000 kB\nNode 2 Inactive(file):  10000000 kB\n");
  machine.write(nodes + "3/meminfo", "Node 3 MemTotal:  67108864 kB\n");
  machine.write(nodes + "4/meminfo", "Node 4 MemTotal:  0 kB\n");
  Examination found = testing::of_profile(machine.examination(), "gh200-480gb");
  MemoryModel& model = found.platform.gpu->memory_model;
  model.gpu_is_numa_node = gpu_is_numa_node;
  if (gpu_is_numa_node.value_or(false)) model.gpu_numa_id = 2;
  found.platform.gpu->driver_release = "580.159.04";
  mark_gpu_nodes(found.platform, {});
  found.platform.host.settings.modules.uvm_parameters = {
      {"uvm_perf_access_counter_migration_enable", "-1"},
      {"uvm_perf_access_counter_threshold", "256"}};
  return found;
}

TEST(DoctorOnGrace, SaysWhichModeItIsAndWhetherSomebodyChoseIt) {
  Examination found = grace(true);
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  expect_ok(found, "pageable_access", "ATS");
  expect_ok(found, "memory_mode", "NUMA mode: GPU memory is a NUMA node of the host, and pages");
  expect_ok(found, "memory_mode", "there; NUMA mode is the default before driver 615");
  found.platform.gpu->driver_release = "615.10";
  expect_ok(found, "memory_mode",
            "chosen by CoherentGPUMemoryMode: CDMM is the default from driver 615 on");
  found.platform.gpu->memory_model.gpu_is_numa_node = false;
  expect_ok(found, "memory_mode",
            "CDMM: GPU memory is the driver's alone, and system_* policies read pages where they "
            "are, pass after pass; CDMM is the default from driver 615 on");
  found.platform.gpu->driver_release = "595.45";
  expect_ok(found, "memory_mode", "chosen by CoherentGPUMemoryMode: NUMA mode is the default");
  found.platform.gpu->driver_release = "";
  EXPECT_TRUE(check_of(found, "memory_mode").what.ends_with("pass after pass"));
  found.platform.gpu->memory_model.gpu_is_numa_node.reset();
  found.platform.gpu->driver_release = "615.10";
  expect_unknown(found, "memory_mode", "the driver does not say which; CDMM is the default");
}

TEST(DoctorOnGrace, CountsFreeGpuMemoryByItsMode) {
  Examination found = grace(true);
  found.platform.gpu->free_bytes = 0;  // all of it page cache
  expect_ok(found, "gpu_memory", "95 GiB of 96 GiB of node 2 are free or page cache");
  found.platform.host.settings.nodes[2].available_bytes /= 2;
  expect_look(found, "gpu_memory", "48 GiB of 96 GiB of node 2", "numactl --hardware");
  found.platform.host.settings.nodes.resize(2);
  expect_unknown(found, "gpu_memory", "no node of GPU memory");
  found = grace(false);  // no page of the host is there
  expect_ok(found, "gpu_memory", "96 GiB of 96 GiB are free");
  found.platform.gpu->free_bytes /= 2;
  expect_look(found, "gpu_memory", "48 GiB of 96 GiB are free", "who else uses this GPU");
  expect_unknown(grace(std::nullopt), "gpu_memory", "would count the host's page cache");
  found = FakeMachine().examination();
  found.platform.gpu->memory_model.pageable_memory_access = true;  // HMM
  found.platform.gpu->free_bytes /= 2;
  expect_look(found, "gpu_memory", "70 GiB of 140 GiB are free", "who else uses this GPU");
}

TEST(DoctorOnGrace, SaysWhetherAccessCountersMovePages) {
  Examination found = grace(true);
  expect_ok(found, "access_counters", "move 2MiB to the GPU after 256 reads");
  NamedTexts& parameters = found.platform.host.settings.modules.uvm_parameters;
  parameters[0].second = "0";
  expect_look(found, "access_counters", "migration_enable=0", "its default, -1");
  parameters.clear();
  found.platform.host.settings.unknown = {{"kernel_modules.nvidia_uvm", "no such directory"}};
  expect_unknown(found, "access_counters", "no such directory");
  found.platform.host.page_bytes = 4096;
  expect_ok(found, "access_counters", "the driver has none with pages of 4 KiB");
  expect_ok(grace(false), "access_counters", "under CDMM system memory stays");
  expect_ok(FakeMachine().examination(), "access_counters",
            "only where the GPU uses the host's page tables");
}

TEST(DoctorOnGrace, PagesOf4KiBAreLookedAt) {
  Examination found = grace(true);
  expect_ok(found, "page_size", "64 KiB, and by these the GPU reads");
  found.platform.host.page_bytes = 4096;
  expect_look(found, "page_size", "access counters need larger ones", "pages of 64 KiB");
  found.platform.gpu->memory_model.gpu_is_numa_node = false;
  expect_look(found, "page_size", "4 KiB", "pages of 64 KiB");
  EXPECT_EQ(check_of(FakeMachine().examination(), "page_size").what, "4 KiB");
  found.platform.host.page_bytes = 0;
  expect_unknown(found, "page_size", "the kernel does not say");
}

TEST(Doctor, JudgesWhatDependsOnTheMemoryModeByEachMode) {
  struct Mode {
    MemoryMode mode;
    MemoryModel model;
    std::vector<Verdict> verdicts;  // of half of the GPU's memory taken, and of pages of 4 KiB
  };
  constexpr Verdict ok = Verdict::ok;
  constexpr Verdict look = Verdict::look_here;
  constexpr Verdict unknown = Verdict::unknown;
  MemoryModel ats;
  ats.pageable_memory_access = ats.pageable_memory_access_uses_host_page_tables = true;
  const auto with = [&](std::optional<bool> node) {
    MemoryModel model = ats;
    model.gpu_is_numa_node = node;
    return model;
  };
  MemoryModel hmm;
  hmm.pageable_memory_access = true;
  MemoryModel one_memory = ats;
  one_memory.shares_host_memory = true;
  for (const auto& [mode, model, verdicts] :
       {Mode{MemoryMode::separate, {}, {ok, ok, ok, look, ok}},
        Mode{MemoryMode::hmm, hmm, {ok, ok, ok, look, ok}},
        Mode{MemoryMode::numa, with(true), {ok, ok, ok, unknown, look}},  // no node of it shows
        Mode{MemoryMode::cdmm, with(false), {ok, ok, ok, look, look}},
        Mode{MemoryMode::ats, with(std::nullopt), {ok, unknown, ok, unknown, look}},
        Mode{MemoryMode::one_memory, one_memory, {ok, ok, ok, unknown, ok}}}) {
    Examination found = FakeMachine().examination();
    found.platform.gpu->memory_model = model;
    found.platform.gpu->free_bytes /= 2;
    ASSERT_EQ(memory_mode(model), mode);
    const std::vector<Check> checks = examine(found);
    std::vector<Verdict> judged;
    for (const char* const check :
         {"pageable_access", "memory_mode", "access_counters", "gpu_memory", "page_size"}) {
      judged.push_back(check_of(checks, check).verdict);
    }
    EXPECT_EQ(judged, verdicts) << name(mode);
  }
}

TEST(DoctorOnGrace, TellsNodesOfGpuMemoryFromExpanders) {
  expect_ok(grace(true), "memory_nodes",
            "host memory at nodes 0 and 1; GPU memory at node 2; memory beside neither CPUs nor a "
            "GPU, such as CXL's, at node 3");
  EXPECT_EQ(check_of(FakeMachine().examination(), "memory_nodes").what,
            "host memory at nodes 0 and 1");
  Examination found = grace(true);
  found.platform.host.settings.nodes.resize(2);
  expect_unknown(found, "memory_nodes", "the node of GPU memory does not show");
  found = grace(false);
  for (NumaNode& node : found.platform.host.settings.nodes) node.gpu_memory.reset();
  expect_unknown(found, "memory_nodes", "whose memory is at nodes 2 and 3 is not known");
}

}  // namespace
}  // namespace offload
