// SPDX-License-Identifier: Apache-2.0
// The answers of a run: per workload and weight set who wins, by how much, what limits the winner,
// and all that in a sentence. Summary, results file and whatever reads it show these.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/record.hpp"
#include "bench/report/ranking.hpp"

namespace offload {

/// What keeps a case from being faster, as far as its figures tell.
enum class LimitedBy : std::uint8_t {
  link,         // most of what the copy engine carries
  host_memory,  // most of what all CPU threads together read
  cpu,          // computing takes the CPU longer than reading
  link_and_cpu,
  latency,      // each read waits for the one before it
  page_faults,  // the driver's work on them
  gpu,          // with weights on the GPU it takes about as long
  unknown,
};
std::string_view name(LimitedBy limit);

struct Answer {
  Ranking ranking;
  std::vector<std::string> sentences;
};

/// One for each Ranking of the run, which must outlive them.
std::vector<Answer> answers(const RunRecord& run);
std::vector<Answer> answers(RunRecord&& run) = delete;

/// `resident` is the same work on weights in GPU memory, if it was measured.
LimitedBy limited_by(const CaseRecord& record, const CaseRecord* resident,
                     const Calibration& calibration);

}  // namespace offload
