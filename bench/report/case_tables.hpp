// SPDX-License-Identifier: Apache-2.0
// The cases of one workload over one weight set in a table, with a verdict on each.
#pragma once
#include <string>
#include <vector>

#include "bench/report/answers.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Cold and steady cases by time, then the warm ones, then those without a time. Of a model those
/// in which an engine can stay, then first passes and what has come to the GPU.
std::vector<const CaseRecord*> in_table_order(const Ranking& ranking);

/// What its tables are headed with: workload, weights and their size.
std::string case_title(const Ranking& ranking);
/// Whether one of its passed cases has figures of a whole model.
bool is_model_pass(const Ranking& ranking);

/// A title and a table: rates, or latency per step; of passes over a model, tokens per second and
/// memory for the whole model.
void write_cases(Page& page, const Ranking& ranking);

/// What the columns of model passes mean and what is left out; given once for all tables. "" when
/// none is of model passes.
std::string model_note(const std::vector<Ranking>& rankings);

}  // namespace offload
