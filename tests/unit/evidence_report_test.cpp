// SPDX-License-Identifier: Apache-2.0
// Evidence in figures, tables and CSV, against arithmetic done by hand: 100 MB a pass.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "bench/report/answers.hpp"
#include "bench/report/csv.hpp"
#include "bench/report/evidence.hpp"
#include "bench/report/summary.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::toy_case;

CaseRecord zero_copy() {
  CaseRecord record = toy_case("gemv", "pinned_zero_copy", "steady", Path::link, {2.5e-3});
  testing::add_zero_copy_evidence(record);
  return record;
}

CaseRecord demand() {
  CaseRecord record = toy_case("gemv", "managed_demand", "cold", Path::link, {10e-3});
  testing::add_demand_evidence(record);
  return record;
}

CaseRecord mapping() {
  CaseRecord record = toy_case("gemv", "managed_prefer_host", "cold", Path::link, {3e-3});
  testing::add_mapping_evidence(record);
  return record;
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

/// Words of the first line that begins with `first`.
std::vector<std::string> words_of_line(const std::string& text, const std::string& first) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (!words.empty() && words.front() == first) return words;
  }
  return {};
}

std::string tables(const std::vector<CaseRecord>& cases) {
  std::vector<const CaseRecord*> rows;
  for (const CaseRecord& record : cases) rows.push_back(&record);
  Page page(Page::Style::terminal);
  write_evidence(page, rows);
  return page.text();
}

std::string notes(const std::vector<CaseRecord>& cases) {
  Page page(Page::Style::markdown);  // unbroken lines
  Platform platform;
  platform.gpu.emplace();
  write_evidence_notes(page, cases, platform);
  return page.text();
}

using Words = std::vector<std::string>;

TEST(EvidenceFigures, AreOfATenthOfAGigabyte) {
  EXPECT_DOUBLE_EQ(*driver_cpu_per_gb(zero_copy()), 0);
  EXPECT_DOUBLE_EQ(*process_cpu_per_gb(zero_copy()), 25e-3);
  EXPECT_DOUBLE_EQ(*joules_per_gb(zero_copy()), 5);
  EXPECT_DOUBLE_EQ(*link_payload_ratio(zero_copy()), 1);
  EXPECT_DOUBLE_EQ(*driver_cpu_per_gb(demand()), 90e-3);
  EXPECT_DOUBLE_EQ(*amplification(demand()), 1);
  EXPECT_DOUBLE_EQ(*amplification(mapping()), 0);
}

TEST(EvidenceFigures, AreMissingWhereAPartIs) {
  EXPECT_FALSE(amplification(zero_copy()));  // by design, which is no ratio of 0
  EXPECT_FALSE(joules_per_gb(demand()));
  EXPECT_FALSE(link_payload_ratio(demand()));  // pages written back: no telling packets apart
  EXPECT_FALSE(driver_cpu_per_gb(mapping()));
  EXPECT_FALSE(process_cpu_per_gb(mapping()));
  CaseRecord unread = demand();
  unread.evidence.um.value->bytes_read = 0;
  EXPECT_FALSE(amplification(unread));
  CaseRecord hidden = zero_copy();
  hidden.evidence.cpu.value->driver.reset();
  EXPECT_FALSE(driver_cpu_per_gb(hidden));
}

TEST(EvidenceFigures, RelateWhatWasMovedToWhatWasRead) {
  CaseRecord record = demand();
  record.evidence.um.value->bytes_read = 25'000'000;  // of the 100 MB that were moved
  EXPECT_DOUBLE_EQ(*amplification(record), 4);
}

TEST(EvidenceFigures, TakeSetUpFromEachSampleByItself) {
  CaseRecord record = toy_case("nested", "pinned_copy", "steady", Path::link, {4e-3, 5e-3, 9e-3});
  EXPECT_FALSE(setup_figures(record));
  record.setup_samples = {3e-3, 1e-3, 2e-3};  // leaves 1, 4 and 7 ms
  EXPECT_DOUBLE_EQ(setup_figures(record)->setup, 2e-3);
  EXPECT_DOUBLE_EQ(setup_figures(record)->read, 4e-3);
  record.setup_samples.pop_back();
  EXPECT_FALSE(setup_figures(record));
}

PassSeries passes(std::vector<double> seconds) {
  PassSeries series;
  series.seconds = std::move(seconds);
  return series;
}

TEST(EvidenceFigures, TellWhetherPassesChange) {
  EXPECT_EQ(series_figures(passes({})).trend, Trend::unknown);
  const SeriesFigures few = series_figures(passes({9, 3, 1, 1}));
  EXPECT_EQ(few.trend, Trend::unknown);
  EXPECT_DOUBLE_EQ(few.first, 9);
  EXPECT_DOUBLE_EQ(*few.early, 2);
  EXPECT_FALSE(few.late);
  // Early passes take 10 on average; a tenth is the margin.
  EXPECT_EQ(series_figures(passes({50, 9, 11, 3, 9, 9.2})).trend, Trend::even);
  EXPECT_EQ(series_figures(passes({50, 9, 11, 3, 9, 8.8})).trend, Trend::faster);
  EXPECT_EQ(series_figures(passes({50, 9, 11, 3, 11, 10.8})).trend, Trend::even);
  EXPECT_EQ(series_figures(passes({50, 9, 11, 3, 11, 11.2})).trend, Trend::slower);
  EXPECT_DOUBLE_EQ(*series_figures(passes({50, 9, 11, 3, 9, 8})).late, 8.5);
}

TEST(EvidenceTable, ShowsWhatOnePassTakes) {
  const std::string text = tables({zero_copy(), demand(), mapping()});
  EXPECT_EQ(words_of_line(text, "pinned_zero_copy"),
            (Words{"pinned_zero_copy", "steady", "0*", "0*", "0*", "0.000", "5.00", "1.00"}));
  EXPECT_EQ(words_of_line(text, "managed_demand"),
            (Words{"managed_demand", "cold", "50", "100/100", "0", "0.090", "-", "-"}));
  EXPECT_EQ(words_of_line(text, "managed_prefer_host"),
            (Words{"managed_prefer_host", "cold", "1500", "0/100", "1500", "-", "-", "-"}));
}

TEST(EvidenceTable, LeavesOutColumnsAndRowsThatInformNobody) {
  // Nothing but a zero by design, and process CPU time that has no column.
  CaseRecord host = toy_case("gemv", "host_compute", "steady", Path::host_memory, {5e-3});
  testing::add_host_evidence(host);
  EXPECT_EQ(tables({host}), "\n");
  EXPECT_EQ(notes({host}), "\n");

  const std::string text = tables({host, mapping()});
  EXPECT_TRUE(words_of_line(text, "host_compute").empty());
  EXPECT_EQ(words_of_line(text, "managed_prefer_host"),
            (Words{"managed_prefer_host", "cold", "1500", "0/100", "1500"}));

  CaseRecord failed = demand();
  failed.failure = "not cold";
  EXPECT_EQ(tables({failed}), "\n");
}

TEST(EvidenceTable, SetsReadingApartFromSetUp) {
  CaseRecord record = toy_case("nested", "pinned_copy", "steady", Path::link, {4e-3, 4e-3, 4e-3});
  record.setup_samples = {1e-3, 1e-3, 1e-3};
  EXPECT_EQ(words_of_line(tables({record}), "pinned_copy"),
            (Words{"pinned_copy", "steady", "1.00", "ms", "3.00", "ms", "25.0"}));
}

TEST(EvidenceTable, SaysHowPassesGoOn) {
  // 10 ms, then 30 and 20 us, at last 24 and 26 us.
  const std::string text = tables({demand()});
  EXPECT_EQ(words_of_line(text.substr(text.find("consecutive")), "managed_demand"),
            (Words{"managed_demand", "cold", "10.0", "ms", "25.0", "us", "25.0", "us", "-", "as",
                   "long", "as", "passes", "2", "and", "3"}))
      << text;
}

TEST(EvidenceTable, SaysHowManyPagesWereOnTheGpuBehindPasses) {
  CaseRecord moving = demand();
  moving.series->on_gpu = {0, 0.25, 0.5, 0.75, 0.75, 0.75};
  CaseRecord staying = demand();
  staying.policy = "system_demand";
  staying.series->on_gpu = {0, 0, 0};
  EXPECT_TRUE(contains(tables({moving}), "25.0 us  0 % .. 75 %")) << tables({moving});
  EXPECT_TRUE(contains(tables({staying}), "25.0 us         0 %")) << tables({staying});
}

TEST(EvidenceNotes, SayOnceWhatIsMissing) {
  const std::string text = notes({zero_copy(), demand(), demand(), mapping()});
  EXPECT_TRUE(contains(text, "0*: zero by design"));
  EXPECT_TRUE(
      contains(text, "- managed_demand: energy unknown: cold passes have to be brought home"));
  EXPECT_TRUE(contains(text, "- managed_prefer_host: CPU time unknown: no clock"));
  EXPECT_TRUE(contains(text, "- managed_prefer_host: link bytes unknown: not collected"));
  EXPECT_TRUE(contains(text, "more than 10 % off"));
  EXPECT_TRUE(contains(text, "counts as a change; access counters move nothing here"));
  EXPECT_FALSE(contains(notes({demand()}), "0*"));
  EXPECT_TRUE(contains(notes({mapping()}), "none of its kernel threads is visible"));
}

TEST(Summary, HoldsTheEvidenceInAHundredColumns) {
  RunRecord run = testing::gpu_run();
  for (CaseRecord& record : run.cases) {
    if (record.policy == "managed_demand") record.policy = "managed_readmostly_prefetch";
  }
  const std::string text = summary_text(run);
  EXPECT_TRUE(contains(text, "why: policy"));
  EXPECT_TRUE(contains(text, "set-up: policy"));
  EXPECT_TRUE(contains(text, "consecutive passes: policy"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

/// The cells of one case by column; none of the cells here is quoted.
std::map<std::string, std::string> csv_cells(const CaseRecord& record) {
  std::istringstream lines(cases_csv({record}));
  std::string titles;
  std::string row;
  std::getline(lines, titles);
  std::getline(lines, row);
  std::map<std::string, std::string> cells;
  std::istringstream title_stream(titles);
  std::istringstream row_stream(row);
  for (std::string title; std::getline(title_stream, title, ',');) {
    std::getline(row_stream, cells[title], ',');
    if (!row_stream) cells[title].clear();
  }
  return cells;
}

TEST(Csv, HasTheEvidenceOfEachCase) {
  auto cells = csv_cells(demand());
  EXPECT_EQ(cells.at("um_state"), "measured");
  EXPECT_EQ(cells.at("bytes_to_device"), "100000000");
  EXPECT_EQ(cells.at("bytes_to_host"), "0");
  EXPECT_EQ(cells.at("um_bytes_read"), "100000000");
  EXPECT_EQ(cells.at("amplification"), "1");
  EXPECT_EQ(cells.at("gpu_fault_groups"), "50");
  EXPECT_DOUBLE_EQ(std::stod(cells.at("driver_cpu_s_per_gb")), 0.09);
  EXPECT_EQ(cells.at("joules_per_gb"), "");
  EXPECT_DOUBLE_EQ(std::stod(cells.at("link_wire_bytes_to_device")), 110e6);
  EXPECT_EQ(cells.at("link_payload_bytes_to_device"), "");
  EXPECT_EQ(cells.at("minor_page_faults"), "12.5");
  EXPECT_EQ(cells.at("read_median_s"), "");

  cells = csv_cells(zero_copy());
  EXPECT_EQ(cells.at("um_state"), "zero by design");
  EXPECT_EQ(cells.at("bytes_to_device"), "");  // a 0 would look measured
  EXPECT_EQ(cells.at("joules_per_gb"), "5");
  EXPECT_DOUBLE_EQ(std::stod(cells.at("link_payload_bytes_to_device")), 100e6);

  CaseRecord nested = toy_case("nested", "pinned_copy", "steady", Path::link, {0.75});
  nested.setup_samples = {0.25};
  cells = csv_cells(nested);
  EXPECT_EQ(cells.at("setup_median_s"), "0.25");
  EXPECT_EQ(cells.at("read_median_s"), "0.5");
}

}  // namespace
}  // namespace offload
