// SPDX-License-Identifier: Apache-2.0
// Who wins: the cases of one workload over one weight set, compared with each other.
#pragma once
#include <string>
#include <vector>

#include "bench/record.hpp"

namespace offload {

struct CaseGroup {
  std::string workload;  // its label: "gemm/tokens:512" stands apart from "gemm/tokens:1"
  std::string weights;
  std::vector<const CaseRecord*> cases;  // into the run they were grouped from
};

/// By workload and weights, in order of first appearance.
std::vector<CaseGroup> group_cases(const std::vector<CaseRecord>& cases);

/// Measured, and its result was right.
bool passed(const CaseRecord& record);

/// Passed, and the pass read weights that are in host memory. A pass over weights that are, or
/// have become, resident in GPU memory answers another question and cannot win.
bool competes(const CaseRecord& record);

/// The CPU computed on a part of the weights while the others crossed the link: the rate counts
/// both, the share of the link only what crossed it.
bool is_split(const CaseRecord& record);
/// Of the bytes that such a pass asks for.
double cpu_share(const CaseRecord& record);

/// The difference of the medians is below 1 %, or the middle halves of the samples overlap.
bool ties(const CaseRecord& one, const CaseRecord& other);

/// The competitors of one start, fastest first. Steady cases compete in both, since under those
/// policies cold and warm are the same; without one genuinely warm competitor there is no warm
/// contest.
std::vector<const CaseRecord*> contest(const CaseGroup& group, Start start);

/// How often `record` would fit into the time of `other`: > 1 when `other` is slower. Of passes
/// over a model's slice, by the time of the whole model.
double times_slower(const CaseRecord& other, const CaseRecord& record);

/// The fastest passed case that read GPU memory; nullptr when there is none.
const CaseRecord* resident_bound(const CaseGroup& group);

}  // namespace offload
