// SPDX-License-Identifier: Apache-2.0
// Measures cases on the GPUs of their sets: what CaseRunner does on one, at the same time on all.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/measure/job_company.hpp"
#include "bench/measure/lanes.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/start_line.hpp"

namespace offload {

/// The lanes of the GPUs that `item` is for; the first where it names none.
Lanes::Indices lanes_of(const Lanes& lanes, const Case& item);

class SetRunner {
 public:
  /// `lanes`, whose runners are ready, must outlive this.
  /// `job`: the other ranks that run every case at the same time, of a run with one lane; nullptr:
  /// none.
  explicit SetRunner(Lanes& lanes, JobCompany* job = nullptr);
  ~SetRunner();
  SetRunner(const SetRunner&) = delete;
  SetRunner& operator=(const SetRunner&) = delete;

  /// As CaseRunner has them. A GPU that is lost fails the cases that need it from then on; with one
  /// lane the error is thrown.
  void begin(const Case& item);
  void take_sample();
  void finish();
  /// On the first lane alone: the counters are the process's.
  void count_traffic(const Catalog& catalog, const std::function<void(const CaseResult&)>& at_case,
                     const std::function<void(const CaseResult&)>& after_case);

  bool is_current(const Case& item) const { return !begun_.empty() && begun_.back().item == &item; }
  /// Of a case that several ran: samples are those of the slowest, bytes those of all together.
  CaseResult current() const { return result_of(begun_.back()); }
  std::vector<CaseResult> results() const;

 private:
  struct Begun {
    const Case* item = nullptr;
    Lanes::Indices lanes;
    std::vector<std::size_t> at;  // where the lanes' runners have it; empty where none began it
    std::string failure;          // of a case that none began
  };

  CaseResult result_of(const Begun& begun) const;
  const CaseResult& member(const Begun& begun, std::size_t index) const;
  bool failed(const Begun& begun) const;
  void part();  // the company of the case before
  void on_current(const std::function<void(CaseRunner& runner)>& step);

  Lanes& lanes_;
  JobCompany* job_;
  std::vector<std::string> lost_;  // by lane: why nothing can be measured there any more
  std::vector<Begun> begun_;
  std::optional<StartLine> line_;  // of the current case, where several run it
};

}  // namespace offload
