// SPDX-License-Identifier: Apache-2.0
// Whether reads over the link move pages, by mode, page size and the driver's parameters.
#include "bench/platform/access_counters.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

constexpr std::size_t big_pages = 65536;
constexpr std::size_t small_pages = 4096;

Platform machine(bool host_page_tables, std::optional<bool> numa_node, std::size_t page_bytes,
                 NamedTexts parameters = {}) {
  Platform platform;
  MemoryModel& model = platform.gpu.emplace().memory_model;
  model.pageable_memory_access = model.pageable_memory_access_uses_host_page_tables =
      host_page_tables;
  model.gpu_is_numa_node = numa_node;
  platform.host.page_bytes = page_bytes;
  platform.host.settings.modules.uvm_parameters = std::move(parameters);
  return platform;
}

NamedTexts loaded(const char* enable, const char* threshold) {
  return {{"uvm_perf_access_counter_migration_enable", enable},
          {"uvm_perf_access_counter_threshold", threshold}};
}

TEST(AccessCounters, MovePagesInNumaModeWithPagesOf64KiB) {
  const AccessCounters found = access_counters(machine(true, true, big_pages, loaded("-1", "256")));
  EXPECT_EQ(found.move_pages, true);
  EXPECT_EQ(found.threshold, 256);
  EXPECT_EQ(text_of(found),
            "access counters move 2MiB to the GPU after 256 reads of it (the driver's default on "
            "the host's page tables)");
}

TEST(AccessCounters, MoveNothingWhereTheDriverHasNoneOrLeavesThemOff) {
  struct Off {
    Platform platform;
    const char* because;
  };
  for (const Off& off : {Off{machine(true, true, small_pages), "pages of 4 KiB"},
                         Off{machine(true, false, big_pages), "under CDMM"},
                         Off{machine(false, {}, small_pages), "uses the host's page tables"},
                         Off{machine(true, true, big_pages, loaded("0", "256")),
                             "uvm_perf_access_counter_migration_enable=0"}}) {
    const AccessCounters found = access_counters(off.platform);
    EXPECT_EQ(found.move_pages, false) << off.because;
    EXPECT_NE(text_of(found).find(off.because), std::string::npos) << text_of(found);
    EXPECT_TRUE(text_of(found).starts_with("access counters move nothing here: "));
    EXPECT_EQ(found.turned_off, found.reason.ends_with("=0"));
  }
}

TEST(AccessCounters, MayMovePagesWhereNothingSaysForSure) {
  // Not told whether its memory is a node; and turned on by hand where they are off by default.
  const Platform untold = machine(true, std::nullopt, big_pages);
  EXPECT_EQ(access_counters(untold).move_pages, std::nullopt);
  const Platform forced = machine(false, {}, small_pages, loaded("1", "64"));
  EXPECT_EQ(access_counters(forced).move_pages, std::nullopt);
  EXPECT_NE(text_of(access_counters(forced)).find("may move 2MiB to the GPU after 64 reads"),
            std::string::npos)
      << text_of(access_counters(forced));
  EXPECT_NE(text_of(access_counters(untold)).find("that the driver does not show"),
            std::string::npos);
}

TEST(AccessCounters, AreNotGuessedFromAParameterThatIsNoNumber) {
  const Platform odd = machine(true, true, big_pages, loaded("Y", "many"));
  EXPECT_EQ(access_counters(odd).move_pages, true);
  EXPECT_EQ(access_counters(odd).threshold, std::nullopt);
}

}  // namespace
}  // namespace offload
