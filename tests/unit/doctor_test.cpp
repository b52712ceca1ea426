// SPDX-License-Identifier: Apache-2.0
// Machines that something is wrong with, one thing each.
#include "bench/report/doctor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/machines/published.hpp"
#include "tests/unit/fake_machine.hpp"
#include "tests/unit/machine_of_profile.hpp"

namespace offload {
namespace {

using testing::FakeMachine;
using Names = std::vector<std::string>;

Check check_of(const std::vector<Check>& checks, const std::string& name) {
  for (const Check& check : checks) {
    if (check.name == name) return check;
  }
  ADD_FAILURE() << "no check " << name;
  return {};
}

Check check_of(const Examination& found, const std::string& name) {
  return check_of(examine(found), name);
}

Names names_with(const std::vector<Check>& checks, Verdict verdict) {
  Names names;
  for (const Check& check : checks) {
    if (check.verdict == verdict) names.push_back(check.name);
  }
  return names;
}

Names names_with(const Examination& found, Verdict verdict) {
  return names_with(examine(found), verdict);
}

/// That check alone has something to look at, and says so.
void expect_look(const Examination& found, const std::string& name, const std::string& what,
                 const std::string& advice) {
  const std::vector<Check> checks = examine(found);
  EXPECT_EQ(names_with(checks, Verdict::look_here), Names{name});
  const Check check = check_of(checks, name);
  EXPECT_NE(check.what.find(what), std::string::npos) << check.what;
  EXPECT_NE(check.advice.find(advice), std::string::npos) << check.advice;
}

void expect_unknown(const Examination& found, const std::string& name, const std::string& why) {
  const Check check = check_of(found, name);
  EXPECT_EQ(check.verdict, Verdict::unknown) << check.what;
  EXPECT_NE(check.what.find(why), std::string::npos) << check.what;
  EXPECT_EQ(check.advice, "");
}

void expect_ok(const Examination& found, const std::string& name, const std::string& what) {
  const Check check = check_of(found, name);
  EXPECT_EQ(check.verdict, Verdict::ok) << check.what << check.advice;
  EXPECT_NE(check.what.find(what), std::string::npos) << check.what;
}

TEST(Doctor, FindsNothingOnAMachineThatNothingIsWrongWith) {
  const Examination found = FakeMachine().examination();
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  EXPECT_EQ(names_with(found, Verdict::unknown), Names{});
  expect_ok(found, "gpu_link", "PCIe 5.0 x16 under load, the most that the GPU can");
  expect_ok(found, "copies_to_gpu",
            "55.5 GB/s, 88 % of the 63.0 GB/s that the link carries (others reach 85 % to 91 %)");
  EXPECT_NE(doctor_text(found, Format::table).find("nothing to look at in 29 checks"),
            std::string::npos);
}

TEST(Doctor, HasTheSameChecksWithoutAGpu) {
  const FakeMachine machine;
  const auto with = examine(machine.examination());
  const auto without = examine(machine.without_gpu());
  ASSERT_EQ(with.size(), without.size());
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i].name, without[i].name);
  expect_unknown(machine.without_gpu(), "gpu", "no GPU: no NVIDIA driver is loaded");
  expect_unknown(machine.without_gpu(), "gpu_link", "no GPU");
  expect_unknown(machine.without_gpu(), "numa_node", "which of 2 nodes the GPU is at: no GPU");
  expect_ok(machine.without_gpu(), "load", "a load of 0.500 on 64 CPUs");
  EXPECT_EQ(names_with(machine.without_gpu(), Verdict::look_here), Names{});
}

TEST(Doctor, ASlotThatCanLessThanTheGpu) {
  const FakeMachine machine;
  machine.write(FakeMachine::of_slot("max_link_speed"), "8.0 GT/s PCIe\n");
  machine.write(FakeMachine::of_slot("max_link_width"), "8\n");
  Examination found = machine.examination();
  found.platform.link->generation = found.calibration.link_generation = 3;  // together
  found.platform.link->width = found.calibration.link_width = 8;
  found.platform.link->peak_bytes_per_second = 7.88e9;
  found.calibration.copy_h2d = found.calibration.copy_d2h = 6.2e9;
  found.calibration.sm_read_pinned = 6.1e9;
  found.calibration.copy_pageable = 5e9;
  expect_look(found, "gpu_link",
              "PCIe 3.0 x8 under load, of a GPU that can 5.0 x16: it carries 7.88 GB/s instead of "
              "63.0 GB/s, 12 %",
              "the slot can 3.0 x8 at most: move the card");
  machine.write(FakeMachine::of_slot("max_link_speed"), "64.0 GT/s PCIe\n");  // with few lanes
  found.platform.gpu->pci = machine.examination().platform.gpu->pci;
  found.calibration.link_generation = 5;
  EXPECT_TRUE(check_of(found, "gpu_link").advice.starts_with("the slot can 6.0 x8 at most: move"));
  machine.write(FakeMachine::of_slot("max_link_speed"), "16.0 GT/s PCIe\n");
  found.platform.gpu->pci = machine.examination().platform.gpu->pci;
  found.calibration.link_generation = 3;
  EXPECT_TRUE(check_of(found, "gpu_link").advice.starts_with("the slot can 4.0 x8: seat the card"));
}

TEST(Doctor, ALinkBelowWhatGpuAndSlotCan) {
  Examination found = FakeMachine().examination();
  found.calibration.link_width = 8;
  found.calibration.copy_h2d = found.calibration.copy_d2h = 27.7e9;
  found.calibration.sm_read_pinned = 26e9;
  expect_look(found, "gpu_link", "PCIe 5.0 x8 under load, of a GPU that can 5.0 x16", "riser");
  found.platform.gpu->pci = {};  // a guest, in which NVML alone knows
  expect_look(found, "gpu_link", "of a GPU that can 5.0 x16", "move the card to a faster slot");
}

TEST(Doctor, ALinkThatNobodyKnows) {
  Examination found = FakeMachine().examination();
  found.calibration.link_width = 4;
  expect_unknown(found, "gpu_link", "which carries 15.8 GB/s, yet 55.5 GB/s were measured");
  expect_unknown(found, "copies_to_gpu", "one of the two is wrong");
  found.calibration.link_width.reset();
  expect_unknown(found, "gpu_link", "NVML does not say what is negotiated under load");
  found = FakeMachine().examination();
  found.platform.link.reset();
  expect_unknown(found, "gpu_link", "no link");
  expect_unknown(found, "copies_to_host", "55.3 GB/s; what the link carries is not known");
  found.platform.link = Link{"pcie", 6, 16, 6, 16, 121e9, ""};
  found.calibration.link_generation = 6;
  expect_unknown(found, "copies_to_gpu", "what others reach on such a link is not known");
}

TEST(Doctor, RatesBelowWhatOthersReach) {
  Examination found = FakeMachine().examination();
  found.calibration.copy_d2h = 49e9;  // less than 0.93 x 0.85 of 63.0
  expect_look(found, "copies_to_host", "49.0 GB/s, 78 % of the 63.0 GB/s", "numa_node");
  found.calibration.copy_d2h = 50e9;
  found.calibration.sm_read_pinned = 35.2e9;
  expect_look(found, "zero_copy_reads", "35.2 GB/s by SMs, 63 % of copies", "H800");
  found.calibration.sm_read_pinned = 51e9;
  found.calibration.copy_pageable = 2e9;
  expect_look(found, "pageable_copies", "2.00 GB/s, pinned memory is 28x as fast", "one thread");
  found.calibration.copy_pageable = 7e9;
  found.calibration.host_read = 40e9;
  expect_look(found, "host_memory", "40.0 GB/s, 0.72x of what the link takes", "memory channel");
}

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
  expect_ok(found, "copies_to_host", "170 GB/s, 38 % of the 450 GB/s");   // no fault of that part
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
  expect_ok(FakeMachine().examination(), "access_counters", "only where the GPU uses the host's page tables");
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

TEST(Doctor, AGpuThatFailsIsLookedAt) {
  Examination found = FakeMachine().examination();
  found.calibration = {};
  found.calibration.copy_pageable.reset();
  found.failure = "cudaMemcpyAsync: unspecified launch failure";
  expect_look(found, "gpu", "unspecified launch failure", "dmesg");
  expect_unknown(found, "copies_to_gpu", "not measured: cudaMemcpyAsync");
}

TEST(Doctor, ARemoteNode) {
  const FakeMachine machine;
  machine.write("proc/self/status", "Cpus_allowed_list:\t0-31\nMems_allowed_list:\t0\n");
  expect_look(machine.examination(), "numa_node",
              "the GPU is at node 1; this process has CPUs of node 0 and memory of node 0",
              "numactl --cpunodebind=1 --membind=1, or ask the scheduler");
  machine.write("proc/self/status", "Cpus_allowed_list:\t0-63\nMems_allowed_list:\t0-1\n");
  expect_look(machine.examination(), "numa_node", "CPUs of nodes 0 and 1",
              "numactl --cpunodebind=1 --membind=1");
  machine.write("proc/self/status", "Cpus_allowed_list:\t0-63\nMems_allowed_list:\t1\n");
  expect_ok(machine.examination(), "numa_node", "memory of node 1");
  machine.write(FakeMachine::of_gpu("numa_node"), "-1\n");
  expect_unknown(machine.examination(), "numa_node", "numa_node says \"-1\"");
}

TEST(Doctor, NumaBalancing) {
  const FakeMachine machine;
  machine.write("proc/sys/kernel/numa_balancing", "1\n");
  expect_look(machine.examination(), "numa_balancing", "on", "sysctl kernel.numa_balancing=0");
}

TEST(Doctor, ABusyHost) {
  const FakeMachine machine;
  Examination found = machine.examination();
  found.host = Observed<HostState>::measured({2.0, 64, 12.8, 1.0, 0.5, 2000.0});
  expect_look(found, "load", "the hypervisor 10 % (steal)", "idle");
  machine.write("proc/loadavg", "60.00 40.00 30.00 9/900 4711\n");
  expect_look(machine.examination(), "load", "a load of 60.0 on 64 CPUs", "idle");
}

TEST(Doctor, SettingsOfTheHost) {
  const FakeMachine machine;
  machine.write("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave\n");
  expect_look(machine.examination(), "cpu_governor", "performance, powersave",
              "cpupower frequency-set -g performance");
  machine.write("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n");

  machine.write(FakeMachine::of_gpu("iommu_group/type"), "DMA-FQ\n");
  expect_look(machine.examination(), "iommu",
              "translates every address that the GPU reads (DMA-FQ)", "iommu=pt");
  machine.write(FakeMachine::of_gpu("iommu_group/type"), "identity\n");

  machine.write("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  expect_look(machine.examination(), "transparent_hugepages", "never", "echo madvise");
  machine.write("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");

  machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "51200\n");
  expect_look(machine.examination(), "reserved_hugepages", "100 GiB of 512 GiB are set aside",
              "vm.nr_hugepages=0");
  machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "100\n");

  machine.write("proc/self/limits", "Max locked memory         65536  65536  bytes\n");
  expect_look(machine.examination(), "locked_memory", "64 KiB may be locked",
              "ulimit -l unlimited");
  machine.write("proc/self/limits", "Max locked memory     8388608 8388608  bytes\n");
  expect_ok(machine.examination(), "locked_memory", "CUDA's pinned memory is not counted");
  machine.write("proc/self/limits", "Max locked memory    400000000000 unlimited  bytes\n");

  machine.write("sys/fs/cgroup/user.slice/memory.max", "1099511627776\n");
  expect_ok(machine.examination(), "memory_limit", "none below the machine's 512 GiB");

  machine.write("sys/fs/cgroup/user.slice/memory.max", "34359738368\n");
  machine.write("sys/fs/cgroup/user.slice/memory.current", "1073741824\n");
  expect_look(machine.examination(), "memory_limit",
              "may use 32 GiB of the machine's 512 GiB, and uses 1 GiB", "raise memory.max");
}

TEST(Doctor, AnIommuIsSeenWithoutAGpuToo) {
  const FakeMachine machine;
  expect_ok(machine.without_gpu(), "iommu", "lets devices through");
  machine.write("sys/kernel/iommu_groups/8/type", "DMA\n");
  expect_look(machine.without_gpu(), "iommu", "(DMA and identity)", "iommu=pt");
  machine.remove("sys/kernel/iommu_groups/8");
  machine.remove("sys/kernel/iommu_groups/7/type");
  expect_ok(machine.without_gpu(), "iommu", "lets devices through");  // the command line says so
  machine.write("proc/cmdline", "ro quiet\n");
  expect_unknown(machine.without_gpu(), "iommu", "no type can be read");
}

TEST(Doctor, SettingsOfTheGpu) {
  const Examination good = FakeMachine().examination();
  const auto spoiled = [&](const auto& spoil) {
    Examination found = good;
    spoil(found.platform.gpu->settings);
    return found;
  };
  expect_look(spoiled([](GpuSettings& s) { s.persistence = false; }), "persistence", "off",
              "-pm 1");
  expect_look(spoiled([](GpuSettings& s) { s.enforced_power_limit_watts = 350; }), "power_limit",
              "350 W of the card's 700 W", "nvidia-smi -pl 700");
  expect_look(spoiled([](GpuSettings& s) { s.mig = true; }), "gpu_mode", "MIG is on", "-mig 0");
  expect_look(spoiled([](GpuSettings& s) { s.confidential_compute = true; }),
              "confidential_compute", "encrypted", "trusted");
  Examination hot = good;
  hot.calibration.throttled = {"hardware thermal slowdown", "application clocks"};
  expect_look(hot, "gpu_clocks", "held down by hardware thermal slowdown", "cooling");
  EXPECT_EQ(check_of(hot, "gpu_clocks").what.find("application"), std::string::npos);
  Examination shared = good;
  shared.platform.gpu->free_bytes /= 2;
  expect_look(shared, "gpu_memory", "70 GiB of 140 GiB are free", "nvidia-smi");
}

TEST(Doctor, WhatAGpuDoesNotHaveIsNotMissing) {
  Examination found = FakeMachine().examination();
  GpuSettings& settings = found.platform.gpu->settings;
  settings.mig.reset();
  settings.unknown = {{"mig", "nvmlDeviceGetMigMode: NVML error 3 (not supported)"}};
  expect_ok(found, "gpu_mode", "not MIG");
  settings.unknown = {{"mig", "nvmlDeviceGetMigMode: NVML error 4 (no permission)"}};
  expect_unknown(found, "gpu_mode", "no permission");
}

TEST(Doctor, SaysOfPageableMemoryWhyTheGpuDoesNotReadIt) {
  Examination found = FakeMachine().examination();
  found.platform.host.settings.modules.open = false;
  found.platform.host.settings.modules.uvm_parameters = {{"uvm_disable_hmm", "Y"}};
  expect_ok(found, "pageable_access", "HMM needs the open kernel modules");
  expect_ok(found, "pageable_access", "uvm_disable_hmm=Y");
  expect_ok(found, "driver", "580.159.04 (CUDA 13.0), proprietary kernel modules");
  found.platform.gpu->memory_model.pageable_memory_access = true;
  expect_ok(found, "pageable_access", "HMM: the GPU reads what malloc gives");
}

TEST(Doctor, WhatCannotBeReadIsNeverOk) {
  // An empty root: nothing is there, or nobody may read it. And NVML answers nothing.
  const testing::Root root;
  Examination found;
  found.platform.host = read_host(root.path(), {"x86_64", "Linux", 8, 4096});
  Gpu gpu;
  gpu.name = "Some GPU";
  gpu.settings.unknown = {{"all", "libnvidia-ml.so.1 (NVML) cannot be opened"}};
  gpu.pci = read_pci_device(root.path(), "0000:17:00.0");
  found.platform.gpu = gpu;
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  EXPECT_EQ(names_with(found, Verdict::ok),
            (Names{"gpu", "pageable_access", "memory_mode", "access_counters", "page_size"}));
  expect_unknown(found, "persistence", "(NVML) cannot be opened");
  expect_unknown(found, "memory_limit", "MemTotal");
  for (const Check& check : examine(found)) EXPECT_FALSE(check.what.empty()) << check.name;
}

TEST(Doctor, AMemoryLimitThatCannotBeReadIsUnknown) {
  const FakeMachine machine;
  machine.remove("proc/self/cgroup");
  expect_unknown(machine.examination(), "memory_limit", "no memory limit can be read");
  machine.write("proc/self/cgroup", "0::/user.slice\n");
  machine.write("sys/fs/cgroup/user.slice/memory.max", "");  // as one without permission reads
  expect_unknown(machine.examination(), "memory_limit", "no memory limit can be read");
  machine.remove("sys/fs/cgroup/user.slice");  // the root group has no such file
  machine.write("proc/self/cgroup", "0::/\n");
  expect_ok(machine.examination(), "memory_limit", "none below the machine's 512 GiB");
}

TEST(Doctor, WritesItsChecksInEveryFormat) {
  const FakeMachine machine;
  machine.write("proc/loadavg", "60.00 40.00 30.00 9/900 4711\n");
  const Examination found = machine.examination();
  const std::string table = doctor_text(found, Format::table);
  EXPECT_NE(table.find("NVIDIA H200, PCIe 5.0 x16; "), std::string::npos) << table;
  EXPECT_NE(table.find("look here  load "), std::string::npos) << table;
  EXPECT_NE(table.find("1 of 29 checks says where to look"), std::string::npos) << table;
  EXPECT_TRUE(doctor_text(found, Format::csv).starts_with("check,verdict,what,advice\ngpu,ok,"));
  EXPECT_NE(doctor_text(found, Format::md).find("| look here | load |"), std::string::npos);
  EXPECT_EQ(doctor_text(found, Format::json), doctor_json(found));
  EXPECT_NE(doctor_json(found).find("\"look_here\": 1"), std::string::npos);
}

}  // namespace
}  // namespace offload
