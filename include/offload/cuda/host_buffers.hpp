// SPDX-License-Identifier: Apache-2.0
// Host memory that outlives placements, so that pinning (0.6 s/GiB) is paid once per kind and size.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace offload {

enum class HostMemory : std::uint8_t {
  pageable,        // as malloc gives it, page-aligned; whoever fills it first touches it
  pinned,          // cudaHostAlloc mapped
  write_combined,  // cudaHostAlloc mapped, write-combined
  registered,      // malloc + cudaHostRegister
};

/// Of what pages memory from malloc is made; those of cudaHostAlloc are the driver's choice.
enum class HostPages : std::uint8_t {
  as_set,  // those that the system's setting gives to everybody
  huge,    // from a multiple of a huge page on, and advised to be huge
};

/// Bytes an allocation of `bytes` really takes: whole pages, at least one.
std::size_t whole_pages(std::size_t bytes);

/// One allocation of whole pages; frees itself in the way it was made.
class HostAllocation {
 public:
  HostAllocation(HostMemory kind, std::size_t bytes, HostPages pages = HostPages::as_set);
  ~HostAllocation();
  HostAllocation(const HostAllocation&) = delete;
  HostAllocation& operator=(const HostAllocation&) = delete;
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  HostMemory kind() const { return kind_; }
  /// Pageable memory alone: what it held is lost, and fresh pages come when it is touched, at the
  /// same address.
  void give_pages_back();

 private:
  HostMemory kind_;
  std::size_t bytes_;
  std::byte* data_ = nullptr;
};

/// Lends allocations by kind and size; a returned one is kept for the next borrower of the same
/// kind and at most that size, until trim(). When none is large enough, the idle smaller ones of
/// the kind are freed first, so that a sweep upwards holds one buffer a kind and not all of them.
class HostBuffers {
 public:
  explicit HostBuffers(HostPages pages = HostPages::as_set) : pages_(pages) {}

  class Loan {  // returns its allocation to the pool when destroyed
   public:
    Loan(HostBuffers& pool, std::unique_ptr<HostAllocation> allocation);
    ~Loan();
    Loan(Loan&& other) noexcept;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Loan& operator=(Loan&& other) = delete;
    std::byte* data() const { return allocation_->data(); }
    std::size_t bytes() const { return allocation_->bytes(); }

   private:
    HostBuffers* pool_;
    std::unique_ptr<HostAllocation> allocation_;
  };

  Loan borrow(HostMemory kind, std::size_t bytes);
  /// One that nobody had before and nobody will have after.
  std::unique_ptr<HostAllocation> allocate(HostMemory kind, std::size_t bytes) const;
  HostPages pages() const { return pages_; }
  void trim() noexcept;  // free everything not lent
  std::size_t idle_bytes() const;
  /// Seconds spent so far inside allocation calls: they cannot be avoided, only shared.
  double allocation_seconds() const { return allocation_seconds_; }

 private:
  friend class Loan;
  void give_back(std::unique_ptr<HostAllocation> allocation) noexcept;
  HostPages pages_;
  std::vector<std::unique_ptr<HostAllocation>> idle_;
  double allocation_seconds_ = 0;
};

}  // namespace offload
