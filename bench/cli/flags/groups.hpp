// SPDX-License-Identifier: Apache-2.0
// The flags, in groups. Each adds its own to a command, and what is typed goes into `options`.
#pragma once
#include <span>
#include <string>

#include "bench/catalog.hpp"
#include "bench/cli/parser.hpp"
#include "bench/core/names.hpp"
#include "bench/options.hpp"

namespace offload {

/// The heading of what is selected, with or without models.
inline constexpr const char* what = "What is measured (a choice given here replaces the suite's)";

// selection.cpp
void add_selection(CLI::App& command, Options& options, const Catalog& catalog);

// model.cpp
void add_model(CLI::App& command, const std::string& heading, Options& options);
void add_experts_per_token(CLI::App& command, const std::string& heading, Options& options);
void add_offloading(CLI::App& command, Options& options);
void add_tensor_parallel(const Flags& flags, Options& options);

// method.cpp
void add_tuning(CLI::App& command, Options& options);
void add_method(CLI::App& command, Options& options);
void add_gpu(CLI::App& command, Options& options);
void add_gpus(CLI::App& command, Options& options);
void add_beside(CLI::App& command, Options& options);
void add_oversubscription(CLI::App& command, Options& options);
void add_loading(CLI::App& command, Options& options);
void add_plan_only(CLI::App& command, bool& plan_only);

// output.cpp
using Formats = std::span<const Named<Format>>;
void add_outputs(CLI::App& command, Options& options, Formats formats);  // those below, and more
void add_output_file(CLI::App& command, Options& options);
void add_view(CLI::App& command, Options& options, Formats formats);
void add_redact(CLI::App& command, Options& options);

// advise.cpp
void add_question(CLI::App& command, Options& options, const Catalog& catalog);
void add_rates(CLI::App& command, Options& options);

}  // namespace offload
