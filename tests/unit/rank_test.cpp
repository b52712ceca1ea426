// SPDX-License-Identifier: Apache-2.0
#include "bench/core/rank.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "bench/cli/job.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"

namespace offload {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<Rank> rank_in(const Variables& variables) {
  return find_rank([&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

TEST(RankOfAJob, IsWhatEachLauncherSays) {
  // srun -N2 -n8, the sixth task: second on the second node.
  const auto slurm = rank_in({{"SLURM_PROCID", "5"},
                              {"SLURM_STEP_NUM_TASKS", "8"},
                              {"SLURM_LOCALID", "1"},
                              {"SLURM_NTASKS_PER_NODE", "4"},
                              {"PMI_RANK", "5"},
                              {"PMI_SIZE", "8"}});
  ASSERT_TRUE(slurm);
  EXPECT_EQ(slurm->launcher, "slurm");
  EXPECT_EQ(slurm->index, 5U);
  EXPECT_EQ(slurm->size, 8U);
  EXPECT_EQ(slurm->local_index, 1U);
  EXPECT_EQ(slurm->local_size, 4U);

  // mpirun within an allocation, whose variables are those of its one task.
  const auto open_mpi = rank_in({{"OMPI_COMM_WORLD_RANK", "2"},
                                 {"OMPI_COMM_WORLD_SIZE", "4"},
                                 {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                                 {"SLURM_PROCID", "0"},
                                 {"SLURM_STEP_NUM_TASKS", "1"}});
  ASSERT_TRUE(open_mpi);
  EXPECT_EQ(open_mpi->launcher, "open-mpi");
  EXPECT_EQ(open_mpi->index, 2U);
  EXPECT_FALSE(open_mpi->local_size);

  const auto mpich = rank_in({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}});
  ASSERT_TRUE(mpich);
  EXPECT_EQ(mpich->launcher, "pmi");
  EXPECT_FALSE(mpich->local_index);
}

TEST(RankOfAJob, IsNoneOfAProcessByItself) {
  EXPECT_FALSE(rank_in({}));
  // A batch script, or a shell of salloc: the job has tasks, this is none of them.
  EXPECT_FALSE(rank_in({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_LOCALID", "0"}}));
  EXPECT_FALSE(rank_in({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}));
  EXPECT_FALSE(rank_in({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}));
}

TEST(RankOfAJob, IsRefusedWhereVariablesContradictEachOther) {
  EXPECT_EQ(testing::message_of<UsageError>([] {
              rank_in({{"SLURM_PROCID", "4"}, {"SLURM_STEP_NUM_TASKS", "4"}});
            }),
            "SLURM_PROCID=4 in the environment is no rank of SLURM_STEP_NUM_TASKS=4");
  EXPECT_EQ(testing::message_of<UsageError>([] {
              rank_in({{"PMI_RANK", "one"}, {"PMI_SIZE", "4"}});
            }),
            "PMI_RANK=one in the environment is no number: unset it, or start this program by its "
            "launcher");
}

TEST(RankOfAJob, NamesItsResults) {
  EXPECT_EQ(results_name({3, 4, {}, {}, "slurm"}), "rank-0003.json");
  EXPECT_EQ(results_name({12345, 20000, {}, {}, "slurm"}), "rank-12345.json");
}

class OptionsOfARank : public ::testing::Test {
 protected:
  OptionsOfARank() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ranks-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~OptionsOfARank() override { std::filesystem::remove_all(folder_); }

  static Rank rank(std::size_t index, std::size_t local) { return {index, 8, local, 4, "slurm"}; }
  std::filesystem::path folder_;
};

TEST_F(OptionsOfARank, WriteAFileOfTheirOwnIntoOneFolder) {
  Options options;
  options.output = folder_ / "a" / "b";
  const Options of_rank = as_rank(options, rank(5, 1), 4);
  EXPECT_EQ(of_rank.output, folder_ / "a" / "b" / "rank-0005.json");
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "a" / "b"));
  EXPECT_EQ(as_rank(Options(), rank(5, 1), 4).output, "");
}

TEST_F(OptionsOfARank, RefuseAFileThatAllWouldWrite) {
  std::ofstream(folder_ / "there") << "x";
  for (const std::string& name :
       {(folder_ / "run.json").string(), (folder_ / "there").string(), std::string("-")}) {
    Options options;
    options.output = name;
    const std::string text =
        testing::message_of<UsageError>([&] { as_rank(options, rank(1, 1), 4); });
    EXPECT_NE(text.find("would be written by every rank: name a folder"), std::string::npos)
        << text;
  }
  Options options;
  options.output = folder_ / "there" / "below";
  EXPECT_NE(testing::message_of<UsageError>([&] {
              as_rank(options, rank(1, 1), 4);
            }).find("cannot make the folder"),
            std::string::npos);
}

TEST_F(OptionsOfARank, TakeTheGpuOfTheirPlaceOnTheHost) {
  EXPECT_EQ(as_rank(Options(), rank(5, 1), 4).gpu, 1);
  EXPECT_EQ(as_rank(Options(), rank(5, 1), 1).gpu, 0);  // the launcher gave it one
  EXPECT_EQ(as_rank(Options(), rank(5, 1), 0).gpu, 0);  // nor is there any
  Options chosen;
  chosen.gpu_given = true;
  for (const int gpu : {0, 3}) {
    chosen.gpu = gpu;
    EXPECT_EQ(as_rank(chosen, rank(5, 1), 4).gpu, gpu);
  }
  EXPECT_EQ(
      testing::message_of<UsageError>([] { as_rank(Options(), rank(3, 3), 2); }),
      "more ranks than GPUs: this is number 3 of this host, which shows 2 GPUs: start one for "
      "each, or give --gpu");
}

TEST_F(OptionsOfARank, AreHeardOfTheFirstAlone) {
  Options options;
  options.ci_json = "ci.json";
  options.progress = Progress::always;
  const Options first = as_rank(options, rank(0, 0), 4);
  EXPECT_EQ(first.progress, Progress::always);
  EXPECT_FALSE(first.quiet);
  EXPECT_EQ(first.ci_json, "ci.json");
  const Options other = as_rank(options, rank(1, 1), 4);
  EXPECT_EQ(other.progress, Progress::never);
  EXPECT_TRUE(other.quiet);
  EXPECT_EQ(other.ci_json, "");
}

}  // namespace
}  // namespace offload
