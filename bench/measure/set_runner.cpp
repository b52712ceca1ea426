// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/set_runner.hpp"

#include <algorithm>
#include <utility>

#include "offload/error.hpp"

namespace offload {
namespace {

Footprint& operator+=(Footprint& all, const Footprint& more) {
  all.device += more.device;
  all.pinned += more.pinned;
  all.managed += more.managed;
  all.pageable += more.pageable;
  all.peer += more.peer;
  return all;
}

void add(PreparedCase& all, const PreparedCase& more) {
  all.bytes.requested += more.bytes.requested;
  all.bytes.touched += more.bytes.touched;
  all.bytes.only_read += more.bytes.only_read;
  if (all.link_bytes && more.link_bytes) {
    *all.link_bytes += *more.link_bytes;
  } else {
    all.link_bytes.reset();
  }
  all.cpu_bytes += more.cpu_bytes;
  all.captured = all.captured && more.captured;
  all.footprint += more.footprint;
  if (all.huge_pages && more.huge_pages) {
    all.huge_pages->bytes += more.huge_pages->bytes;
    all.huge_pages->huge_bytes += more.huge_pages->huge_bytes;
  }
}

void add(std::optional<double>& all, const std::optional<double>& more) {
  if (all && more) *all += *more;
}

/// Sample by sample the longest; as many as all have.
std::vector<double> slowest(const std::vector<MemberResult>& members) {
  std::vector<double> all = members.front().samples;
  for (const MemberResult& member : members) {
    all.resize(std::min(all.size(), member.samples.size()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::max(all[i], member.samples[i]);
  }
  return all;
}

/// That of the first which did not merely wait for another; "" where none failed.
std::string failure_of(const std::vector<MemberResult>& members) {
  const MemberResult* first = nullptr;
  for (const MemberResult& member : members) {
    if (member.failure.empty()) continue;
    if (first == nullptr || first->failure == Abandoned().what()) first = &member;
  }
  return first == nullptr ? "" : "GPU " + std::to_string(first->gpu) + ": " + first->failure;
}

}  // namespace

Lanes::Indices lanes_of(const Lanes& lanes, const Case& item) {
  if (item.gpus.empty()) return {0};
  Lanes::Indices found;
  for (const std::size_t lane : lanes.all()) {
    const bool wanted = std::ranges::find(item.gpus, lanes[lane].number) != item.gpus.end();
    if (wanted) found.push_back(lane);
  }
  return found;
}

SetRunner::SetRunner(Lanes& lanes, JobCompany* job)
    : lanes_(lanes), job_(job), lost_(lanes.size()) {}

SetRunner::~SetRunner() { part(); }

void SetRunner::part() {
  for (const std::size_t lane : lanes_.all()) lanes_[lane].session->set_company(nullptr);
  line_.reset();
}

const CaseResult& SetRunner::member(const Begun& begun, std::size_t index) const {
  return lanes_[begun.lanes[index]].runner->results()[begun.at[index]];
}

bool SetRunner::failed(const Begun& begun) const {
  if (begun.at.empty()) return true;
  for (std::size_t i = 0; i < begun.lanes.size(); ++i) {
    if (!member(begun, i).failure.empty()) return true;
  }
  return false;
}

/// A lane that fails leaves the line, so that no other waits for it.
void SetRunner::on_current(const std::function<void(CaseRunner& runner)>& step) {
  const auto leave = [this] {
    if (line_) line_->leave();
    if (job_ != nullptr) job_->leave();
  };
  lanes_.run(begun_.back().lanes, [&](std::size_t index, Lane& lane) {
    try {
      step(*lane.runner);
    } catch (const CudaError& error) {
      leave();
      if (!lanes_.several()) throw;
      lost_[index] = error.what();
    } catch (...) {
      leave();
      throw;
    }
    if (!lane.runner->current().failure.empty()) leave();
  });
}

void SetRunner::begin(const Case& item) {
  Begun& begun = begun_.emplace_back();
  begun.item = &item;
  begun.lanes = lanes_of(lanes_, item);
  part();
  for (const std::size_t lane : begun.lanes) {
    if (lost_[lane].empty()) continue;
    begun.failure =
        "GPU " + std::to_string(lanes_[lane].number) + " is lost since it failed: " + lost_[lane];
    return;
  }
  if (item.together()) line_.emplace(begun.lanes.size(), lanes_.first().session->gpu());
  for (const std::size_t lane : begun.lanes) {
    if (line_) lanes_[lane].session->set_company(&*line_);
    begun.at.push_back(lanes_[lane].runner->results().size());
  }
  if (job_ != nullptr) {
    job_->begin_case();
    lanes_.first().session->set_company(job_);
  }
  on_current([&item](CaseRunner& runner) { runner.begin(item); });
}

void SetRunner::take_sample() {
  if (failed(begun_.back())) return;
  on_current([](CaseRunner& runner) { runner.take_sample(); });
}

void SetRunner::finish() {
  if (begun_.back().at.empty()) return;
  on_current([](CaseRunner& runner) { runner.finish(); });
  if (job_ != nullptr) job_->end_case();
}

void SetRunner::count_traffic(const Catalog& catalog,
                              const std::function<void(const CaseResult&)>& at_case,
                              const std::function<void(const CaseResult&)>& after_case) {
  if (!lost_.front().empty()) return;
  part();
  lanes_.run({0}, [&](std::size_t, Lane& lane) {
    lane.runner->count_traffic(catalog, at_case, after_case);
  });
}

std::vector<CaseResult> SetRunner::results() const {
  std::vector<CaseResult> results;
  results.reserve(begun_.size());
  for (const Begun& begun : begun_) results.push_back(result_of(begun));
  return results;
}

CaseResult SetRunner::result_of(const Begun& begun) const {
  if (begun.at.empty()) {
    CaseResult result;
    result.item = begun.item;
    result.failure = begun.failure;
    return result;
  }
  CaseResult result = member(begun, 0);
  if (!begun.item->together()) return result;
  for (std::size_t i = 0; i < begun.lanes.size(); ++i) {
    const Lane& lane = lanes_[begun.lanes[i]];
    const CaseResult& one = member(begun, i);
    result.members.push_back({lane.number, one.samples, one.prepared.bytes.requested, one.failure});
    if (i > 0) add(result.prepared, one.prepared);
    result.all_samples = result.all_samples && one.all_samples;
    if (i > 0 && result.beside && one.beside) {
      add(result.beside->traffic, one.beside->traffic);
      add(result.beside->traffic_alone, one.beside->traffic_alone);
    }
  }
  result.failure = failure_of(result.members);
  result.samples = slowest(result.members);
  result.setup_samples.clear();
  return result;
}

}  // namespace offload
