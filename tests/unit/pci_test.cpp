// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/pci.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/fake_machine.hpp"

namespace offload {
namespace {

using testing::FakeMachine;

std::string reason_for(const PciDevice& device, const std::string& field) {
  const auto found = std::ranges::find(device.unknown, field, &Unknown::field);
  return found == device.unknown.end() ? "known" : found->reason;
}

PciDevice device_of(const FakeMachine& machine) { return machine.examination().platform.gpu->pci; }

TEST(PciDevice, IsWhatItsDirectoryAndThePortAboveItSay) {
  const FakeMachine machine;
  machine.write(FakeMachine::of_slot("max_link_speed"), "8.0 GT/s PCIe\n");
  machine.write(FakeMachine::of_slot("max_link_width"), "8\n");
  machine.write(FakeMachine::of_gpu("iommu_group/type"), "DMA-FQ\n");
  const PciDevice device = device_of(machine);
  EXPECT_EQ(device.numa_node, 1);
  EXPECT_EQ(device.generation, 5);
  EXPECT_EQ(device.width, 16);
  EXPECT_EQ(device.port_generation, 3);
  EXPECT_EQ(device.port_width, 8);
  EXPECT_EQ(device.iommu, "DMA-FQ");
  EXPECT_TRUE(device.unknown.empty());
}

TEST(PciDevice, IsFoundHoweverCudaSpellsItsAddress) {
  const testing::Root root;
  root.write("sys/bus/pci/devices/0000:3b:00.0/numa_node", "0\n");
  EXPECT_EQ(read_pci_device(root.path(), "0000:3B:00.0").numa_node, 0);
}

TEST(PciDevice, AGuestSeesLittleOfIt) {
  const FakeMachine machine;
  machine.write(FakeMachine::of_gpu("numa_node"), "-1\n");
  machine.write(FakeMachine::of_gpu("max_link_speed"), "Unknown\n");
  machine.remove(FakeMachine::of_gpu("iommu_group"));
  machine.remove(FakeMachine::of_slot("max_link_speed"));
  machine.remove(FakeMachine::of_slot("max_link_width"));
  const PciDevice device = device_of(machine);
  EXPECT_EQ(device.numa_node, std::nullopt);
  EXPECT_EQ(device.generation, std::nullopt);
  EXPECT_EQ(device.width, 16);
  EXPECT_EQ(device.port_width, std::nullopt);
  EXPECT_EQ(device.iommu, "none");
  EXPECT_EQ(reason_for(device, "numa_node"),
            "/sys/bus/pci/devices/0000:17:00.0/numa_node says \"-1\"");
  EXPECT_EQ(reason_for(device, "generation"),
            "/sys/bus/pci/devices/0000:17:00.0/max_link_speed says \"Unknown\"");
  EXPECT_TRUE(reason_for(device, "port_width").ends_with("max_link_width is missing or empty"));
}

TEST(PciDevice, WithoutItsDirectoryAllIsUnknown) {
  const testing::Root root;
  const PciDevice device = read_pci_device(root.path(), "0000:17:00.0");
  EXPECT_EQ(device.iommu, "");
  EXPECT_EQ(reason_for(device, "all"), "/sys/bus/pci/devices/0000:17:00.0 is missing");
}

}  // namespace
}  // namespace offload
