// SPDX-License-Identifier: Apache-2.0
// Passes over a model's layers, as figures of the whole model.
#pragma once
#include <string>
#include <vector>

#include "bench/report/page.hpp"
#include "bench/report/standing.hpp"

namespace offload {

/// Whether a passed case of the group has figures of a whole model.
bool is_model_pass(const CaseGroup& group);

/// "decode/tokens:1 of llama3.1-70b: 30 GiB offloaded, 98 GiB resident; measured on 4 of 80 layers
/// and scaled by bytes"
std::string model_title(const CaseGroup& group);

/// Tokens per second, shares of link and transfer time, memory; `rows` in the order to show, with
/// a verdict each.
Table model_table(const std::vector<const CaseRecord*>& rows,
                  const std::vector<std::string>& verdicts);

/// What the columns of these groups' tables mean and what is left out; said once for all of them.
/// "" when none is of model passes.
std::string model_note(const std::vector<CaseGroup>& groups);

/// "5.62 tokens/s"
std::string tokens_text(const CaseRecord& record);
/// "1.2 GiB of GPU memory"
std::string device_memory_text(const CaseRecord& record);

}  // namespace offload
