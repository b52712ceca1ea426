// SPDX-License-Identifier: Apache-2.0
// A run that is one of a job's: which file it writes, which GPU it takes, and whether it is heard.
#pragma once
#include "bench/core/rank.hpp"
#include "bench/options.hpp"

namespace offload {

/// `options` as rank `rank` of a job has them, on a host where it sees `gpus` GPUs: results go into
/// the folder that --output names, which is made, under the rank's name; without --gpu or --gpus it
/// takes the GPU of its local index; and of the first rank alone anything is seen. Throws
/// UsageError where --output names a file, which every rank would write, and where there are fewer
/// GPUs than ranks.
Options as_rank(Options options, const Rank& rank, int gpus);

}  // namespace offload
