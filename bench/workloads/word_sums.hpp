// SPDX-License-Identifier: Apache-2.0
// One sum of words per tensor, to which GPU and CPU add what they read of it.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/workloads/device_output.hpp"
#include "offload/workload.hpp"

namespace offload {

class WordSums {
 public:
  WordSums(std::size_t tensors, bool gpu) : host_(tensors, poison_word), device_(tensors, gpu) {}

  void poison(StreamHandle stream) {
    host_.assign(host_.size(), poison_word);
    device_.poison(poison_byte, stream);
  }
  std::uint64_t* host(std::size_t tensor) { return &host_[tensor]; }
  std::uint64_t* device(std::size_t tensor) const { return device_.device(tensor); }

  /// What is wrong with the sums since poison(); nullopt when they are as expected.
  std::optional<std::string> check(const std::vector<WeightTensor>& tensors,
                                   std::span<const std::uint64_t> expected,
                                   StreamHandle stream) const {
    const std::vector<std::uint64_t> device = device_.fetch(stream);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      std::uint64_t sum = host_[i] - poison_word;
      if (!device.empty()) sum += device[i] - poison_word;
      if (sum != expected[i]) {
        return "checksum of " + tensors[i].name + ": got " + std::to_string(sum) + ", expected " +
               std::to_string(expected[i]);
      }
    }
    return std::nullopt;
  }

 private:
  // Sums are added to, so the poison is where they start; nothing read leaves it as it is.
  static constexpr unsigned char poison_byte = 0xa5;
  static constexpr std::uint64_t poison_word = 0xa5a5a5a5a5a5a5a5U;

  std::vector<std::uint64_t> host_;
  DeviceOutput<std::uint64_t> device_;
};

}  // namespace offload
