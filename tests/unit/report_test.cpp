// SPDX-License-Identifier: Apache-2.0
// The parts of the report: tables, JSON. What the documents hold as a whole is checked against
// their schema by test_results_schema.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "bench/report/page.hpp"
#include "bench/report/results_file.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

std::size_t occurrences(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

TEST(Table, AlignsColumnsAndTrimsLineEnds) {
  Table table({{"policy"}, {"GB/s", Table::Align::right}, {"note"}});
  table.add({"a", "51.4", ""});
  table.add({"longer", "7", "x"});
  EXPECT_EQ(table.text(100),
            "policy  GB/s  note\n"
            "a       51.4\n"
            "longer     7  x\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({{"a"}, {"b"}});
  table.add({"\xC2\xB5s", "1"});  // two characters in three bytes
  table.add({"xyz", "2"});
  EXPECT_EQ(table.text(100), "a    b\n\xC2\xB5s   1\nxyz  2\n");
}

TEST(Table, ContinuesALongLastCellBelowItself) {
  Table table({{"id"}, {"what it says"}});
  table.add({"a", "one two three four five six"});
  table.add({"b", "short"});
  // The last column begins at 4 and may be 20 wide.
  EXPECT_EQ(table.text(24),
            "id  what it says\n"
            "a   one two three four\n"
            "    five six\n"
            "b   short\n");
}

TEST(Table, WritesMarkdown) {
  Table table({{"a"}, {"b", Table::Align::right}});
  table.add({"x|y", "1"});
  EXPECT_EQ(table.markdown(), "| a | b |\n|---|---:|\n| x\\|y | 1 |\n");
}

TEST(Table, QuotesCsvOnlyWhereNeeded) {
  Table table({{"a"}, {"b"}, {"c"}});
  table.add({"plain", "a,b", "say \"no\"\nagain"});
  EXPECT_EQ(table.csv(), "a,b,c\nplain,\"a,b\",\"say \"\"no\"\"\nagain\"\n");
}

/// `text` without what a page's tones are.
std::string without_colors(std::string text) {
  for (const char* color : {"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"}) {
    for (std::size_t at = 0; (at = text.find(color, at)) != std::string::npos;) {
      text.erase(at, std::string(color).size());
    }
  }
  return text;
}

TEST(Table, ColorsMoveNoColumn) {
  const auto tone = [](std::string_view cell) { return cell == "ok" ? Tone::good : Tone::plain; };
  Table table({{"verdict", Table::Align::left, tone}, {"n", Table::Align::right, tone}, {"what"}});
  table.add({"ok", "ok", "a"});
  table.add({"look here", "1", "b"});
  const std::string colored = table.text(100, true);
  EXPECT_EQ(occurrences(colored, "\x1b[32mok\x1b[0m"), 2U);
  EXPECT_EQ(occurrences(colored, "\x1b"), 4U);
  EXPECT_EQ(without_colors(colored), table.text(100));
  EXPECT_EQ(occurrences(table.text(100), "\x1b"), 0U);
}

TEST(Table, ColorsEndWithTheirLine) {
  Table table({{"id"}, {"what", Table::Align::left, [](std::string_view) { return Tone::bad; }}});
  table.add({"a", "one two three four five six"});
  EXPECT_EQ(table.text(24, true),
            "id  what\n"
            "a   \x1b[31mone two three four\x1b[0m\n"
            "\x1b[31m    five six\x1b[0m\n");
}

TEST(Page, ColorsAreThoseOfItsTonesWhateverANameBrings) {
  const std::string name = "x\x1b[31my";
  const auto written = [&name](Page::Style style) {
    Page page(style);
    page.heading(name, Tone::bad);
    page.paragraph(name, Tone::strong);
    page.item(name, Tone::attention);
    page.line(name, Tone::good);
    page.end_list();
    Table table({{"name"}});
    table.add({name});
    page.table(table);
    return page.text();
  };
  const std::string colored = written(Page::Style::colored);
  EXPECT_EQ(occurrences(colored, "x?[31my"), 5U);
  EXPECT_EQ(occurrences(colored, "\x1b[31m"), 1U);  // the heading's
  EXPECT_EQ(without_colors(colored), written(Page::Style::terminal));
  for (const auto style : {Page::Style::terminal, Page::Style::markdown}) {
    EXPECT_EQ(occurrences(written(style), "\x1b"), 0U);
  }
}

TEST(Table, RefusesARowOfAnotherWidth) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add({"1"}), std::logic_error);
}

TEST(ResultsJson, CountsRatesInBillionsOfBytes) {
  RunRecord run = testing::gpu_run();
  CaseRecord& record = run.cases.back();
  ASSERT_TRUE(record.summary);
  record.bytes.requested = 3'000'000'000;
  record.summary->median = 1.5;
  const std::string text = results_json(run);
  EXPECT_EQ(occurrences(text, "\"gb_per_s\": 2.0"), 1U) << text;
}

TEST(ResultsJson, KeepsStockRowsOfPassedCasesOnly) {
  RunRecord run = testing::gpu_run();
  const std::string text = results_json(run);
  EXPECT_EQ(occurrences(text, "\"name\": \"gemv/pinned_copy/toy.w/steady/manual_time\""), 3U);
  EXPECT_EQ(occurrences(text, "\"name\": \"gemv/pageable_copy/toy.w/steady/manual_time\""), 0U);
  EXPECT_EQ(occurrences(text, "error_occurred"), 0U);
  EXPECT_EQ(occurrences(text, "zero_cv"), 0U);  // in every row, and not a number

  // A case taken out of the record takes its rows along.
  run.cases.resize(2);
  EXPECT_EQ(occurrences(results_json(run), "gemv/pinned_copy/toy.w/steady"), 0U);
}

TEST(ResultsJson, DropsTheRowsOfACaseThatFailedAfterSomeSamples) {
  RunRecord run = testing::gpu_run();
  run.cases[2].failure = "faster than the link";
  const std::string text = results_json(run);
  EXPECT_EQ(occurrences(text, "gemv/pinned_copy/toy.w/steady/manual_time"), 0U);
  EXPECT_EQ(occurrences(text,
                        "gemv/pinned_zero_copy/toy.w/steady/manual_time\",\n"
                        "      \"family_index"),
            3U);
}

TEST(ResultsJson, WritesNonFiniteNumbersAsNull) {
  RunRecord run = testing::cpu_run();
  run.cases[0].summary->coefficient_of_variation = std::numeric_limits<double>::quiet_NaN();
  run.calibration.host_read = std::numeric_limits<double>::infinity();
  const std::string text = results_json(run);
  EXPECT_EQ(occurrences(text, "\"coefficient_of_variation\": null"), 1U);
  EXPECT_EQ(occurrences(text, "\"host_read_bytes_per_second\": null"), 1U);
}

TEST(ResultsJson, SurvivesTextThatIsNotUtf8) {
  RunRecord run = testing::cpu_run();
  run.argv = {"offload_bench", "--output", "caf\xE9.json"};
  EXPECT_EQ(occurrences(results_json(run), "caf\xEF\xBF\xBD.json"), 1U);
}

TEST(ResultsJson, SaysWhenTheLibrarysDocumentIsUnreadable) {
  RunRecord run = testing::cpu_run();
  for (const char* broken : {"{\"context\": {}, \"benchmarks\": [", "[]", "{\"benchmarks\": []}"}) {
    run.benchmark_context = broken;
    EXPECT_THROW(results_json(run), std::runtime_error) << broken;
  }
}

TEST(ResultsJson, DropsARowWithoutATime) {
  RunRecord run = testing::gpu_run();
  run.benchmark_rows[0].cpu_time = std::numeric_limits<double>::infinity();
  const std::string text = results_json(run);
  EXPECT_EQ(occurrences(text, "\"name\": \"gemv/device_resident/toy.w/steady/manual_time\""), 2U);
}

TEST(CiJson, HasOneRowPerPassedCase) {
  RunRecord run = testing::gpu_run();
  const std::string text = ci_json(run);
  // 12 cases, one of them failed.
  EXPECT_EQ(occurrences(text, "\"run_type\": \"iteration\""), 11U);
  EXPECT_EQ(occurrences(text, "aggregate"), 0U);
  // Median of 1.99, 2.00 and 2.01 ms in the row's unit, and 100 MB in that time.
  EXPECT_EQ(occurrences(text, "\"real_time\": 2000.0,"), 1U);
  EXPECT_EQ(occurrences(text, "\"bytes_per_second\": 50000000000.0"), 1U);

  run.cases[2].complete = false;
  EXPECT_EQ(occurrences(ci_json(run), "gemv/pinned_copy/toy.w/steady"), 0U);
}

TEST(JournalLines, AreSingleLines) {
  const RunRecord run = testing::gpu_run();
  for (const std::string& line : {journal_header(run), journal_line(run.cases[3])}) {
    EXPECT_EQ(occurrences(line, "\n"), 1U);
    EXPECT_EQ(line.back(), '\n');
  }
}

}  // namespace
}  // namespace offload
