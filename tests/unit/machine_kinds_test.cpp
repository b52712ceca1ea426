// SPDX-License-Identifier: Apache-2.0
// What the program makes of machines of every kind.
#include "tests/unit/machine_kinds.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string_view>

#include "bench/measure/plan_memory.hpp"
#include "bench/platform/memory_model.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

using testing::machine_kinds;
using testing::machine_of;
using testing::MachineKind;
using testing::MemoryNode;

TEST(MachineKinds, AreToldApartByWhatTheySay) {
  for (const MachineKind& kind : machine_kinds()) {
    SCOPED_TRACE(kind.name);
    const Platform machine = machine_of(kind);
    EXPECT_EQ(memory_mode(machine.gpu->memory_model), kind.mode);
    EXPECT_EQ(machine.link ? machine.link->kind : "", kind.link);
    EXPECT_EQ(gpu_nodes(machine), kind.gpu_nodes);
  }
}

TEST(MachineKinds, HostMemoryIsWithoutGpuMemory) {
  for (const MachineKind& kind : machine_kinds()) {
    SCOPED_TRACE(kind.name);
    const Host host = machine_of(kind).host;
    EXPECT_EQ(host.memory_bytes, kind.host_gib * GiB);
    EXPECT_EQ(host.available_bytes, kind.host_gib * GiB / 2);
  }
}

/// What can be taken leaves 5 % alone.
std::size_t most_of(std::size_t bytes) { return bytes - bytes / 20; }

TEST(MachineKinds, GpuMemoryIsCountedWhereItIsTrue) {
  for (const MachineKind& kind : machine_kinds()) {
    SCOPED_TRACE(kind.name);
    const Platform machine = machine_of(kind);
    std::size_t expected = 80 * GiB;                        // cudaMemGetInfo
    if (kind.mode == MemoryMode::ats) expected = 90 * GiB;  // all it has
    if (kind.mode == MemoryMode::one_memory) expected = kind.host_gib * GiB / 2;
    if (kind.mode == MemoryMode::numa) {
      for (const MemoryNode& node : kind.nodes) {
        if (node.id == kind.gpu_nodes.front()) expected = node.gib * GiB / 2;  // its node's
      }
    }
    EXPECT_EQ(gpu_memory_limit(machine), most_of(expected));
  }
}

TEST(MachineKinds, ADriverThatAnswersWithErrorsOffersNothing) {
  const MemoryModel model = read_memory_model([](int) { return std::nullopt; });
  EXPECT_FALSE(model.managed);
  EXPECT_FALSE(model.pageable_memory_access);
  EXPECT_FALSE(model.host_register);
  EXPECT_EQ(model.async_engines, std::nullopt);
  EXPECT_EQ(model.gpu_is_numa_node, std::nullopt);
  EXPECT_EQ(model.host_numa_id, std::nullopt);
}

TEST(MemoryModes, HaveNamesOfTheirOwn) {
  std::map<std::string_view, int> names;
  for (const MemoryMode mode : {MemoryMode::separate, MemoryMode::hmm, MemoryMode::numa,
                                MemoryMode::cdmm, MemoryMode::ats, MemoryMode::one_memory}) {
    ++names[name(mode)];
    ++names[words(mode)];
  }
  EXPECT_EQ(names.size(), 12U);
}

}  // namespace
}  // namespace offload
