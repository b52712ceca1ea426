// SPDX-License-Identifier: Apache-2.0
// One contract for every policy of the catalog that this machine supports: reading leaves the data
// intact, whatever its size, from every start, again and again; and all memory is given back.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/platform/probe.hpp"
#include "kernels/content.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

struct NamedWeights {
  const char* name;
  std::vector<WeightTensor> tensors;
};

const std::vector<NamedWeights> weights_of_all_sizes{
    {"one byte", {{"byte", DType::u8, 1, 1}}},
    {"odd columns", {{"odd", DType::bf16, 1003, 517}}},
    {"2 MiB and 6 bytes", {{"over", DType::bf16, 1, mib + 3}}},
    {"9 MiB less 10 bytes", {{"under", DType::u8, 2, (9 * mib - 10) / 2}}},
    {"several tensors",
     {{"byte", DType::u8, 1, 1},
      {"odd", DType::bf16, 1003, 517},
      {"large", DType::fp16, 7, 700001},
      {"small", DType::fp32, 3, 5},
      {"last", DType::fp8_e4m3, 4096, 1024}}},
};

using Contents = std::vector<std::vector<std::byte>>;

Contents random_contents(std::span<const WeightTensor> tensors, std::uint64_t seed,
                         HostWorkers& workers) {
  Contents contents;
  for (const auto& tensor : tensors) {
    auto& bytes = contents.emplace_back(tensor.bytes());
    reference::fill_random(bytes, tensor.dtype, seed++, workers);
  }
  return contents;
}

class PolicyContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    platform_ = probe_platform(0);
    policy_ = catalog_.policy(GetParam());
    ASSERT_NE(policy_, nullptr);
    // With one GPU alone it serves itself: not what is measured, but the same calls.
    if (platform_.gpu && serving_peer(platform_) == nullptr) {
      platform_.peers = {{platform_.gpu->index, true}};
    }
    if (const auto support = policy_->support(platform_); !support) {
      GTEST_SKIP() << support.reason();
    }
    if (platform_.gpu) {
      stream_ = std::make_unique<cuda::Stream>();
      sum_ = cuda::DeviceBuffer(sizeof(std::uint64_t));
    }
  }

  /// Where this machine can bring the weights.
  std::vector<Start> starts(std::span<const WeightTensor> tensors) const {
    std::vector<Start> possible;
    const WeightSet weights{"w", {tensors.begin(), tensors.end()}};
    for (const Start start : policy_->starts) {
      if (policy_->reaches(start, weights, {})) possible.push_back(start);
    }
    return possible;
  }

  StreamHandle stream() const { return stream_ ? static_cast<StreamHandle>(*stream_) : nullptr; }

  std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors) {
    return policy_->place(tensors, {platform_, buffers_, workers_});
  }

  /// As the benchmark reads piece `index` of its plan: acquire, launch, release; then the sum of
  /// its words.
  std::uint64_t read(Placement& placement, std::size_t index, std::size_t bytes) {
    if (stream_) cuda::memset_async(sum_.data(), 0, sum_.bytes(), stream());
    const PieceView view = placement.acquire(index, stream());
    if (view.side == Side::cpu) {
      const std::uint64_t sum = reference::stream_read({view.data, bytes}, workers_);
      placement.release(index, stream());
      return sum;
    }
    kernels::stream_read(view.data, bytes, static_cast<std::uint64_t*>(sum_.data()), stream());
    placement.release(index, stream());
    std::uint64_t sum = 0;
    cuda::memcpy_async(&sum, sum_.data(), sizeof sum, stream());
    cuda::stream_synchronize(stream());
    return sum;
  }

  void expect_reads(Placement& placement, std::span<const WeightTensor> tensors,
                    const Contents& contents) {
    std::vector<Piece> whole;
    for (std::size_t i = 0; i < tensors.size(); ++i) whole.push_back({i, 0, tensors[i].rows});
    expect_reads(placement, placement.plan(whole, true), tensors, contents);
  }
  void expect_reads(Placement& placement, const PassPlan& plan,
                    std::span<const WeightTensor> tensors, const Contents& contents) {
    expect_reads_on(placement, plan, tensors, contents);
    placement.finish(stream());
  }
  /// Without the end of the pass.
  void expect_reads_on(Placement& placement, const PassPlan& plan,
                       std::span<const WeightTensor> tensors, const Contents& contents) {
    for (std::size_t i = 0; i < plan.pieces.size(); ++i) {
      const Piece& piece = plan.pieces[i];
      const std::size_t row_bytes = tensors[piece.tensor].row_bytes();
      const std::span<const std::byte> expected =
          std::span(contents[piece.tensor])
              .subspan(piece.first_row * row_bytes, piece.rows * row_bytes);
      EXPECT_EQ(read(placement, i, expected.size()), reference::stream_read(expected, workers_))
          << "reading rows from " << piece.first_row << " of " << tensors[piece.tensor].name;
    }
  }

  static void expect_holds(Placement& placement, const Contents& contents) {
    for (std::size_t i = 0; i < contents.size(); ++i) {
      std::vector<std::byte> out(contents[i].size(), std::byte{0xff});
      placement.read_back(i, out);
      EXPECT_TRUE(out == contents[i]) << "tensor " << i << " changed";
    }
  }

  Catalog catalog_ = make_catalog();
  const Policy* policy_ = nullptr;
  Platform platform_;
  HostBuffers buffers_;
  HostWorkers workers_;
  std::unique_ptr<cuda::Stream> stream_;
  cuda::DeviceBuffer sum_;
};

TEST_P(PolicyContract, KeepsDataIntactOfEverySize) {
  for (const auto& [name, tensors] : weights_of_all_sizes) {
    SCOPED_TRACE(name);
    const auto placement = place(tensors);
    // A second content, written over what the GPU has read, must be what is read next.
    for (const std::uint64_t seed : {1U, 1000U}) {
      const Contents contents = random_contents(tensors, seed, workers_);
      for (std::size_t i = 0; i < tensors.size(); ++i) placement->fill(i, contents[i]);
      for (int pass = 0; pass < 2; ++pass) {
        for (const Start start : starts(tensors)) {
          SCOPED_TRACE(offload::name(start));
          placement->reset(start, stream());
          expect_reads(*placement, tensors, contents);
        }
      }
      expect_holds(*placement, contents);
      placement->reset(starts(tensors).front(), stream());
      expect_holds(*placement, contents);
    }
  }
}

TEST_P(PolicyContract, ReadsRowRanges) {
  const std::vector<WeightTensor> tensors{{"a", DType::bf16, 1003, 514},
                                          {"b", DType::bf16, 5, 300002}};
  const auto placement = place(tensors);
  const Contents contents = random_contents(tensors, 7, workers_);
  for (std::size_t i = 0; i < tensors.size(); ++i) placement->fill(i, contents[i]);
  placement->reset(starts(tensors).front(), stream());
  const std::vector<Piece> wanted{{1, 1, 3}, {0, 0, 1}, {0, 1, 1001}, {1, 4, 1}};
  const PassPlan& plan = placement->plan(wanted, true);
  expect_reads(*placement, plan, tensors, contents);
  std::size_t rows = 0;
  for (const Piece& piece : plan.pieces) rows += piece.rows;
  EXPECT_EQ(rows, 3U + 1 + 1001 + 1);
  expect_holds(*placement, contents);
}

TEST_P(PolicyContract, ReadsPassAfterPass) {
  std::vector<WeightTensor> tensors;
  std::vector<Piece> whole;
  for (std::size_t layer = 0; layer < 5; ++layer) {
    whole.push_back({tensors.size(), 0, 515});
    tensors.push_back({"a", DType::bf16, 515, 1024, layer});
    whole.push_back({tensors.size(), 0, 64});
    tensors.push_back({"b", DType::bf16, 64, 8192, layer});
  }
  const auto placement = place(tensors);
  const Contents contents = random_contents(tensors, 11, workers_);
  for (std::size_t i = 0; i < tensors.size(); ++i) placement->fill(i, contents[i]);
  placement->reset(starts(tensors).front(), stream());
  const PassPlan& plan = placement->plan(whole, false);
  for (int pass = 0; pass < 4; ++pass) {
    expect_reads_on(*placement, plan, tensors, contents);
    if (!placement->runs_on()) placement->finish(stream());
  }
  placement->finish(stream());
  expect_reads(*placement, plan, tensors, contents);
}

/// Virtual and resident memory of this process, in bytes.
struct ProcessMemory {
  std::size_t mapped = 0;
  std::size_t resident = 0;
};
ProcessMemory process_memory() {
  ProcessMemory pages;
  std::ifstream("/proc/self/statm") >> pages.mapped >> pages.resident;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return {pages.mapped * page, pages.resident * page};
}

TEST_P(PolicyContract, GivesAllMemoryBack) {
  const std::vector<WeightTensor> tensors{{"a", DType::bf16, 4096, 8192},
                                          {"b", DType::bf16, 1003, 8191}};
  const WeightSet weights{"both", tensors};
  const Contents contents = random_contents(tensors, 3, workers_);
  const std::size_t tolerance = weights.bytes() / 4;
  const auto free_on_gpu = [&] { return platform_.gpu ? cuda::mem_get_info().free : 0; };
  // Where the GPU's memory is a NUMA node, the system uses it for itself as well.
  const bool shared_with_system =
      platform_.gpu && platform_.gpu->memory_model.pageable_memory_access_uses_host_page_tables;

  const auto place_and_read = [&] {
    const std::size_t free_before = free_on_gpu();
    const auto placement = place(tensors);
    for (std::size_t i = 0; i < tensors.size(); ++i) placement->fill(i, contents[i]);
    for (const Start start : starts(tensors)) {
      placement->reset(start, stream());
      expect_reads(*placement, tensors, contents);
    }
    const Footprint taken = placement->footprint();
    const Requirement needed = policy_->requirement(weights, {});
    EXPECT_GE(taken.device + taken.pinned + taken.managed + taken.pageable, weights.bytes());
    EXPECT_LE(taken.device, needed.device);
    EXPECT_LE(taken.pinned, needed.pinned);
    EXPECT_LE(taken.managed, needed.managed);
    EXPECT_LE(taken.pageable, needed.pageable);
    // The driver keeps freed managed memory for the next placement.
    if (!shared_with_system && taken.managed == 0) {
      EXPECT_LE(free_on_gpu(), free_before - taken.device + tolerance) << "less than it says";
    }
  };
  // glibc sets 64 MiB of addresses aside for each thread that allocates for the first time; whether
  // one does so between the two measurements is chance.
  mallopt(M_ARENA_MAX, 1);
  const auto run = [&] {
    place_and_read();
    buffers_.trim();
  };
  // Modules, pools and threads that stay; the driver also keeps up to a placement's worth of freed
  // managed memory for the next one.
  run();

  const std::size_t free_before = free_on_gpu();
  const ProcessMemory before = process_memory();
  constexpr int placements = 4;
  for (int i = 0; i < placements; ++i) run();
  const ProcessMemory after = process_memory();
  // Of four placements not a quarter of one is left.
  EXPECT_LE(after.mapped, before.mapped + tolerance);
  EXPECT_LE(after.resident, before.resident + tolerance);
  if (!shared_with_system) {
    EXPECT_GE(free_on_gpu() + 2 * weights.bytes(), free_before) << "of 4 placements 2 are left";
  }
}

std::vector<std::string> policy_names() {
  const std::vector<std::string_view> names = make_catalog().policy_names();
  return {names.begin(), names.end()};
}

INSTANTIATE_TEST_SUITE_P(Catalog, PolicyContract, testing::ValuesIn(policy_names()),
                         [](const auto& policy) { return policy.param; });

}  // namespace
}  // namespace offload
