// SPDX-License-Identifier: Apache-2.0
#include "bench/run.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/cli/progress.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/cost_tensors.hpp"
#include "bench/measure/engine_flags.hpp"
#include "bench/measure/gbench_adapter.hpp"
#include "bench/measure/host_allocators.hpp"
#include "bench/measure/limits.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/memory_cost.hpp"
#include "bench/measure/model_figures.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/session.hpp"
#include "bench/measure/traffic_count.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/summary.hpp"
#include "kernels/host/instruction_set.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

struct Interrupted {
  int signal;
};

void leave_if_interrupted() {
  if (const int signal = pending_signal()) throw Interrupted{signal};
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[sizeof "2000-01-01T00:00:00Z"];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

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

class Run {
 public:
  Run(const Options& options, const Catalog& catalog, const std::vector<std::string>& argv)
      : catalog_(catalog),
        platform_(probe_platform(options.gpu)),
        plan_(options.cases ? make_plan(options, catalog, platform_) : Plan{}),
        benchmark_(argv.front(), options.samples, options.benchmark_flags),
        results_(options.output),
        ci_file_("--ci-json", options.ci_json) {
    record_.argv = argv;
    record_.effective_benchmark_flags = benchmark_.effective_flags();
    record_.environment = relevant_environment();
    record_.started_at = utc_now();
    record_.options = options;
    record_.build = build_info();
    record_.platform = platform_;
    record_.skipped = plan_.skipped;
    record_.cases.reserve(plan_.cases.size());
    record_.host_instruction_set = host::instruction_set();
    if (options.host_memory_cost) cost_tensors_ = cost_tensors(options, platform_.host);
  }

  int execute() {
    for (const std::string& warning : plan_.warnings()) {
      std::cerr << "offload_bench: note: " << warning << '\n';
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
    std::size_t ran = 0;
    try {
      prepare();
      if (record_.options.cases) ran = benchmark_.run();
      if (ran > 0) count_traffic();
      loop_->clear();
      if (ran > 0 || !record_.options.cases) allocate_tensors();
    } catch (const Interrupted& interrupted) {
      stop(exit_interrupted, reason(interrupted));
    } catch (const CudaError& error) {
      stop(error.context_dead() ? exit_dead_context : exit_case_failed, error.what());
    }
    if (ran == 0 && record_.options.cases) return nothing_matched();
    record_.complete = true;
    return report();
  }

 private:
  void prepare() {
    session_.emplace(platform_, record_.options.threads);
    session_->set_tuning(record_.options.tuning);
    record_.host_threads = session_->workers().size();
    {
      const auto progress = begin_step("calibrating");
      record_.calibration = calibrate(*session_, record_.wall, leave_if_interrupted);
    }
    session_->set_rates({record_.calibration.copy_h2d.value_or(0),
                         record_.calibration.copy_h2d_beside_host.value_or(0),
                         record_.calibration.host_read_beside_copy.value_or(0)});
    loop_.emplace(*session_, record_.calibration, record_.options.seed, record_.wall);
    loop_->use_graphs(record_.options.graph);
    loop_->set_watching(record_.options.evidence != EvidenceLevel::none);
    loop_->set_thorough(record_.options.evidence == EvidenceLevel::all);
    loop_->checkpoint = leave_if_interrupted;
    if (record_.options.limits) measure_all_limits();
    std::vector<double> weights;
    for (const Case& item : plan_.cases) {
      weights.push_back(static_cast<double>(item.weights->bytes()));
    }
    progress_.emplace(record_.options.progress, std::move(weights));
  }

  std::unique_ptr<ProgressLine> begin_step(const std::string& name) const {
    auto progress =
        std::make_unique<ProgressLine>(record_.options.progress, std::vector<double>{1});
    progress->begin(name);
    return progress;
  }

  void measure_all_limits() {
    const Range range("limits");
    const auto progress = begin_step("limits");
    LimitsContext context{*session_,
                          *loop_,
                          catalog_,
                          record_.calibration,
                          record_.wall,
                          record_.options.samples,
                          record_.options.graph,
                          [&progress](const std::string& id) {
                            leave_if_interrupted();
                            progress->step(id);
                          }};
    const auto skip = [this](SkippedCase skipped) {
      record_.skipped.push_back(std::move(skipped));
    };
    try {
      measure_limits(context, record_.limits, skip);
    } catch (const CudaError& error) {
      if (error.context_dead()) throw;
      skip({"limit/rest", "", "", "", "", error.what()});
    } catch (const ImplausibleResult& error) {
      skip({"limit/rest", "", "", "", "", error.what()});
    }
    loop_->clear();
  }

  // Last, when the cases have given back what they took.
  void allocate_tensors() {
    if (cost_tensors_.empty()) return;
    const Range range("host memory cost");
    const ScopedTimer timer(record_.wall.allocation);
    const auto progress = begin_step("host memory cost");
    session_->host_buffers().trim();
    MemoryCostContext context{[this] { return memory_levels(platform_); },
                              [&progress](const std::string& allocator) {
                                leave_if_interrupted();
                                progress->step(allocator);
                              },
                              [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); },
                              host_memory_limit(platform_.host), std::nullopt};
    if (platform_.gpu && !record_.options.allow_oversubscription) {
      context.device_limit = gpu_memory_limit(*platform_.gpu);
    }
    measure_memory_costs(
        host_allocators(platform_), cost_tensors_, context, record_.memory_costs,
        [this](SkippedCase skipped) { record_.skipped.push_back(std::move(skipped)); });
  }

  // Behind all samples, because counting disturbs them.
  void count_traffic() {
    if (record_.options.evidence == EvidenceLevel::none) return;
    const Stopwatch watch;
    const WallTime before = record_.wall;
    const auto progress = begin_step("evidence");
    const TrafficCount count{
        *loop_, *catalog_.workload("stream_read"), measured_, record_.cases,
        [this, &progress](CaseRecord& current, const TrafficCount::Pass& pass) {
          progress->step(current.name);
          guarded(current, pass);
          current.complete = current.failure.empty();
          report_failure(current);
        }};
    if (record_.options.evidence == EvidenceLevel::all) {
      count_every_kind(count);
    } else {
      count_every_policy(count);
    }
    record_.wall = before;  // what the loop booked meanwhile is part of the evidence
    record_.wall.evidence += watch.seconds();
  }

  // Behind the samples of a case, while its weights are placed. Nothing here leaves a trace in
  // later cases.
  void take_evidence(CaseRecord& current) {
    const bool wanted = record_.options.evidence != EvidenceLevel::none;
    if (!wanted || !current.failure.empty()) return;
    const Stopwatch watch;
    const WallTime before = record_.wall;
    const Case& item = *measured_.back();
    guarded(current, [&] {
      current.evidence = loop_->evidence();
      if (!item.policy->driver_handles_pages()) {
        current.evidence.um = Observed<UmTraffic>::zero(
            "the driver neither faults, maps nor migrates pages of this memory while it is read");
      }
      const std::size_t passes = record_.options.passes;
      if (passes == 0 || item.start == Start::warm) return;
      current.series = loop_->series(passes);
      current.series->um = {current.evidence.um.state, current.evidence.um.reason, std::nullopt};
    });
    record_.wall = before;
    record_.wall.evidence += watch.seconds();
  }

  // One repetition of `item`: Google Benchmark runs all repetitions of a case in a row.
  SampleOutcome sample(const Case& item) {
    try {
      if (measured_.empty() || measured_.back() != &item) begin_case(item);
      CaseRecord& current = record_.cases.back();
      if (current.failure.empty()) take_sample(current);
      if (current.samples.empty()) return {0, 0, {}, current.failure};
      return {current.samples.back(), current.bytes.requested, counters(current), ""};
    } catch (const Interrupted& interrupted) {
      stop(exit_interrupted, reason(interrupted));
    }
  }

  void begin_case(const Case& item) {
    leave_if_interrupted();
    range_.reset();
    range_.emplace(item.name());
    progress_->begin(item.name());
    measured_.push_back(&item);
    record_.cases.push_back(describe(item, platform_));
    guarded(record_.cases.back(), [&] { record_.cases.back() = loop_->prepare(item); });
    if (!record_.cases.back().failure.empty()) loop_->clear();
    if (item.weights->slice) {
      CaseRecord& current = record_.cases.back();
      current.engine_flags = engine_flags(current.engine_flags, record_.options.rules);
    }
  }

  void take_sample(CaseRecord& current) {
    progress_->step("sample " + std::to_string(current.samples.size() + 1));
    guarded(current, [&] {
      current.samples.push_back(loop_->sample());
      if (const auto setup = loop_->setup_seconds()) current.setup_samples.push_back(*setup);
    });
  }

  // The case boundary: a failure stays with its case, unless the GPU context died of it.
  template <typename Step>
  void guarded(CaseRecord& current, const Step& step) {
    try {
      step();
    } catch (const CudaError& error) {
      current.failure = error.what();
      if (error.context_dead()) stop(exit_dead_context, error.what());
    } catch (const std::exception& error) {
      current.failure = error.what();
    }
  }

  static std::vector<std::pair<std::string, double>> counters(const CaseRecord& record) {
    return {{"bytes_requested", static_cast<double>(record.bytes.requested)},
            {"bytes_touched", static_cast<double>(record.bytes.touched)},
            {"passes_per_sample", static_cast<double>(record.passes_per_sample)}};
  }

  void case_finished() {
    CaseRecord& current = record_.cases.back();
    finish_statistics(current);
    current.complete = current.failure.empty();
    try {
      take_evidence(current);
    } catch (const Interrupted& interrupted) {
      stop(exit_interrupted, reason(interrupted));
    }
    current.complete = current.failure.empty();
    range_.reset();
    progress_->end();
    report_failure(current);
    try {
      results_.append(current, record_);
    } catch (const std::runtime_error& error) {
      stop(exit_case_failed, error.what());
    }
  }

  void report_failure(const CaseRecord& record) {
    if (record.failure.empty()) return;
    progress_->wipe();
    std::cerr << "offload_bench: " << record.name << " failed: " << record.failure << '\n';
  }

  void finish_statistics(CaseRecord& record) const {
    if (record.samples.empty()) return;
    record.summary = summarize(record.samples);
    const bool is_rate = record.steps == 0;
    if (is_rate && record.path == Path::link && record_.calibration.copy_h2d) {
      const double rate = static_cast<double>(record.link_bytes) / record.summary->median;
      record.share_of_link = rate / *record_.calibration.copy_h2d;
    }
  }

  static std::string reason(const Interrupted& interrupted) {
    return std::string("interrupted by ") + signal_name(interrupted.signal);
  }

  int nothing_matched() const {
    std::cerr << "offload_bench: nothing to measure: no case matches";
    if (!record_.skipped.empty()) {
      std::cerr << "; " << record_.skipped.size() << " were skipped, the first because "
                << record_.skipped.front().reason;
    }
    std::cerr << '\n';
    return exit_nothing_matched;
  }

  // Google Benchmark cannot be left from inside a case, so the process ends here, its results on
  // disk. Destructors do not run: the driver takes back what a dead or busy context holds.
  [[noreturn]] void stop(int code, const std::string& why) {
    record_.complete = false;
    record_.incomplete_reason = why;
    if (!record_.cases.empty() && !record_.cases.back().complete) {
      finish_statistics(record_.cases.back());
    }
    std::cerr << "\noffload_bench: stopped: " << why << "; "
              << "the finished cases are kept\n";
    const int reported = report();
    std::cout.flush();
    std::fflush(nullptr);
    std::_Exit(reported == exit_usage ? reported : code);
  }

  // Writes every output; the exit code that follows from the cases.
  int report() {
    record_.benchmark_context = benchmark_.context();
    record_.benchmark_rows = benchmark_.rows();
    record_.wall.total = total_.seconds();
    finish_model_figures(record_.cases, record_.calibration);
    progress_.reset();
    int code = exit_ok;
    try {
      results_.finish(record_);
      if (!record_.options.ci_json.empty()) ci_file_.commit(ci_json(record_));
    } catch (const std::exception& error) {
      std::cerr << "offload_bench: " << error.what() << '\n';
      code = exit_case_failed;
    }
    if (!show_summary()) code = exit_case_failed;
    for (const CaseRecord& record : record_.cases) {
      if (!record.failure.empty()) code = exit_case_failed;
    }
    for (const MemoryCost& cost : record_.memory_costs) {
      if (!cost.failure.empty()) code = exit_case_failed;
    }
    if (code == exit_ok && record_.options.strict && !record_.skipped.empty()) {
      code = exit_strict_skips;
    }
    return code;
  }

  // False when stdout, ours or Google Benchmark's, did not take it.
  bool show_summary() const {
    const std::string text = benchmark_.stock_output() ? "" : summary_text(record_);
    if (record_.options.output == "-") {
      std::cerr << text;  // with the results on stdout it is for the eyes only
      return true;
    }
    try {
      write_stdout(text);
    } catch (const std::exception& error) {
      std::cerr << "offload_bench: " << error.what() << '\n';
      return false;
    }
    return true;
  }

  InterruptGuard interrupts_;
  Stopwatch total_;
  const Catalog& catalog_;
  Platform platform_;
  Plan plan_;
  std::vector<CostTensors> cost_tensors_;  // empty unless asked for
  GoogleBenchmark benchmark_;
  ResultsFile results_;
  OutputFile ci_file_;
  RunRecord record_;
  std::optional<Session> session_;
  std::optional<Loop> loop_;
  std::optional<ProgressLine> progress_;
  std::vector<const Case*> measured_;  // begun so far, in the order of record_.cases
  std::optional<Range> range_;         // the case under way, on a profiler's timeline
};

}  // namespace

int run_benchmarks(const Options& options, const Catalog& catalog,
                   const std::vector<std::string>& argv) {
  return Run(options, catalog, argv).execute();
}

}  // namespace offload
