// SPDX-License-Identifier: Apache-2.0
// Who wins, by how much, what limits the winner, and all that in a sentence: worked out once from
// the cases of a run. Summary, results file and whatever reads it show these.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/record.hpp"

namespace offload {

/// Measured, and its result was right.
bool passed(const CaseRecord& record);

/// By the median; both have samples.
bool faster(const CaseRecord* one, const CaseRecord* other);

/// Why a case takes part in no contest.
enum class Exclusion : std::uint8_t {
  failed,
  no_samples,
  unsettled,   // warm, and its pages still moved
  on_gpu,      // its weights are, or have become, resident in GPU memory: another question's answer
  on_peer,     // they lie in another GPU's memory: likewise
  beside,      // other traffic was at work on its GPU
  first_pass,  // of a model from cold: no engine can stay there, what it moved has to go home again
};
constexpr std::string_view name(Exclusion exclusion) {
  if (exclusion == Exclusion::failed) return "failed";
  if (exclusion == Exclusion::no_samples) return "no_samples";
  if (exclusion == Exclusion::unsettled) return "unsettled";
  if (exclusion == Exclusion::beside) return "beside";
  if (exclusion == Exclusion::on_peer) return "on_peer";
  return exclusion == Exclusion::on_gpu ? "on_gpu" : "first_pass";
}
/// nullopt for a case that competes: it passed, and read weights that are in host memory.
std::optional<Exclusion> exclusion(const CaseRecord& record);

/// The CPU computed on a part of the weights while the others crossed the link: the rate counts
/// both, the share of the link only what crossed it.
bool is_split(const CaseRecord& record);
/// Of the bytes that such a pass asks for.
double cpu_share(const CaseRecord& record);

/// What a policy takes of memory for the weights, as a multiple of their bytes: 1 where they are
/// kept once, 2 where a second copy stands beside them.
double times_kept(const CaseRecord& record);
/// As far as whole pages and slots of a few MiB leave it at that.
bool keeps_once(const CaseRecord& record);

/// The medians differ by less than 1 % or than runs of one build do in such cases, or the middle
/// halves of the samples overlap.
bool ties(const CaseRecord& one, const CaseRecord& other);

/// How often `record` would fit into the time of `other`: > 1 when `other` is slower. Of passes
/// over a model's slice, by the time of the whole model.
double times_slower(const CaseRecord& other, const CaseRecord& record);

/// The competitors of one start. All pointers lead into the run.
struct Contest {
  std::vector<const CaseRecord*> ranked;   // fastest first; never empty
  std::vector<const CaseRecord*> tied;     // the first of them, up to the first that is apart
  const CaseRecord* runner_up = nullptr;   // which is this one; none where all tie
  const CaseRecord* switchable = nullptr;  // the fastest that an engine's flags select today
  /// Where GPU and CPU share one memory: what takes least of it first, of equals the fastest. Empty
  /// elsewhere.
  std::vector<const CaseRecord*> by_memory;

  const CaseRecord& best() const { return *ranked.front(); }
  /// A case whose samples spread far may overlap with the best one's behind a faster case that
  /// does not; it shares no place with the best.
  bool ties_with_best(const CaseRecord& record) const;
};

/// Where a case stands in a contest.
struct Place {
  std::size_t rank = 1;  // the best has 1
  double times_slower = 1;
  bool ties_with_best = true;
};
/// nullopt when it does not take part.
std::optional<Place> place(const std::optional<Contest>& contest, const CaseRecord& record);

/// Steady cases compete in both contests, since under those policies cold and warm are the same;
/// without one genuinely warm competitor there is no warm contest. Passes over models compete in
/// states that an engine can stay in; what keeps mappings is warm.
struct Ranking {
  std::string workload;
  std::string label;  // "gemm/tokens:512" stands apart from "gemm/tokens:1"
  std::string weights;
  std::vector<int> gpus;                 // that ran its cases, where the run has several
  std::vector<const CaseRecord*> cases;  // all of them, in the order of the run
  std::optional<Contest> cold;
  std::optional<Contest> warm;
  const CaseRecord* resident = nullptr;  // passed; its weights never leave GPU memory

  /// The contest that a case of this start is shown against: warm ones among what is fast when
  /// warm, all others from cold.
  const std::optional<Contest>& contest(std::string_view start) const;
};

/// Whether GPU and CPU share one memory where its cases were measured.
bool in_one_memory(const Ranking& ranking);

/// By label, weights and GPUs, in order of first appearance. `cases` must outlive the result.
std::vector<Ranking> rank(const std::vector<CaseRecord>& cases);
std::vector<Ranking> rank(std::vector<CaseRecord>&& cases) = delete;

/// What keeps a case from being faster, as far as its figures tell.
enum class LimitedBy : std::uint8_t {
  link,         // most of what the copy engine carries
  host_memory,  // most of what all CPU threads together read
  cpu,          // computing takes the CPU longer than reading
  link_and_cpu,
  latency,      // each read waits for the one before it
  page_faults,  // the driver's work on them
  gpu,          // with weights on the GPU it takes about as long
  one_memory,   // most of what the memory gives that GPU and CPU share
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
