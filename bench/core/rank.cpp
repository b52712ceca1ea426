// SPDX-License-Identifier: Apache-2.0
#include "bench/core/rank.hpp"

#include <algorithm>
#include <array>

#include "bench/core/numbers.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// What one kind of launcher sets.
struct Launcher {
  const char* name;
  const char* index;
  const char* size;
  const char* local_index;
  const char* local_size;
};

// mpirun within an allocation of Slurm sets both; srun sets PMI's as well, for MPI's own use.
constexpr std::array<Launcher, 3> launchers{
    {{"open-mpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
      "OMPI_COMM_WORLD_LOCAL_SIZE"},
     {"slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"},
     {"pmi", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"}}};

std::optional<std::size_t> number(const std::function<std::string(const std::string&)>& variable,
                                  const char* name) {
  const std::string text = variable(name);
  if (text.empty()) return std::nullopt;
  if (const auto value = parse_number<std::size_t>(text)) return value;
  throw UsageError(std::string(name) + "=" + text +
                   " in the environment is no number: unset it, or " +
                   "start this program by its launcher");
}

}  // namespace

std::optional<Rank> find_rank(const std::function<std::string(const std::string& name)>& variable) {
  for (const Launcher& launcher : launchers) {
    const auto size = number(variable, launcher.size);
    const auto index = number(variable, launcher.index);
    if (!size || !index) continue;
    if (*index >= *size) {
      throw UsageError(std::string(launcher.index) + "=" + std::to_string(*index) +
                       " in the environment is no rank of " + launcher.size + "=" +
                       std::to_string(*size));
    }
    if (*size == 1) return std::nullopt;
    return Rank{*index, *size, number(variable, launcher.local_index),
                number(variable, launcher.local_size), launcher.name};
  }
  return std::nullopt;
}

std::string led_by(const Rank& rank) { return "rank " + std::to_string(rank.index) + ": "; }

bool is_rank_variable(std::string_view name) {
  return std::ranges::any_of(launchers, [&](const Launcher& launcher) {
    return name == launcher.index || name == launcher.size || name == launcher.local_index ||
           name == launcher.local_size;
  });
}

std::string results_name(const Rank& rank) {
  constexpr std::size_t digits = 4;
  const std::string number = std::to_string(rank.index);
  return "rank-" + std::string(digits - std::min(digits, number.size()), '0') + number + ".json";
}

}  // namespace offload
