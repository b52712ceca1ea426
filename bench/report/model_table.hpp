// SPDX-License-Identifier: Apache-2.0
// Passes over a model's layers, as figures of the whole model.
#pragma once
#include <string>
#include <vector>

#include "bench/report/page.hpp"
#include "bench/report/ranking.hpp"

namespace offload {

/// Whether one of its passed cases has figures of a whole model.
bool is_model_pass(const Ranking& ranking);

/// "decode/tokens:1 of llama3.1-70b: 30 GiB offloaded, 98 GiB resident; measured on 4 of 80 layers
/// and scaled by bytes"
std::string model_title(const Ranking& ranking);

/// Tokens per second, shares of link and transfer time, memory; `rows` in the order to show, with
/// a verdict each.
Table model_table(const std::vector<const CaseRecord*>& rows,
                  const std::vector<std::string>& verdicts);

/// What the columns of these rankings' tables mean and what is left out; said once for all of them.
/// "" when none is of model passes.
std::string model_note(const std::vector<Ranking>& rankings);

}  // namespace offload
