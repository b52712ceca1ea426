// SPDX-License-Identifier: Apache-2.0
#include "bench/report/sql.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"
#include "bench/report/csv.hpp"
#include "bench/report/run_identity.hpp"

namespace offload {
namespace {

struct Cell {
  std::string column;
  std::string text;
  CellType type = CellType::text;
};
using Row = std::vector<Cell>;

std::string_view type_name(CellType type) {
  switch (type) {
    case CellType::text:
      return "TEXT";
    case CellType::integer:
      return "BIGINT";
    case CellType::real:
      return "DOUBLE PRECISION";
    case CellType::boolean:
      return "BOOLEAN";
  }
  return "TEXT";
}

/// In single quotes, whatever is in it: names in models are whatever their makers chose.
std::string quoted_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

/// No number of SQL says "inf" or "nan".
bool has_value(const Cell& cell) {
  if (cell.text.empty()) return false;
  if (cell.type != CellType::real) return true;
  const auto number = parse_number<double>(cell.text);
  return number && std::isfinite(*number);
}

std::string sql_literal(const Cell& cell) {
  if (!has_value(cell)) return "NULL";
  return cell.type == CellType::text ? quoted_text(printable(cell.text, "\n\t")) : cell.text;
}

template <typename Text>
std::string in_parentheses(const Row& row, const Text& text) {
  std::string list;
  for (const Cell& cell : row) list += (list.empty() ? "" : ", ") + text(cell);
  return '(' + list + ')';
}

std::string create(std::string_view table, const Row& row) {
  return "CREATE TABLE IF NOT EXISTS " + std::string(table) + ' ' +
         in_parentheses(row,
                        [](const Cell& cell) {
                          return cell.column + ' ' + std::string(type_name(cell.type));
                        }) +
         ";\n";
}

std::string insert(std::string_view table, const Row& row) {
  return "INSERT INTO " + std::string(table) + ' ' +
         in_parentheses(row, [](const Cell& cell) { return cell.column; }) + " VALUES " +
         in_parentheses(row, sql_literal) + ";\n";
}

Row with_identity(const RunRecord& run, Row row) {
  Row whole;
  for (auto& [name, text] : run_identity(run)) whole.push_back({name, text});
  std::ranges::move(row, std::back_inserter(whole));
  return whole;
}

Row row_of(const CaseRecord& record) {
  Row row;
  for (const CaseColumn& column : case_columns()) {
    row.push_back({column.name, column.text(record), column.type});
  }
  return row;
}

Row row_of(const SkippedCase& skipped) {
  return {{"name", skipped.name},       {"workload", skipped.workload}, {"policy", skipped.policy},
          {"weights", skipped.weights}, {"start", skipped.start},       {"reason", skipped.reason}};
}

template <typename Record>
std::string table_of(std::string_view table, const RunRecord& run,
                     const std::vector<Record>& records) {
  std::string sql = create(table, with_identity(run, row_of(Record{})));
  for (const Record& record : records) {
    sql += insert(table, with_identity(run, row_of(record)));
  }
  return sql;
}

}  // namespace

std::string cases_sql(const RunRecord& run) {
  return "BEGIN;\n" + table_of("offload_cases", run, run.cases) +
         table_of("offload_skipped", run, run.skipped) + "COMMIT;\n";
}

}  // namespace offload
