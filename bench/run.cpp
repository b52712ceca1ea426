// SPDX-License-Identifier: Apache-2.0
#include "bench/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "bench/cli/answer.hpp"
#include "bench/cli/benchmark_flags.hpp"
#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/cli/progress.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/core/text.hpp"
#include "bench/core/utc.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/case_rates.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/measure/gbench.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/measure/job_company.hpp"
#include "bench/measure/lanes.hpp"
#include "bench/measure/limits.hpp"
#include "bench/measure/loading_cost.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/memory_cost.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/selection.hpp"
#include "bench/measure/set_runner.hpp"
#include "bench/measure/shared_rates.hpp"
#include "bench/measure/stored_weights.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/models/load.hpp"
#include "bench/platform/host_node.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/job_table.hpp"
#include "bench/report/redact.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/summary.hpp"
#include "kernels/host/instruction_set.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

// Variables that change what is measured without appearing on the command line.
std::vector<std::pair<std::string, std::string>> relevant_environment() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    if (text.starts_with("BENCHMARK_") || text.starts_with("CUDA_") ||
        text.starts_with("MALLOC_")) {
      found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return found;
}

/// The user's, once nothing in the environment stands for a flag that cannot be.
const std::vector<std::string>& checked_flags(const Options& options) {
  check_benchmark_environment(relevant_environment());
  return options.benchmark_flags;
}

class Run {
 public:
  Run(const Options& options, const Catalog& catalog, const std::vector<std::string>& argv)
      : catalog_(catalog),
        machines_(find_machines(options)),
        lanes_(machines_),
        platform_(machines_.front()),
        plan_(options.cases ? make_plan(options, catalog, lanes_.first().platform, models_)
                            : Plan{}),
        benchmark_(argv.front(), options.samples, checked_flags(options)),
        results_(options.output, options.quiet),
        ci_file_("--ci-json", options.ci_json) {
    if (options.rank && !lanes_.several()) job_ = join_job(leave_if_interrupted);
    if (job_ && job_->size() != options.rank->size) {
      write_note("MPI started this rank by itself, not among the " +
                     std::to_string(options.rank->size) +
                     " of its launcher: they are not lined up (srun takes --mpi=pmix or the like)",
                 options.quiet);
      job_->end();
      job_.reset();
    }
    spread_over(gpu_sets(gpu_numbers_of(machines_)), plan_);
    put_beside(options, lanes_.first().platform, plan_);
    record_.argv = argv;
    record_.effective_benchmark_flags = benchmark_.effective_flags();
    record_.environment = relevant_environment();
    record_.started_at = utc_now();
    record_.host_name = this_identity().host_name;
    record_.options = options;
    record_.build = build_info();
    record_.platform = platform_;
    record_.skipped = plan_.skipped;
    record_.weight_files = weight_files(plan_.weights);
    record_.host_instruction_set = host::all_instruction_sets();
    if (!options.cases) plan_.notes = shape_notes(options, models_);
    if (options.host_memory_cost) cost_tensors_ = cost_tensors(options, platform_.host, models_);
  }

  int execute() {
    for (const std::string& warning : plan_.warnings()) {
      write_note(warning, record_.options.quiet);
    }
    if (plan_.cases.empty() && record_.options.cases) return nothing_matched();
    for (const Case& item : plan_.cases) {
      benchmark_.add(
          {item.name(), [this, &item] { return sample(item); }, [this] { case_finished(); }});
    }
    if (benchmark_.list_only()) {
      const bool none = benchmark_.run() == 0;
      write_stdout("");
      return none ? nothing_matched() : exit_ok;
    }
    const std::size_t ran = or_stop([this] {
      show_planned_skips();
      prepare();
      const std::size_t cases = record_.options.cases ? benchmark_.run() : 0;
      if (cases > 0) count_traffic();
      lanes_.run(lanes_.all(), [](std::size_t, Lane& lane) { lane.loop->clear(); });
      if (cases > 0 || !record_.options.cases) allocate_tensors();
      if (record_.options.loading) load_file();
      return cases;
    });
    const bool nothing_loaded = record_.options.loading && record_.loading_costs.empty();
    if ((ran == 0 && record_.options.cases) || nothing_loaded) return nothing_matched();
    record_.complete = true;
    return report();
  }

 private:
  void prepare() {
    const Options& options = record_.options;
    lanes_.start(options, record_.wall);
    for (const std::size_t index : lanes_.all()) {
      lanes_.run({index}, [this](std::size_t, Lane& lane) { calibrate_lane(lane); });
    }
    Lane& first = lanes_.first();
    record_.calibration = first.calibration;
    record_.host_threads = first.session->workers().size();
    if (lanes_.several()) describe_gpus();
    lanes_.run(lanes_.all(), [&](std::size_t, Lane& lane) {
      lane.loop.emplace(*lane.session, lane.calibration, lane.wall, loop_options());
      lane.runner.emplace(*lane.loop, options, lane.wall);
    });
    if (job_) meet_ranks();
    runner_.emplace(
        lanes_, record_.options.rank && record_.options.rank->synchronised ? job_.get() : nullptr);
    if (options.limits) measure_all_limits();
    std::vector<double> weights;
    for (const Case& item : plan_.cases) {
      weights.push_back(static_cast<double>(item.weights->bytes()));
    }
    progress_.emplace(options.progress, std::move(weights));
  }

  /// Ranks that plan the same run each case at the same time; others go on by themselves.
  void meet_ranks() {
    std::vector<std::size_t> names;
    for (const Case& item : plan_.cases) names.push_back(std::hash<std::string>()(item.name()));
    record_.options.rank->synchronised = job_->is_same(names);
    if (record_.options.rank->synchronised) return;
    write_note("the ranks have not the same cases: each measures its own, when it comes to it",
               record_.options.quiet);
  }

  /// Every rank takes part in it, and the first shows it.
  void show_job() {
    if (!job_ || !record_.options.rank->synchronised) return;
    std::vector<JobCase> cases;
    for (const CaseRecord& record : record_.cases) {
      const bool rated = record.summary && record.failure.empty();
      cases.push_back({record.name, job_->figures(static_cast<double>(record.bytes.requested),
                                                  rated ? record.summary->median : 0)});
    }
    Page page(Page::style(record_.options.format == Format::md, is_colored(record_.options)));
    write_job(page, cases, record_.options.rank->size);
    const bool for_people =
        record_.options.format == Format::table || record_.options.format == Format::md;
    if (for_people && !benchmark_.stock_output()) show(record_.options, page.text());
  }

  /// With the others idle.
  void calibrate_lane(Lane& lane) {
    const auto progress = begin_step("calibrating" + of_several(lane));
    lane.calibration = calibrate(*lane.session, lane.wall, leave_if_interrupted);
    const bool peers = std::ranges::any_of(plan_.cases, [&](const Case& item) {
      return item.policy->path(item.start, lane.platform) == Path::peer;
    });
    if (peers) calibrate_peer(*lane.session, lane.wall, lane.calibration);
    lane.session->set_rates(lane.calibration);
    calibrate_cases(lane, *progress);
    lane.session->set_rates(lane.calibration);
  }

  std::string of_several(const Lane& lane) const {
    return lanes_.several() ? " GPU " + std::to_string(lane.number) : "";
  }

  /// What predictions take beyond the machine's rates.
  void calibrate_cases(Lane& lane, ProgressLine& progress) {
    if (plan_.cases.empty()) return;
    const ScopedTimer timer(lane.calibration.seconds);
    Loop loop(*lane.session, lane.calibration, lane.wall,
              {.watch = false, .seed = record_.options.seed, .checkpoint = leave_if_interrupted});
    const CaseRatesContext context{*lane.session, loop, catalog_, lane.wall,
                                   [&progress](std::string_view name) {
                                     leave_if_interrupted();
                                     progress.step(std::string(name));
                                   }};
    calibrate_policies(context, plan_, lane.calibration);
    calibrate_products(context, plan_, lane.calibration);
  }

  /// What each GPU of several can do alone, and all of them at the same time.
  void describe_gpus() {
    {
      const auto progress = begin_step("calibrating all GPUs together");
      record_.together = measure_shared_rates(lanes_);
    }
    for (const std::size_t index : lanes_.all()) {
      Lane& lane = lanes_[index];
      record_.gpus.push_back({machines_[index], lane.calibration, lane.session->workers().size(),
                              home_node(lane.platform)});
    }
    for (const Case& item : plan_.cases) {
      if (set_rates_.contains(item.gpus)) continue;
      set_rates_.emplace(item.gpus, rates_of(lanes_of(lanes_, item)));
    }
  }

  LoopOptions loop_options() const {
    const Options& options = record_.options;
    return {options.graph,
            options.evidence != EvidenceLevel::none,
            options.evidence == EvidenceLevel::all,
            options.seed,
            {options.beside_pace, options.attention_kv},
            leave_if_interrupted};
  }

  std::unique_ptr<ProgressLine> begin_step(const std::string& name) const {
    auto progress =
        std::make_unique<ProgressLine>(record_.options.progress, std::vector<double>{1});
    progress->begin(name);
    return progress;
  }

  void skip(SkippedCase skipped) {
    record_.skipped.push_back(std::move(skipped));
    show_line([this] { return skipped_line(record_.skipped.back(), record_); });
  }

  void show_planned_skips() {
    for (const SkippedCase& skipped : record_.skipped) {
      show_line([&] { return skipped_line(skipped, record_); });
    }
  }

  /// At once, so that whoever reads the pipe need not wait for the run to end.
  template <typename Line>
  void show_line(const Line& line) {
    if (record_.options.format != Format::jsonl || benchmark_.stock_output()) return;
    if (progress_) progress_->wipe();
    try {
      show(record_.options, line());
    } catch (const std::runtime_error& error) {
      stop(exit_case_failed, error.what());
    }
  }

  void measure_all_limits() {
    const Range range("limits");
    const auto progress = begin_step("limits");
    Lane& lane = lanes_.first();
    LimitsContext context{*lane.session,
                          *lane.loop,
                          catalog_,
                          lane.calibration,
                          record_.wall,
                          record_.options.samples,
                          loop_options(),
                          [&progress](const std::string& id) {
                            leave_if_interrupted();
                            progress->step(id);
                          }};
    try {
      measure_limits(context, record_.limits,
                     [this](SkippedCase skipped) { skip(std::move(skipped)); });
    } catch (const CudaError& error) {
      if (error.context_dead()) throw;
      skip({"limit/rest", "", "", "", "", error.what()});
    } catch (const ImplausibleResult& error) {
      skip({"limit/rest", "", "", "", "", error.what()});
    }
    lane.loop->clear();
  }

  // Last, when the cases have given back what they took.
  void allocate_tensors() {
    if (cost_tensors_.empty()) return;
    const Range range("host memory cost");
    const ScopedTimer timer(record_.wall.allocation);
    const auto progress = begin_step("host memory cost");
    lanes_.first().session->host_buffers().trim();
    MemoryCostContext context{[this] { return memory_levels(platform_); },
                              [&progress](const std::string& allocator) {
                                leave_if_interrupted();
                                progress->step(allocator);
                              },
                              [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); },
                              host_memory_limit(platform_.host), std::nullopt};
    if (platform_.gpu && !record_.options.allow_oversubscription) {
      context.device_limit = gpu_memory_limit(platform_);
    }
    measure_memory_costs(host_allocators(platform_), cost_tensors_, context, record_.memory_costs,
                         [this](SkippedCase skipped) { skip(std::move(skipped)); });
  }

  void load_file() {
    const Range range("loading");
    const ScopedTimer timer(record_.wall.measured);
    const auto progress = begin_step("loading");
    lanes_.first().session->host_buffers().trim();
    HostWorkers& workers = lanes_.first().session->workers();
    const LoadingContext context{workers, record_.options.tuning.file_directory,
                                 loading_bytes(platform_), [&progress](const std::string& way) {
                                   leave_if_interrupted();
                                   progress->step(way);
                                 }};
    measure_loading(loading_ways(platform_, workers), context, record_.loading_costs,
                    [this](SkippedCase skipped) { skip(std::move(skipped)); });
  }

  void count_traffic() {
    const auto progress = begin_step("evidence");
    runner_->count_traffic(
        catalog_, [&progress](const CaseResult& result) { progress->step(result.item->name()); },
        [this](const CaseResult& result) {
          report_failure(result);
          if (result.failure.empty()) return;
          // Its line said that it passed.
          show_line([&] { return case_line(record_of(result), record_); });
        });
  }

  // One repetition of `item`: Google Benchmark runs all repetitions of a case in a row.
  SampleOutcome sample(const Case& item) {
    return or_stop([&]() -> SampleOutcome {
      if (!runner_->is_current(item)) begin_case(item);
      progress_->step("sample " + std::to_string(++taken_));
      runner_->take_sample();
      const CaseResult current = runner_->current();
      if (current.samples.empty()) return {0, 0, {}, current.failure};
      const PreparedCase& prepared = current.prepared;
      return {current.samples.back(),
              prepared.bytes.requested,
              {{"bytes_requested", static_cast<double>(prepared.bytes.requested)},
               {"bytes_touched", static_cast<double>(prepared.bytes.touched)},
               {"passes_per_sample", static_cast<double>(prepared.passes_per_sample)}},
              ""};
    });
  }

  void begin_case(const Case& item) {
    leave_if_interrupted();
    range_.reset();
    range_.emplace(item.name());
    progress_->begin(item.name());
    taken_ = 0;
    runner_->begin(item);
  }

  void case_finished() {
    or_stop([this] { runner_->finish(); });
    range_.reset();
    progress_->end();
    report_failure(runner_->current());
    try {
      const CaseRecord record = record_of(runner_->current());
      results_.append(record, record_);
      show_line([&] { return case_line(record, record_); });
    } catch (const std::runtime_error& error) {
      stop(exit_case_failed, error.what());
    }
  }

  void report_failure(const CaseResult& result) {
    if (result.failure.empty()) return;
    progress_->wipe();
    complain(record_.options, result.item->name() + " failed: " + result.failure);
  }

  RecordContext context_of(const Case& item) const {
    const auto rates = set_rates_.find(item.gpus);
    return {lanes_[lanes_of(lanes_, item).front()].platform,
            rates == set_rates_.end() ? record_.calibration : rates->second, record_.options.rules,
            record_.options.tuning};
  }
  CaseRecord record_of(const CaseResult& result) const {
    return make_record(result, context_of(*result.item));
  }

  /// What each GPU of a set can do while all of it are at work.
  Calibration rates_of(const Lanes::Indices& lanes) const {
    Calibration rates = lanes_[lanes.front()].calibration;
    if (lanes.size() == 1) return rates;
    double copies = 0;
    for (const std::size_t lane : lanes) copies += lanes_[lane].calibration.copy_h2d.value_or(0);
    if (copies > 0) rates.copy_h2d = copies / static_cast<double>(lanes.size());
    // Of some of them it is not known how they share the CPU's memory.
    return lanes.size() < lanes_.size() ? rates
                                        : beside_others(rates, *record_.together, lanes.size());
  }

  int nothing_matched() const {
    const std::vector<SkippedCase>& skipped = record_.skipped;
    std::string why = "no case matches";
    if (record_.options.action == Action::explain && skipped.size() == 1) {
      why = skipped.front().name + " is skipped: " + skipped.front().reason;
    } else if (!skipped.empty()) {
      why += skipped.size() == 1
                 ? "; 1 was skipped: "
                 : "; " + std::to_string(skipped.size()) + " were skipped, the first: ";
      why += skipped.front().reason;
    }
    complain(record_.options, "nothing to measure: " + why);
    return exit_nothing_matched;
  }

  /// What `step` returns, unless an interrupt or a failure of the GPU ends the run in it.
  template <typename Step>
  auto or_stop(const Step& step) -> decltype(step()) {
    try {
      return step();
    } catch (const Interrupted& interrupted) {
      stop(exit_interrupted, std::string("interrupted by ") + signal_name(interrupted.signal));
    } catch (const CudaError& error) {
      stop(error.context_dead() ? exit_dead_context : exit_case_failed, error.what());
    }
  }

  // Google Benchmark cannot be left from inside a case, so the process ends here, its results on
  // disk. Destructors do not run: the driver takes back what a dead or busy context holds.
  [[noreturn]] void stop(int code, const std::string& why) {
    record_.complete = false;
    record_.incomplete_reason = why;
    gather();
    const std::vector<std::string> failures = write_files();
    const bool kept = failures.empty() && !record_.options.output.empty();
    std::cerr << "\noffload_bench: stopped: " << printable(why)
              << (kept ? "; the finished cases are kept\n" : "\n");
    const int reported = conclude(failures);
    std::cout.flush();
    std::fflush(nullptr);
    std::_Exit(reported == exit_usage ? reported : code);
  }

  int report() {
    gather();
    const int code = conclude(write_files());
    show_job();
    if (job_) job_->end();
    return code;
  }

  void gather() {
    record_.benchmark_context = benchmark_.context();
    record_.benchmark_rows = benchmark_.rows();
    record_.wall.total = total_.seconds();
    if (runner_) {
      record_.cases =
          make_records(runner_->results(), [this](const Case& item) { return context_of(item); });
    }
    progress_.reset();
  }

  /// Why files could not be written. One that fails keeps no other from being written.
  std::vector<std::string> write_files() {
    std::vector<std::string> failures;
    const auto attempt = [&failures](const auto& write) {
      try {
        write();
      } catch (const std::exception& error) {
        failures.emplace_back(error.what());
      }
    };
    attempt([this] { results_.finish(record_); });
    attempt([this] {
      if (!record_.options.ci_json.empty()) ci_file_.commit(ci_json(record_));
    });
    return failures;
  }

  /// The summary, and the exit code that follows from the cases.
  int conclude(const std::vector<std::string>& failures) {
    int code = failures.empty() ? exit_ok : exit_case_failed;
    for (const std::string& failure : failures) {
      complain(record_.options, failure);
    }
    if (!show_summary()) code = exit_case_failed;
    for (const CaseRecord& record : record_.cases) {
      if (!record.failure.empty()) code = exit_case_failed;
    }
    for (const MemoryCost& cost : record_.memory_costs) {
      if (!cost.failure.empty()) code = exit_case_failed;
    }
    for (const LoadingCost& cost : record_.loading_costs) {
      if (!cost.failure.empty()) code = exit_case_failed;
    }
    if (code == exit_ok && record_.options.strict && !record_.skipped.empty()) {
      code = exit_strict_skips;
    }
    return code;
  }

  // False when stdout, ours or Google Benchmark's, did not take it.
  bool show_summary() const {
    const bool colored = is_colored(record_.options);
    try {
      show(record_.options, benchmark_.stock_output() ? "" : summary_text(record_, colored));
    } catch (const std::exception& error) {
      complain(record_.options, error.what());
      return false;
    }
    return true;
  }

  InterruptGuard interrupts_;
  Stopwatch total_;
  const Catalog& catalog_;
  std::vector<Platform> machines_;  // of each GPU
  Lanes lanes_;
  const Platform& platform_;  // of the first GPU, with all of the host
  ModelLoader models_;
  Plan plan_;
  std::vector<CostTensors> cost_tensors_;  // empty unless asked for
  GoogleBenchmark benchmark_;
  ResultsFile results_;
  OutputFile ci_file_;
  RunRecord record_;
  std::map<GpuSet, Calibration> set_rates_;  // where there are several GPUs
  std::unique_ptr<JobCompany> job_;          // of a build with MPI
  std::optional<SetRunner> runner_;
  std::size_t taken_ = 0;  // samples of the case under way
  std::optional<ProgressLine> progress_;
  std::optional<Range> range_;  // the case under way, on a profiler's timeline
};

}  // namespace

std::vector<Platform> find_machines(const Options& options) {
  std::vector<Platform> machines = options.gpus.empty() ? std::vector{probe_platform(options.gpu)}
                                                        : probe_platforms(options.gpus);
  for (Platform& machine : machines) {
    machine = bound_to_host_node(std::move(machine), options.host_numa);
  }
  return machines;
}

int run_benchmarks(const Options& options, const Catalog& catalog,
                   const std::vector<std::string>& argv) {
  return Run(options, catalog, argv).execute();
}

}  // namespace offload
