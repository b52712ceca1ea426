// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/loading_cost.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "bench/measure/plan_memory.hpp"
#include "bench/measure/wall_clock.hpp"
#include "kernels/content.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"
#include "offload/start.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr int repeats = 3;
constexpr std::size_t chunk_bytes = 16 * MiB;

std::uint64_t read_by_cpu(const std::byte* data, std::size_t bytes, HostWorkers& workers) {
  std::uint64_t sum = 0;
  host::stream_read(data, bytes, &sum, workers);
  workers.join();
  return sum;
}

std::uint64_t read_by_gpu(const void* data, std::size_t bytes) {
  const StreamHandle stream = nullptr;
  std::uint64_t sum = 0;
  const cuda::DeviceBuffer result(sizeof sum);
  cuda::memset_async(result.data(), 0, sizeof sum, stream);
  kernels::stream_read(static_cast<const std::byte*>(data), bytes,
                       static_cast<std::uint64_t*>(result.data()), stream);
  cuda::memcpy_async(&sum, result.data(), sizeof sum, stream);
  cuda::stream_synchronize(stream);
  return sum;
}

/// By read calls, one after the other, as engines load that do not map.
template <typename Memory>
std::shared_ptr<Memory> read_into(std::shared_ptr<Memory> memory, const MappedFile& file) {
  file.read(0, {memory->data(), file.bytes()});
  return memory;
}

std::shared_ptr<HostAllocation> read_into(HostMemory kind, const MappedFile& file) {
  return read_into(std::make_shared<HostAllocation>(kind, file.bytes()), file);
}

Loaded locked(const MappedFile& file) {
  auto lock = std::make_shared<PageLock>(file.data(), file.bytes());
  const void* const on_gpu = cuda::host_get_device_pointer(file.data());
  return {read_by_gpu(on_gpu, file.bytes()), std::move(lock)};
}

Loaded pinned(const MappedFile& file) {
  auto memory = read_into(HostMemory::pinned, file);
  const void* const on_gpu = cuda::host_get_device_pointer(memory->data());
  return {read_by_gpu(on_gpu, file.bytes()), std::move(memory)};
}

Loaded pageable(const MappedFile& file) {
  auto memory = read_into(HostMemory::pageable, file);
  const std::uint64_t sum = read_by_gpu(memory->data(), file.bytes());
  return {sum, std::move(memory)};
}

Loaded managed(const MappedFile& file) {
  auto memory = read_into(std::make_shared<cuda::ManagedBuffer>(file.bytes()), file);
  const std::uint64_t sum = read_by_gpu(memory->data(), file.bytes());
  return {sum, std::move(memory)};
}

Loaded copied(const MappedFile& file) {
  auto memory = std::make_shared<cuda::DeviceBuffer>(file.bytes());
  cuda::memcpy_async(memory->data(), file.data(), file.bytes(), nullptr);
  const std::uint64_t sum = read_by_gpu(memory->data(), file.bytes());
  return {sum, std::move(memory)};
}

/// Writes all of `file`, and returns the sum of its words.
std::uint64_t fill(MappedFile& file, std::size_t bytes, HostWorkers& workers) {
  std::vector<std::byte> content(std::min(bytes, chunk_bytes));
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < bytes; at += chunk_bytes) {
    const std::span<std::byte> chunk(content.data(), std::min(chunk_bytes, bytes - at));
    reference::fill_random(chunk, DType::u8, at + 1, workers);
    sum += reference::stream_read(chunk, workers);
    file.write(at, chunk);
  }
  return sum;
}

/// In the page cache, and no page of it mapped: as an engine finds it that begins.
void bring_into_page_cache(const MappedFile& file) {
  std::vector<std::byte> read(std::min(file.bytes(), chunk_bytes));
  for (std::size_t at = 0; at < file.bytes(); at += chunk_bytes) {
    file.read(at, {read.data(), std::min(read.size(), file.bytes() - at)});
  }
  file.unmap_pages();
}

class Loading {
 public:
  explicit Loading(const LoadingContext& context)
      : context_(context), file_(context.bytes, context.directory) {
    sum_ = fill(file_, context.bytes, context.workers);
  }

  LoadingCost measured(const LoadingWay& way, Start start) const {
    LoadingCost cost{
        way.name, std::string(name(start)), file_.bytes(), way.copies * file_.bytes(), {}, ""};
    try {
      for (int i = 0; i < repeats; ++i) {
        context_.checkpoint(way.name);
        cost.samples.push_back(seconds(way, start));
      }
    } catch (const CudaError& error) {
      if (error.context_dead()) throw;
      cost.failure = error.what();
    } catch (const std::runtime_error& error) {
      cost.failure = error.what();
    } catch (const std::bad_alloc&) {
      cost.failure = "out of memory";
    }
    return cost;
  }

 private:
  double seconds(const LoadingWay& way, Start start) const {
    if (start == Start::cold) {
      file_.drop();
    } else {
      bring_into_page_cache(file_);
    }
    const Stopwatch watch;
    const Loaded loaded = way.load(file_);
    const double taken = watch.seconds();
    if (loaded.sum == sum_) return taken;
    throw ImplausibleResult("wrong sum: what was read is not what the file holds");
  }

  const LoadingContext& context_;
  MappedFile file_;
  std::uint64_t sum_ = 0;
};

/// Whether a file of `bytes` can be made, and be brought to `start`.
Support can_start(const LoadingContext& context, Start start) {
  Tuning tuning;
  tuning.file_directory = context.directory;
  const WeightSet all{"file", {{"file", DType::u8, context.bytes / MiB, MiB}}};
  return file_can_start(all, tuning, start);
}

}  // namespace

std::vector<LoadingWay> loading_ways(const Platform& platform, HostWorkers& workers) {
  const auto gpu_with = [&platform](std::span<const Need> needs) {
    return gpu_offers(platform, needs);
  };
  const std::array pageable_access{
      Need{&MemoryModel::pageable_memory_access, "pageable memory access (HMM or ATS)"}};
  const std::array managed_memory{Need{&MemoryModel::managed, "managed memory"}};
  const Support in_place = gpu_with(pageable_access);
  return {
      {"mmap (read by the CPU)", Support::yes(), 0,
       [&workers](const MappedFile& file) -> Loaded {
         return {read_by_cpu(file.data(), file.bytes(), workers), nullptr};
       }},
      {"read() into malloc (read by the CPU)", Support::yes(), 1,
       [&workers](const MappedFile& file) -> Loaded {
         auto memory = read_into(HostMemory::pageable, file);
         const std::uint64_t sum = read_by_cpu(memory->data(), file.bytes(), workers);
         return {sum, std::move(memory)};
       }},
      {"mmap (read by the GPU)", in_place, 0,
       [](const MappedFile& file) -> Loaded {
         return {read_by_gpu(file.data(), file.bytes()), nullptr};
       }},
      {"mmap + cudaHostRegister", gpu_with(locking_files), 0, locked},
      {"read() into malloc (read by the GPU)", in_place, 1, pageable},
      {"read() into cudaHostAlloc", gpu_with({}), 1, pinned},
      {"read() into cudaMallocManaged", gpu_with(managed_memory), 1, managed},
      {"mmap + cudaMemcpy to cudaMalloc", gpu_with({}), 1, copied},
  };
}

std::size_t loading_bytes(const Platform& platform) {
  std::size_t limit = host_memory_limit(platform.host);
  if (platform.gpu) limit = std::min(limit, gpu_memory_limit(platform));
  return std::max(MiB, std::min(1024 * MiB, (limit / 4) & ~(MiB - 1)));
}

void measure_loading(std::span<const LoadingWay> ways, const LoadingContext& context,
                     std::vector<LoadingCost>& costs,
                     const std::function<void(SkippedCase)>& skip) {
  std::optional<Loading> loading;
  for (const Start start : cold_and_warm) {
    const Support reachable = can_start(context, start);
    for (const LoadingWay& way : ways) {
      const Support& support = way.support ? reachable : way.support;
      if (!support) {
        skip({"loading_cost/" + way.name, "", way.name, "", std::string(name(start)),
              support.reason()});
        continue;
      }
      if (!loading) loading.emplace(context);
      costs.push_back(loading->measured(way, start));
    }
  }
}

}  // namespace offload
