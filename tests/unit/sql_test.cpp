// SPDX-License-Identifier: Apache-2.0
#include "bench/report/sql.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "bench/report/csv.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The row of the run's only case.
std::string row_of(const CaseRecord& record) {
  RunRecord run = testing::cpu_run();
  run.cases = {record};
  run.skipped.clear();
  for (const std::string& line : lines_of(cases_sql(run))) {
    if (line.starts_with("INSERT INTO offload_cases")) return line;
  }
  return "";
}

TEST(CasesSql, IsOneTransactionWithARowForEachCase) {
  RunRecord run = testing::gpu_run();
  run.skipped = {{"a/b/c/cold", "a", "b", "c", "cold", "no GPU"}};
  const auto lines = lines_of(cases_sql(run));
  EXPECT_EQ(lines.front(), "BEGIN;");
  EXPECT_EQ(lines.back(), "COMMIT;");
  const auto rows = [&](const std::string& table) {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.starts_with("INSERT INTO " + table); }));
  };
  EXPECT_EQ(rows("offload_cases"), run.cases.size());
  EXPECT_EQ(rows("offload_skipped"), 1U);
  EXPECT_EQ(lines.size(), 4 + run.cases.size() + 1);
}

TEST(CasesSql, NamesOfColumnsDiffer) {
  const auto lines = lines_of(cases_sql(testing::cpu_run()));
  ASSERT_TRUE(lines[1].starts_with("CREATE TABLE IF NOT EXISTS offload_cases (started_at TEXT, "));
  std::istringstream words(lines[1].substr(lines[1].find('(') + 1));
  std::set<std::string> names;
  std::size_t columns = 0;
  for (std::string column; std::getline(words >> std::ws, column, ','); ++columns) {
    names.insert(column.substr(0, column.find(' ')));
  }
  EXPECT_EQ(names.size(), columns);
  EXPECT_GT(columns, case_columns().size());
}

TEST(CasesSql, QuotesTextAndNothingElse) {
  CaseRecord record = testing::cpu_run().cases.front();
  record.name = "x'); DROP TABLE offload_cases; --";
  record.policy = "a\nb\x1b[31m";
  record.complete = true;
  record.steps = 7;
  const std::string row = row_of(record);
  EXPECT_TRUE(contains(row, "'x''); DROP TABLE offload_cases; --'")) << row;
  record.policy = "a\x1b[31m";
  EXPECT_TRUE(contains(row_of(record), "'a?[31m'"));
  EXPECT_TRUE(contains(row_of(record), ", 7, "));
  EXPECT_TRUE(contains(row_of(record), ", true, "));
}

TEST(CasesSql, WhatACaseLacksIsNull) {
  CaseRecord record = testing::cpu_run().cases.front();
  record.failure = "";
  EXPECT_FALSE(contains(row_of(record), "''"));
  ASSERT_TRUE(record.summary);
  record.summary->median = std::numeric_limits<double>::infinity();
  record.summary->mean = std::numeric_limits<double>::quiet_NaN();
  const std::string row = row_of(record);
  EXPECT_FALSE(contains(row, "inf") || contains(row, "nan")) << row;
}

}  // namespace
}  // namespace offload
