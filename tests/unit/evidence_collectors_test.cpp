// SPDX-License-Identifier: Apache-2.0
// What collects evidence, on a made-up machine and on this one's CPU.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/platform/nvml.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload {
namespace {

using testing::Root;
using Names = std::vector<std::string>;

void write_thread(const Root& root, const std::string& pid, const std::string& name,
                  const std::string& schedstat, const std::string& command_line = "") {
  root.write("proc/" + pid + "/comm", name + "\n");
  root.write("proc/" + pid + "/cmdline", command_line);
  if (!schedstat.empty()) root.write("proc/" + pid + "/schedstat", schedstat);
}

TEST(DriverThreads, AreFoundByNameAndReadInNanoseconds) {
  const Root root;
  write_thread(root, "1480", "UVM GPU1 KC", "0 0 0\n");
  write_thread(root, "1479", "UVM GPU1 BH", "1234500000 77 12\n");
  write_thread(root, "185", "irq/42-nvidia", "500000 1 1\n");
  write_thread(root, "127", "irq/24-ACPI:Ged", "900000000 1 1\n");
  write_thread(root, "2", "kthreadd", "900000000 1 1\n");
  root.write("proc/uptime", "1 1\n");
  const DriverThreads threads(root.path());
  EXPECT_TRUE(threads.available());
  EXPECT_EQ(threads.names(), (Names{"UVM GPU1 BH", "UVM GPU1 KC", "irq/42-nvidia"}));
  const std::vector<double> seconds = threads.seconds();
  ASSERT_EQ(seconds.size(), 3U);
  EXPECT_DOUBLE_EQ(seconds[0], 1.2345);
  EXPECT_DOUBLE_EQ(seconds[1], 0);
  EXPECT_DOUBLE_EQ(seconds[2], 0.0005);
}

TEST(DriverThreads, ProgramsOfTheDriversNameAreNone) {
  const Root root;
  write_thread(root, "900", "nvidia-persiste", "5000000000 1 1\n",
               std::string("/usr/bin/nvidia-persistenced\0--verbose", 38));
  EXPECT_FALSE(DriverThreads(root.path()).available());
}

TEST(DriverThreads, CountClockTicksWhereThereIsNoSchedstat) {
  const Root root;
  write_thread(root, "7", "UVM GPU1 BH", "");
  // The name may hold blanks and parentheses; utime and stime are fields 14 and 15.
  root.write("proc/7/stat", "7 (UVM GPU1) BH) S 2 0 0 0 -1 69238880 0 0 0 0 25 175 0 0 20 0 1 0\n");
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(DriverThreads(root.path()).seconds().at(0), 200 / ticks_per_second);
}

TEST(DriverThreads, AreMissedOnAMachineWithoutProc) {
  const Root root;
  EXPECT_FALSE(DriverThreads(root.path()).available());
  EXPECT_TRUE(DriverThreads(root.path()).seconds().empty());
}

TEST(ProcessUsage, GrowsWithWorkAndWithNewPages) {
  const ProcessUsage before = process_usage();
  constexpr std::size_t pages = 512;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const memory =
      mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(madvise(memory, pages * page, MADV_NOHUGEPAGE), 0);
  std::memset(memory, 1, pages * page);
  munmap(memory, pages * page);
  const Stopwatch watch;
  double until = 0;
  while ((until = process_usage().cpu_seconds) < before.cpu_seconds + 0.05 && watch.seconds() < 30)
    ;
  EXPECT_GE(until, before.cpu_seconds + 0.05);
  EXPECT_GE(process_usage().minor_faults - before.minor_faults, static_cast<double>(pages));
}

// PCI Express 5.0 base specification: a transaction packet travels with 4 bytes of framing and
// sequence number and 4 of checksum; a read request with a 64-bit address has a header of 16 bytes
// and no payload, a completion one of 12 bytes before its payload.
constexpr double request = 16 + 8;
constexpr double completion_header = 12 + 8;

TEST(LinkTraffic, TakesTheHeadersOfPacketsOff) {
  for (const double payload_of_one : {64.0, 128.0, 256.0}) {
    constexpr double bytes = 1 << 28;
    const double packets = bytes / payload_of_one;
    const GpuCounters::Wire before{1000, 2000};
    const GpuCounters::Wire after{
        1000 + static_cast<std::uint32_t>(bytes + packets * completion_header),
        2000 + static_cast<std::uint32_t>(packets * request)};
    const LinkTraffic traffic = link_traffic(before, after, true);
    EXPECT_DOUBLE_EQ(traffic.wire_to_device, bytes + packets * completion_header);
    EXPECT_DOUBLE_EQ(traffic.wire_to_host, packets * request);
    ASSERT_TRUE(traffic.payload_to_device);
    EXPECT_DOUBLE_EQ(*traffic.payload_to_device, bytes);
  }
}

TEST(LinkTraffic, KeepsQuietAboutThePayloadWhereTheGpuMayWrite) {
  EXPECT_FALSE(link_traffic({0, 0}, {5000, 5000}, false).payload_to_device);
}

TEST(LinkTraffic, IsRightAcrossAWrapOfTheCounters) {
  const LinkTraffic traffic = link_traffic({0xfffffff0, 0xffffffff}, {0x10, 23}, true);
  EXPECT_DOUBLE_EQ(traffic.wire_to_device, 32);
  EXPECT_DOUBLE_EQ(traffic.wire_to_host, 24);
}

TEST(PassMeans, AreOfAllPasses) {
  const Root root;
  write_thread(root, "1", "UVM GPU1 BH", "0 0 0\n");
  write_thread(root, "2", "UVM GPU1 KC", "0 0 0\n");
  const DriverThreads threads(root.path());
  PassMeans means(true);
  means.add({{1.0, 100, 1}, {5.0, 7.0}, GpuCounters::Wire{0, 0}},
            {{1.5, 110, 1}, {5.2, 7.0}, GpuCounters::Wire{276 * 10, 24 * 10}});
  means.add({{2.0, 200, 1}, {6.0, 7.0}, GpuCounters::Wire{1000, 1000}},
            {{2.3, 230, 2}, {6.4, 7.0}, GpuCounters::Wire{1000 + 276 * 30, 1000 + 24 * 30}});
  EXPECT_EQ(means.passes(), 2U);
  const CpuTime cpu = means.cpu(threads);
  EXPECT_NEAR(cpu.process, 0.4, 1e-12);
  ASSERT_TRUE(cpu.driver);
  EXPECT_NEAR(*cpu.driver, 0.3, 1e-12);
  ASSERT_EQ(cpu.threads.size(), 1U);  // the other did not run
  EXPECT_EQ(cpu.threads.front().first, "UVM GPU1 BH");
  EXPECT_DOUBLE_EQ(means.page_faults().minor, 20);
  EXPECT_DOUBLE_EQ(means.page_faults().major, 0.5);
  ASSERT_TRUE(means.link());
  EXPECT_DOUBLE_EQ(means.link()->wire_to_device, 276 * 20);
  ASSERT_TRUE(means.link()->payload_to_device);
  EXPECT_DOUBLE_EQ(*means.link()->payload_to_device, 256 * 20);
}

TEST(PassMeans, KeepQuietAboutWhatAMomentDidNotKnow) {
  const Root root;
  const DriverThreads none(root.path());
  PassMeans means(true);
  EXPECT_FALSE(means.link());
  means.add({{}, {}, GpuCounters::Wire{0, 0}}, {{}, {}, GpuCounters::Wire{148, 24}});
  EXPECT_TRUE(means.link());
  means.add({{}, {}, GpuCounters::Wire{0, 0}}, {{}, {}, std::nullopt});
  EXPECT_FALSE(means.link());
  EXPECT_FALSE(means.cpu(none).driver);
}

TEST(LostRecords, AreFoundByWhatTheLinkCarried) {
  constexpr std::size_t moved = std::size_t{256} << 20;
  const auto wire = [](double bytes, double payload_of_one) {
    return bytes + bytes / payload_of_one * completion_header;
  };
  EXPECT_FALSE(lost_records(moved, wire(moved, 256)));
  EXPECT_FALSE(lost_records(moved, wire(moved, 128)));
  EXPECT_FALSE(lost_records(0, 500e3));  // commands and page tables
  EXPECT_TRUE(lost_records(moved / 8 * 7, wire(moved, 256)));
  EXPECT_TRUE(lost_records(0, wire(moved, 256)));
}

TEST(ThrottleWords, NameEveryBitButIdleness) {
  EXPECT_EQ(throttle_words(0), Names{});
  EXPECT_EQ(throttle_words(0x1), Names{});
  EXPECT_EQ(throttle_words(0x4 | 0x40), (Names{"power cap", "hardware thermal slowdown"}));
}

TEST(GpuCounters, WithoutAGpuSayWhy) {
  const GpuCounters counters("");
  EXPECT_FALSE(counters.available());
  EXPECT_EQ(counters.reason(), "no GPU");
  EXPECT_FALSE(counters.wire());
  EXPECT_FALSE(counters.joules());
  GpuState state;
  counters.note_before(state);
  counters.note_after(state);
  EXPECT_FALSE(state.sm_mhz_before || state.sm_mhz_after || state.throttled_after);
}

TEST(FindResidency, TellsTouchedPagesFromOthers) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  constexpr std::size_t pages = 64;
  void* const memory =
      mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(madvise(memory, pages * page, MADV_NOHUGEPAGE), 0);
  auto* const bytes = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i < pages / 4; ++i) bytes[i * page] = std::byte{1};
  const Observed<Residency> found =
      find_residency({{bytes, pages / 2 * page}, {bytes + pages / 2 * page, pages / 2 * page}}, {});
  const int node = found.value && !found.value->on_node.empty() ? found.value->on_node[0].first : 0;
  const Observed<Residency> on_gpu = find_residency({{bytes, pages * page}}, {node});
  munmap(memory, pages * page);
  if (found.state == EvidenceState::unavailable) GTEST_SKIP() << found.reason;
  ASSERT_TRUE(found.value);
  ASSERT_TRUE(on_gpu.value);  // as if those that are there lay on a GPU's node
  EXPECT_EQ(on_gpu.value->not_on_cpu, pages - (pages / 4 - found.value->on_node[0].second));
  EXPECT_EQ(found.value->pages_asked, pages);
  EXPECT_EQ(found.value->not_on_cpu, pages - pages / 4);
  std::size_t on_nodes = 0;
  for (const auto& [id, count] : found.value->on_node) on_nodes += count;
  EXPECT_EQ(on_nodes, pages / 4);
  EXPECT_EQ(found.value->last_prefetch, "");
}

TEST(FindResidency, IsNothingForWeightsInGpuMemory) {
  const Observed<Residency> found = find_residency({}, {});
  EXPECT_EQ(found.state, EvidenceState::zero_by_design);
  EXPECT_NE(found.reason, "");
}

TEST(FindResidency, NeedsAWholePage) {
  const std::byte few[16]{};
  EXPECT_EQ(find_residency({few}, {}).state, EvidenceState::unavailable);
}

TEST(UmTraffic, AddsUpFieldByField) {
  UmTraffic a;
  a.to_device = {1, 2, 3, 4, 5, 6};
  a.to_host = {10, 20, 30, 40, 50, 60};
  a.gpu_fault_groups = 7;
  a.cpu_faults = 8;
  a.remote_maps = 9;
  a.thrashing = 11;
  a.throttling = 12;
  a.bytes_read = 13;
  UmTraffic sum = a;
  sum += a;
  EXPECT_EQ(sum.to_device.total(), 2U * (1 + 2 + 3 + 4 + 5 + 6));
  EXPECT_EQ(sum.to_host.eviction, 80U);
  EXPECT_EQ(sum.to_device.around_fault, 4U);
  EXPECT_EQ(sum.gpu_fault_groups + sum.cpu_faults + sum.remote_maps, 2U * (7 + 8 + 9));
  EXPECT_EQ(sum.thrashing + sum.throttling + sum.bytes_read, 2U * (11 + 12 + 13));
}

}  // namespace
}  // namespace offload
