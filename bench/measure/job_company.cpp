// SPDX-License-Identifier: Apache-2.0
// Each time that ranks meet they exchange two numbers: the largest of what they have to agree on,
// and whether one of them has left the case. So a rank that fails meets the others once more and
// no more, and they leave with it.
#include "bench/measure/job_company.hpp"

#include <mpi.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

namespace offload {
namespace {

void require(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw std::runtime_error(std::string(call) + ": " +
                           std::string(text.data(), static_cast<std::size_t>(length)));
}

class MpiJob final : public JobCompany {
 public:
  explicit MpiJob(std::function<void()> checkpoint) : checkpoint_(std::move(checkpoint)) {
    int provided = 0;
    require(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    require(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    require(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    require(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
  }
  ~MpiJob() override {
    if (ended_) MPI_Finalize();
  }

  std::size_t size() const override { return static_cast<std::size_t>(size_); }
  void end() override { ended_ = true; }

  void line_up(StreamHandle /*stream*/, bool /*from_idle*/) override { meet(0, false); }
  double agree(double mine) override { return meet(mine, false); }

  void begin_case() override { parted_ = false; }
  void leave() override {
    if (parted_) return;
    try {
      meet(0, true);
    } catch (const Abandoned&) {
      // It is this rank that leaves.
    }
  }
  void end_case() override {
    if (parted_) return;
    try {
      meet(0, false);
    } catch (const Abandoned&) {
      // What this rank measured of the case is whole.
    }
  }

  bool is_same(const std::vector<std::size_t>& mine) override {
    std::size_t hash = mine.size();
    for (const std::size_t one : mine) hash = hash * 1'000'003 + one;
    std::array<unsigned long, 2> both{hash, ~hash};  // the largest of each: of two only if alike
    reduce(both, 2, MPI_UNSIGNED_LONG, MPI_MAX);
    return both[0] == ~both[1];
  }

  JobFigures figures(double bytes, double seconds) override {
    std::array<double, 2> sums{seconds > 0 ? bytes : 0, seconds > 0 ? 1.0 : 0.0};
    reduce(sums, 2, MPI_DOUBLE, MPI_SUM);
    struct {
      double seconds;
      int rank;
    } slowest{seconds, rank_};
    reduce(slowest, 1, MPI_DOUBLE_INT, MPI_MAXLOC);
    return {sums[0], slowest.seconds, static_cast<std::size_t>(slowest.rank),
            static_cast<std::size_t>(sums[1])};
  }

 private:
  /// The largest of what all have. Throws Abandoned once one has left.
  double meet(double mine, bool leaving) {
    if (parted_) throw Abandoned();
    std::array<double, 2> most{mine, leaving ? 1.0 : 0.0};
    reduce(most, 2, MPI_DOUBLE, MPI_MAX);
    if (most[1] == 0) return most[0];
    parted_ = true;
    throw Abandoned();
  }

  /// In place, on all ranks; a signal that arrives meanwhile is not kept waiting, and what is then
  /// still under way has its own memory.
  template <typename Values>
  void reduce(Values& values, int count, MPI_Datatype type, MPI_Op operation) {
    static_assert(sizeof(Values) <= sizeof(under_way_));
    std::memcpy(under_way_.data(), &values, sizeof(Values));
    MPI_Request request = MPI_REQUEST_NULL;
    require(MPI_Iallreduce(MPI_IN_PLACE, under_way_.data(), count, type, operation, MPI_COMM_WORLD,
                           &request),
            "MPI_Iallreduce");
    int done = 0;
    while (done == 0) {
      require(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done == 0) checkpoint_();
    }
    std::memcpy(&values, under_way_.data(), sizeof(Values));
  }

  std::function<void()> checkpoint_;
  alignas(double) std::array<std::byte, 2 * sizeof(double)> under_way_{};
  int rank_ = 0;
  int size_ = 1;
  bool parted_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<JobCompany> join_job(const std::function<void()>& checkpoint) {
  return std::make_unique<MpiJob>(checkpoint);
}

}  // namespace offload
