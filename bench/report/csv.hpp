// SPDX-License-Identifier: Apache-2.0
// The columns of a case, for whatever writes it as a row, and rows as CSV. Raw numbers, for
// spreadsheets, databases and scripts: times in seconds, sizes in bytes.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/record.hpp"

namespace offload {

enum class CellType : std::uint8_t { text, integer, real, boolean };

struct CaseColumn {
  const char* name;
  CellType type;
  std::string (*text)(const CaseRecord&);  // "" where the case has no such figure
};
std::span<const CaseColumn> case_columns();

/// A header row, then every case.
std::string cases_csv(const std::vector<CaseRecord>& cases);

}  // namespace offload
