// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "bench/advise.hpp"
#include "bench/catalog.hpp"
#include "bench/cli/command_line.hpp"
#include "bench/cli/exit_code.hpp"
#include "bench/cli/job.hpp"
#include "bench/core/cpus.hpp"
#include "bench/core/rank.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/doctor.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/measure/loading_cost.hpp"
#include "bench/measure/memory_cost.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/selection.hpp"
#include "bench/models/load.hpp"
#include "bench/platform/machine_shares.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/loading_cost_table.hpp"
#include "bench/report/memory_cost_table.hpp"
#include "bench/report/plan_text.hpp"
#include "bench/report/redact.hpp"
#include "bench/report/results_file.hpp"
#include "bench/run.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

void show_notes(const std::vector<std::string>& notes, const Options& options) {
  for (const auto& text : notes) write_note(text, options.quiet);
}

int show_plan(const Options& options, const Catalog& catalog) {
  const std::vector<Platform> machines = find_machines(options);
  const Platform& platform = machines.front();
  ModelLoader models;
  if (options.loading) {
    write_stdout(loading_plan_text(loading_bytes(platform)));
    return exit_ok;
  }
  if (options.host_memory_cost) {
    const std::string text = memory_cost_plan_text(cost_tensors(options, platform.host, models));
    if (!options.cases) {
      show_notes(shape_notes(options, models), options);
      write_stdout(text);
      return exit_ok;
    }
    if (!options.quiet) write_stderr(text);  // stdout is the plan's
  }
  const MachineShare share = divide_host(machines, host::affinity_cpus()).front();
  Plan plan = make_plan(options, catalog, share.machine, models);
  spread_over(gpu_sets(gpu_numbers_of(machines)), plan);
  put_beside(options, machines.front(), plan);
  show_notes(plan.warnings(), options);
  write_stdout(plan_text(plan, options, platform));
  return plan.cases.empty() ? exit_nothing_matched : exit_ok;
}

/// As a rank of a job, where a launcher started this process as one of several.
int measure(const Options& options, const Catalog& catalog, const std::vector<std::string>& argv) {
  const auto rank = find_rank(process_environment);
  if (!rank) return run_benchmarks(options, catalog, argv);
  try {
    return run_benchmarks(as_rank(options, *rank, cuda::device_count()), catalog, argv);
  } catch (const UsageError& error) {
    throw UsageError(led_by(*rank) + error.what());
  } catch (const std::exception& error) {
    throw std::runtime_error(led_by(*rank) + error.what());
  }
}

bool measures(Action action) {
  return action == Action::run || action == Action::explain || action == Action::memory_cost;
}

int run_action(const Options& options, const Catalog& catalog,
               const std::vector<std::string>& argv) {
  if (!measures(options.action)) {
    // What all ranks of a job would say, the first says.
    const auto rank = find_rank(process_environment);
    if (rank && rank->index > 0) return exit_ok;
  }
  switch (options.action) {
    case Action::list:
      write_stdout(list_text(catalog));
      return exit_ok;
    case Action::platform: {
      const Platform platform = probe_platform(options.gpu);
      write_stdout(platform_json(options.redact ? redacted(platform) : platform));
      return exit_ok;
    }
    case Action::plan:
      return show_plan(options, catalog);
    case Action::doctor:
      return run_doctor(options);
    case Action::advise:
      return run_advise(options, catalog);
    case Action::run:
    case Action::explain:
    case Action::memory_cost:
      break;
  }
  return measure(options, catalog, argv);
}

int run_program(int argc, char** argv) {
  keep_standard_streams_apart();
  try {
    const Catalog catalog = make_catalog();
    const auto parsed = parse_command_line(argc, argv, catalog);
    if (const auto* early = std::get_if<EarlyExit>(&parsed)) {
      write_stdout(early->text);
      return exit_ok;
    }
    return run_action(std::get<Options>(parsed), catalog, {argv, argv + argc});
  } catch (const UsageError& error) {
    write_message(error.what());
    return exit_usage;
  } catch (const std::exception& error) {
    write_message(error.what());
    return exit_case_failed;
  }
}

}  // namespace
}  // namespace offload

int main(int argc, char** argv) { return offload::run_program(argc, argv); }
