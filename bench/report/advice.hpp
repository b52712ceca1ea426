// SPDX-License-Identifier: Apache-2.0
// What `advise` says.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bench/measure/advice.hpp"
#include "bench/measure/crossovers.hpp"
#include "bench/measure/engine_command.hpp"
#include "bench/options.hpp"

namespace offload {

inline constexpr const char* advice_schema_version = "1.3.0";

/// The answer under another condition.
struct WhatIf {
  std::string condition;  // "with a link twice as fast"
  std::string policy;     // the fastest then; "" where nothing fits
  std::string flags;
  double tokens_per_second = 0;
};

/// What was predicted of a slice of the model, and what it took here.
struct Verified {
  std::string policy;
  std::size_t layers = 0, of_layers = 0;
  Prediction predicted;
  double measured = 0;
  std::string failure;  // "" when it was measured
};

struct AdviceReport {
  std::string model;
  Question question;
  Serving serving;
  Advice advice;
  std::string origin;                // of the rates
  std::vector<std::string> unknown;  // what the rates cannot tell
  std::vector<std::string> assumed;  // what stands in for rates that are not known
  std::string hint;                  // what to give so that more can be said; "" where nothing
  std::vector<WhatIf> what_ifs;
  std::vector<Verified> verified;  // with --verify
  std::vector<Crossover> crossovers;
  // As crossovers.hpp has them.
  std::optional<double> copy_from_bytes, batch_to_bytes, fault_from_bytes;
  std::optional<std::size_t> threads_to_read;
  std::size_t threads = 0;  // of all that can read
};

/// Sentences and a table, or what the format makes of them.
std::string advice_text(const AdviceReport& report, Format format, bool colored = false);
/// results/schema/advice-1.json describes it.
std::string advice_json(const AdviceReport& report);

}  // namespace offload
