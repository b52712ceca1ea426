// SPDX-License-Identifier: Apache-2.0
// This process among those of a job: what Slurm and MPI's launchers tell it by its environment.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace offload {

struct Rank {
  std::size_t index = 0;                               // from 0
  std::size_t size = 1;                                // of the job
  std::optional<std::size_t> local_index, local_size;  // on this host
  std::string launcher;                                // "slurm", "open-mpi", "pmi"
  bool synchronised = false;  // samples begin at a barrier of all ranks
};

/// By what `variable` says of the environment, "" of what is not set; nullopt for a process that
/// was not started beside others: a batch script of Slurm is none, only what srun starts. Throws
/// UsageError where what a launcher set does not go together.
std::optional<Rank> find_rank(const std::function<std::string(const std::string& name)>& variable);

/// "rank 3: ": what leads an error of that rank.
std::string led_by(const Rank& rank);

/// Whether a launcher tells by it who a process is among those of a job, or who shares its host.
bool is_rank_variable(std::string_view name);

/// "rank-0003.json": what a rank's results are called.
std::string results_name(const Rank& rank);

}  // namespace offload
