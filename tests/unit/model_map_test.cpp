// SPDX-License-Identifier: Apache-2.0
// A model's own files, mapped in place: what is found there, how it gets cold, and what happens
// when somebody changes them meanwhile.
#include "bench/policies/parts/model_map.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/stored_content.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/error.hpp"
#include "offload/host_workers.hpp"
#include "offload/rounding.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/stored_model.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using testing::StoredModel;

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::chrono::milliseconds coarse_clock{20};  // by which files get their times

/// One tensor of u8 rows of 4096 bytes, in a file of its own.
class OneTensor {
 public:
  explicit OneTensor(std::size_t bytes, std::size_t offset = 0)
      : path_(directory_.write("weights", std::string(offset + bytes, 'w'))) {
    WeightTensor tensor{"w", DType::u8, bytes / 4096, 4096};
    tensor.stored = {
        {std::make_shared<const WeightFile>(weight_file_at(path_.string())), offset, tensor.rows}};
    tensors_.push_back(std::move(tensor));
  }
  std::span<const WeightTensor> tensors() const { return tensors_; }
  const fs::path& path() const { return path_; }
  Piece whole() const { return {0, 0, tensors_[0].rows}; }

 private:
  TempDirectory directory_;
  fs::path path_;
  std::vector<WeightTensor> tensors_;
};

std::vector<WeightTensor> fused_layer(const StoredModel& model) {
  Model read = load_model(model.directory());
  find_stored_content(read, model.directory());
  read = fused(read);
  const ModelLayer& layer = read.layers[0];
  return linear_weights(layer, 0, std::vector<bool>(layer.tensors.size(), true));
}

std::string text_at(const std::byte* data, std::size_t bytes) {
  return {reinterpret_cast<const char*>(data), bytes};
}

TEST(ModelMap, ShowsTensorsWhereTheFileHoldsThem) {
  const StoredModel model;
  const std::vector<WeightTensor> tensors = fused_layer(model);
  const ModelMap map(tensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::size_t rows = 0;
    map.for_each_part({i, 0, tensors[i].rows}, [&](const Piece& part) {
      EXPECT_EQ(part.first_row, rows) << "parts follow each other";
      rows += part.rows;
    });
    EXPECT_EQ(rows, tensors[i].rows) << tensors[i].name;
  }
  const std::size_t row = StoredModel::hidden * 2;
  ASSERT_NE(tensors[0].name.find("qkv"), std::string::npos);
  const std::string k = model.bytes("model.layers.0.self_attn.k_proj.weight");
  EXPECT_EQ(text_at(map.at({0, StoredModel::hidden + 3, 2}), 2 * row), k.substr(3 * row, 2 * row));
}

TEST(ModelMap, CutsPiecesWherePartsEnd) {
  const StoredModel model;
  const std::vector<WeightTensor> tensors = fused_layer(model);
  const ModelMap map(tensors);
  std::vector<std::pair<std::size_t, std::size_t>> parts;
  map.for_each_part({0, 60, 10},
                    [&](const Piece& part) { parts.emplace_back(part.first_row, part.rows); });
  EXPECT_EQ(parts, (std::vector<std::pair<std::size_t, std::size_t>>{{60, 4}, {64, 6}}));
  EXPECT_THROW(map.at({0, 60, 10}), std::logic_error);
}

TEST(ModelMap, CountsEachPageOnce) {
  const StoredModel model;
  const std::vector<WeightTensor> tensors = fused_layer(model);
  const ModelMap map(tensors);
  const std::size_t page = whole_pages(1);
  EXPECT_EQ(map.bytes(), file_bytes(tensors));
  EXPECT_LE(map.bytes(), round_up(fs::file_size(model.file()), page));
  const std::byte* end = nullptr;
  for (const MappedPages pages : map.pages()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages.data()) % page, 0U);
    EXPECT_GT(pages.data(), end) << "what touches is one";
    end = pages.data() + pages.size();
  }
}

TEST(ModelMap, LeavesMemoryAndComesBack) {
  const OneTensor one(2 * mib, 100);
  const WeightSet weights{"w", {one.tensors().begin(), one.tensors().end()}};
  if (const Support cold = stored_can_start(weights, Start::cold); !cold) {
    GTEST_SKIP() << cold.reason();
  }
  const ModelMap map(one.tensors());
  const auto cached = [&map] {
    std::size_t sum = 0;
    for (const MappedPages pages : map.pages()) sum += cached_bytes(pages);
    return sum;
  };
  map.drop();
  EXPECT_EQ(cached(), 0U);
  EXPECT_EQ(text_at(map.at(one.whole()), 2 * mib), std::string(2 * mib, 'w'));
  EXPECT_EQ(cached(), map.bytes());
  EXPECT_EQ(map.fault(), std::nullopt);
}

TEST(ModelMap, OfAFileThatOthersHoldInMemoryIsNotCold) {
  const OneTensor one(mib);
  const WeightSet weights{"w", {one.tensors().begin(), one.tensors().end()}};
  if (!stored_can_start(weights, Start::cold)) GTEST_SKIP() << "files here stay in memory anyway";
  const ModelMap theirs(one.tensors());
  // Through a mapping of its own, as another process has it.
  const MappedPages pages = theirs.pages().front();
  // Not by mlock(), which sanitizers make do nothing.
  if (syscall(SYS_mlock, pages.data(), mib / 4) != 0) {
    GTEST_SKIP() << "memory cannot be locked here";
  }
  const ModelMap map(one.tensors());
  const std::string error = testing::message_of<ImplausibleResult>([&] { map.drop(); });
  EXPECT_TRUE(says(error, " of the weights in " + one.path().string()));
  EXPECT_TRUE(error.starts_with("not cold: ")) << error;
  EXPECT_TRUE(says(error, "end what else has it open"));
  EXPECT_TRUE(says(stored_can_start(weights, Start::cold).reason(), " stays in memory: "));
}

TEST(ModelMap, OfAFileSystemInMemoryIsNeverCold) {
  const fs::path in_memory = "/dev/shm/offload_bench_model_map_test";
  if (!(std::ofstream(in_memory) << std::string(4096, 'w'))) GTEST_SKIP() << "no /dev/shm";
  WeightTensor tensor{"w", DType::u8, 1, 4096};
  tensor.stored = {{std::make_shared<const WeightFile>(weight_file_at(in_memory)), 0, 1}};
  const WeightSet weights{"w", {tensor}};
  EXPECT_TRUE(stored_can_start(weights, Start::warm));
  EXPECT_EQ(stored_can_start(weights, Start::cold).reason(),
            in_memory.string() +
                " stays in memory: end what else has it open, or give a model on a disk");
  fs::remove(in_memory);
}

TEST(ModelMap, LeavesTheFileAsItIs) {
  const OneTensor one(mib);
  ASSERT_EQ(chmod(one.path().c_str(), 0444), 0);
  const WeightFile before = weight_file_at(one.path().string());
  {
    const ModelMap map(one.tensors());
    EXPECT_EQ(*map.at(one.whole()), std::byte{'w'});
  }
  const WeightFile after = weight_file_at(one.path().string());
  EXPECT_EQ(after.bytes, before.bytes);
  EXPECT_EQ(after.changed_ns, before.changed_ns);
  EXPECT_EQ(after.inode, before.inode);
}

TEST(ModelMap, RefusesAFileThatIsAnotherNow) {
  const OneTensor one(mib);
  fs::remove(one.path());
  std::string error = testing::message_of<std::runtime_error>([&] { ModelMap map(one.tensors()); });
  EXPECT_EQ(error, one.path().string() + " cannot be opened any more: No such file or directory");
  std::this_thread::sleep_for(coarse_clock);
  std::ofstream(one.path()) << std::string(mib, 'x');
  error = testing::message_of<std::runtime_error>([&] { ModelMap map(one.tensors()); });
  EXPECT_EQ(error, one.path().string() +
                       " was changed after its header was read; measure again when nobody writes "
                       "to it");
}

TEST(ModelMap, TellsWhenTheFileIsWrittenTo) {
  const OneTensor one(mib);
  const ModelMap map(one.tensors());
  EXPECT_EQ(map.fault(), std::nullopt);
  std::this_thread::sleep_for(coarse_clock);
  std::fstream(one.path(), std::ios::in | std::ios::out) << 'x';
  EXPECT_TRUE(says(map.fault().value_or(""), one.path().string() + " was changed after"));
}

TEST(ModelMap, ReadsZerosWhereTheFileWasCutOff) {
  const OneTensor one(mib);
  const ModelMap map(one.tensors());
  const std::byte* const data = map.at(one.whole());
  EXPECT_EQ(data[0], std::byte{'w'});
  fs::resize_file(one.path(), mib / 2);
  EXPECT_EQ(text_at(data, mib), std::string(mib / 2, 'w') + std::string(mib / 2, '\0'));
  EXPECT_EQ(map.fault().value_or(""),
            one.path().string() +
                " was cut short, from 1048576 bytes to 524288, while weights were "
                "read from it; measure again when nobody writes to it");
}

TEST(ModelMap, RemembersThatZerosWereReadWhateverTheFileIsNow) {
  const OneTensor one(mib);
  MappedModelFile file(one.tensors()[0].stored[0].file);
  const auto before = fs::last_write_time(one.path());
  fs::resize_file(one.path(), 0);
  EXPECT_EQ(file.map()[0], std::byte{0});
  fs::resize_file(one.path(), mib);
  fs::last_write_time(one.path(), before);
  const MappedModelFile moved(std::move(file));
  EXPECT_EQ(
      moved.fault().value_or(""),
      one.path().string() + " could not be read: it was cut short meanwhile, or its disk failed");
}

TEST(ModelMap, SurvivesACutInTheMiddleOfAReadByManyThreads) {
  constexpr std::size_t bytes = 64 * mib;
  const OneTensor one(bytes);
  const ModelMap map(one.tensors());
  const std::byte* const data = map.at(one.whole());
  HostWorkers workers(4);
  std::atomic<bool> reading{false};
  std::thread cutter([&] {
    while (!reading) std::this_thread::yield();
    fs::resize_file(one.path(), 4096);
  });
  std::atomic<std::size_t> sum{0};
  const auto read = [&] {
    workers.run(bytes, 4096, [&](std::size_t begin, std::size_t end) {
      reading = true;
      std::size_t part = 0;
      for (std::size_t i = begin; i < end; i += 512) part += static_cast<std::size_t>(data[i]);
      sum += part;
    });
  };
  for (int i = 0; i < 20; ++i) read();
  cutter.join();
  sum = 0;
  read();
  EXPECT_EQ(sum, std::size_t{8} * 'w') << "the page that is left, and zeros behind it";
  EXPECT_TRUE(map.fault().has_value());
}

TEST(ModelMapDeathTest, LeavesFaultsOfOthersAlone) {
  const OneTensor one(mib);
  const TempDirectory directory;
  const auto path = directory.write("other", std::string(8192, 'o'));
  EXPECT_EXIT(
      {
        const ModelMap map(one.tensors());  // handles the signal, for its own
        const OpenWeightFile other(
            std::make_shared<const WeightFile>(weight_file_at(path.string())));
        const auto* const data = static_cast<const char*>(
            mmap(nullptr, 8192, PROT_READ, MAP_SHARED, other.descriptor(), 0));
        fs::resize_file(path, 0);
        static_cast<void>(*static_cast<const volatile char*>(data));
      },
      // By the signal, or by who handled it before: a sanitizer ends the process itself.
      [](int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 0; }, "");
}

/// The policies that the CPU alone can try, on parts and pieces as a pass has them.
class OwnFiles : public ::testing::Test {
 protected:
  std::unique_ptr<Placement> place(const std::vector<WeightTensor>& tensors) {
    return catalog_.policy("file_host_compute")->place(tensors, context_);
  }
  static std::vector<std::byte> content_of(const WeightTensor& tensor) {
    std::vector<std::byte> content(tensor.bytes());
    std::span<std::byte> out = content;
    for (const StoredRows& part : tensor.stored) {
      const OpenWeightFile file(part.file);
      file.read(part.offset, out.first(part.rows * tensor.row_bytes()));
      out = out.subspan(part.rows * tensor.row_bytes());
    }
    return content;
  }

  Catalog catalog_ = make_catalog();
  Platform platform_;
  HostBuffers buffers_;
  HostWorkers workers_{2};
  PlaceContext context_{platform_, buffers_, workers_};
};

TEST_F(OwnFiles, AreReadInPlaceInTheirParts) {
  const StoredModel model;
  const std::vector<WeightTensor> tensors = fused_layer(model);
  const auto placement = place(tensors);
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    placement->fill(i, content_of(tensors[i]));
    pieces.push_back({i, 0, tensors[i].rows});
  }
  const PassPlan plan = placement->plan(pieces, true);
  EXPECT_EQ(plan.pieces.size(), tensors.size() + 2) << "of q, k and v apart";
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < plan.pieces.size(); ++i) {
    const Piece& piece = plan.pieces[i];
    const WeightTensor& tensor = tensors[piece.tensor];
    const PieceView view = placement->acquire(i, nullptr);
    const auto content = content_of(tensor);
    EXPECT_EQ(std::memcmp(view.data, content.data() + piece.first_row * tensor.row_bytes(),
                          piece.rows * tensor.row_bytes()),
              0);
    bytes += piece.rows * tensor.row_bytes();
    placement->release(i, nullptr);
  }
  EXPECT_EQ(plan.on_cpu, bytes);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::vector<std::byte> back(tensors[i].bytes());
    placement->read_back(i, back);
    EXPECT_EQ(back, content_of(tensors[i]));
  }
  const Requirement needed = catalog_.policy("file_host_compute")->requirement({"w", tensors}, {});
  EXPECT_EQ(placement->footprint().pageable, needed.pageable);
}

TEST_F(OwnFiles, MustHoldWhatWasReadOfThem) {
  const StoredModel model;
  const std::vector<WeightTensor> tensors = fused_layer(model);
  const auto placement = place(tensors);
  std::vector<std::byte> other = content_of(tensors[0]);
  other.back() ^= std::byte{1};
  const std::string error =
      testing::message_of<std::runtime_error>([&] { placement->fill(0, other); });
  EXPECT_TRUE(says(error, tensors[0].name + " of the model's files is not what was read of it"));
}

}  // namespace
}  // namespace offload
