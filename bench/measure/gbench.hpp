// SPDX-License-Identifier: Apache-2.0
// Google Benchmark as the driver: one repetition is one sample. bench/measure/gbench.cpp is
// the only file that knows the library.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/record.hpp"

namespace offload {

/// One sample, or why the case failed. A failed case keeps failing: Google Benchmark 1.7 aborts the
/// process when a repetition fails after another succeeded, so a case that fails late goes on
/// reporting its last time, and the results mark its rows as errors.
struct SampleOutcome {
  double seconds = 0;                                    // per pass
  std::size_t bytes = 0;                                 // requested per pass
  std::vector<std::pair<std::string, double>> counters;  // finite and not 0
  std::string error;                                     // "" = the rest is valid
};

struct BenchmarkEntry {
  std::string name;
  std::function<SampleOutcome()> sample;
  std::function<void()> finished;  // all repetitions done and reported
};

class GoogleBenchmark {
 public:
  /// Our defaults (one iteration a repetition, `samples` repetitions) come before `user_flags`, so
  /// that the user's win. Throws UsageError naming a flag that the library does not know.
  GoogleBenchmark(const std::string& argv0, std::size_t samples,
                  const std::vector<std::string>& user_flags);
  ~GoogleBenchmark();
  GoogleBenchmark(const GoogleBenchmark&) = delete;
  GoogleBenchmark& operator=(const GoogleBenchmark&) = delete;

  void add(BenchmarkEntry entry);
  /// Runs what the filter selects, in the order added; the number of cases that matched.
  std::size_t run();

  /// As RunRecord keeps them; valid at any time.
  const std::string& context() const;
  const std::vector<BenchmarkRow>& rows() const;
  const std::vector<std::string>& effective_flags() const;
  /// The user asked for stock behaviour on stdout (--benchmark_format, --benchmark_list_tests).
  bool stock_output() const;
  bool list_only() const;

 private:
  class Collector;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace offload
