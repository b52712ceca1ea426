// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/gbench.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

#include "offload/error.hpp"

namespace offload {
namespace {

using Run = benchmark::BenchmarkReporter::Run;

// Chosen by what the interface offers, not by version: SkipWithMessage and the "Nx" iteration
// syntax both arrived in 1.8.0.
template <typename State>
constexpr bool takes_iteration_counts() {
  return requires(State & state) { state.SkipWithMessage(std::string()); };
}

// One iteration a repetition. Before 1.8.0 a minimum time that any sample exceeds says the same.
std::string one_iteration_flag() {
  return takes_iteration_counts<benchmark::State>() ? "--benchmark_min_time=1x"
                                                    : "--benchmark_min_time=0.000000001";
}

bool names_flag(const std::string& argument, std::string_view flag) {
  const std::string prefix = "--" + std::string(flag);
  return argument == prefix || argument.starts_with(prefix + "=");
}

bool is_aggregate(const Run& run) { return run.run_type == Run::RT_Aggregate; }

/// A share is left as it is; a time is given per iteration and in the row's unit.
bool is_time(const Run& run) {
  return !is_aggregate(run) || run.aggregate_unit == benchmark::StatisticUnit::kTime;
}

BenchmarkRow row_of(const Run& run) {
  BenchmarkRow row;
  row.case_name = run.run_name.function_name;
  row.name = run.benchmark_name();
  row.run_name = run.run_name.str();
  row.family_index = run.family_index;
  row.per_family_instance_index = run.per_family_instance_index;
  row.repetitions = run.repetitions;
  row.repetition_index = run.repetition_index;
  row.threads = run.threads;
  if (is_aggregate(run)) {
    row.aggregate_name = run.aggregate_name;
    row.aggregate_unit = is_time(run) ? "time" : "percentage";
  }
  row.iterations = run.iterations;
  row.real_time = is_time(run) ? run.GetAdjustedRealTime() : run.real_accumulated_time;
  row.cpu_time = is_time(run) ? run.GetAdjustedCPUTime() : run.cpu_accumulated_time;
  row.time_unit = benchmark::GetTimeUnitString(run.time_unit);
  for (const auto& [name, counter] : run.counters) {
    row.counters.emplace_back(name, static_cast<double>(counter));
  }
  row.label = run.report_label;
  return row;
}

}  // namespace

// Keeps every reported row; passes runs on to the stock reporter when the user asked for its
// output.
class GoogleBenchmark::Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(bool stock_output)
      : stock_(stock_output ? benchmark::CreateDefaultDisplayReporter() : nullptr) {}

  bool ReportContext(const Context& context) override {
    const bool stock_goes_on = !stock_ || stock_->ReportContext(context);
    return write_context(context) && stock_goes_on;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    if (stock_) stock_->ReportRuns(runs);
    for (const Run& run : runs) rows_.push_back(row_of(run));
    if (runs.empty()) return;
    // The statistics of a case, if any, come in a call of their own, after its repetitions.
    const auto found = on_finished_.find(runs.front().run_name.function_name);
    if (found == on_finished_.end()) return;
    const std::function<void()> finished = std::move(found->second);
    on_finished_.erase(found);
    finished();
  }

  void Finalize() override {
    if (stock_) stock_->Finalize();
  }

  void on_finished(const std::string& name, std::function<void()> callback) {
    on_finished_[name] = std::move(callback);
  }

  const std::vector<BenchmarkRow>& rows() const { return rows_; }
  const std::string& context() {
    if (context_.empty()) write_context(Context());
    return context_;
  }

 private:
  // Only the library's own reporters know how it was built (for debugging?).
  bool write_context(const Context& context) {
    std::ostringstream text;
    std::ostringstream errors;
    benchmark::JSONReporter json;
    json.SetOutputStream(&text);
    json.SetErrorStream(&errors);
    const bool goes_on = json.ReportContext(context);
    context_ = text.str() + "\n  ]\n}\n";  // as JSONReporter::Finalize ends it
    return goes_on;
  }

  std::unique_ptr<benchmark::BenchmarkReporter> stock_;
  std::string context_;
  std::vector<BenchmarkRow> rows_;
  std::map<std::string, std::function<void()>> on_finished_;
};

struct GoogleBenchmark::Impl {
  std::vector<std::string> flags;      // as given to Initialize, without argv[0]
  std::vector<std::string> arguments;  // outlives the run: the library keeps pointers into it
  std::vector<char*> argv;
  std::unique_ptr<Collector> collector;
  bool stock_output = false;
  bool list_only = false;
};

GoogleBenchmark::GoogleBenchmark(const std::string& argv0, std::size_t samples,
                                 const std::vector<std::string>& user_flags)
    : impl_(std::make_unique<Impl>()) {
  impl_->flags = {one_iteration_flag(), "--benchmark_repetitions=" + std::to_string(samples),
                  "--benchmark_time_unit=us"};
  impl_->flags.insert(impl_->flags.end(), user_flags.begin(), user_flags.end());
  for (const std::string& flag : user_flags) {
    impl_->stock_output |= names_flag(flag, "benchmark_format");
    impl_->list_only |= names_flag(flag, "benchmark_list_tests") && !flag.ends_with("=false") &&
                        !flag.ends_with("=0");
  }
  impl_->arguments = impl_->flags;
  impl_->arguments.insert(impl_->arguments.begin(), argv0);
  for (std::string& argument : impl_->arguments) impl_->argv.push_back(argument.data());
  impl_->argv.push_back(nullptr);
  int argc = static_cast<int>(impl_->arguments.size());
  benchmark::Initialize(&argc, impl_->argv.data());
  if (argc > 1) {
    throw UsageError(
        std::string(impl_->argv[1]) +
        ": Google Benchmark does not take this flag, or not with this value; see --help");
  }
  // Where these cannot be read the library ends the process: now, before there are files to leave.
  static_cast<void>(benchmark::CPUInfo::Get());
  static_cast<void>(benchmark::SystemInfo::Get());
  impl_->stock_output |= impl_->list_only;
  impl_->collector = std::make_unique<Collector>(impl_->stock_output);
}

GoogleBenchmark::~GoogleBenchmark() { benchmark::ClearRegisteredBenchmarks(); }

void GoogleBenchmark::add(BenchmarkEntry entry) {
  impl_->collector->on_finished(entry.name, std::move(entry.finished));
  const std::string name = entry.name;
  const auto run = [sample = std::move(entry.sample)](benchmark::State& state) {
    SampleOutcome outcome;
    for (auto _ : state) {
      outcome = sample();
      if (!outcome.error.empty()) {
        state.SkipWithError(outcome.error.c_str());
        return;
      }
      state.SetIterationTime(outcome.seconds);
    }
    state.counters["bytes_per_second"] = benchmark::Counter(
        static_cast<double>(outcome.bytes), benchmark::Counter::kIsIterationInvariantRate,
        benchmark::Counter::kIs1000);
    for (const auto& [key, value] : outcome.counters) state.counters[key] = value;
  };
  benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime();
}

std::size_t GoogleBenchmark::run() {
  return benchmark::RunSpecifiedBenchmarks(impl_->collector.get());
}

const std::string& GoogleBenchmark::context() const { return impl_->collector->context(); }
const std::vector<BenchmarkRow>& GoogleBenchmark::rows() const { return impl_->collector->rows(); }
const std::vector<std::string>& GoogleBenchmark::effective_flags() const { return impl_->flags; }
bool GoogleBenchmark::stock_output() const { return impl_->stock_output; }
bool GoogleBenchmark::list_only() const { return impl_->list_only; }

}  // namespace offload
