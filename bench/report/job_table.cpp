// SPDX-License-Identifier: Apache-2.0
#include "bench/report/job_table.hpp"

#include "bench/core/text.hpp"

namespace offload {

void write_job(Page& page, const std::vector<JobCase>& cases, std::size_t ranks) {
  using Align = Table::Align;
  Table table({{"case"}, {"GB/s", Align::right}, {"slowest"}});
  for (const JobCase& one : cases) {
    const JobFigures& all = one.all;
    const bool whole = all.ranks == ranks && all.seconds > 0;
    table.add({one.name,
               whole ? three_digits(all.bytes / all.seconds / 1e9)
                     : std::to_string(all.ranks) + " of " + count(ranks, "rank"),
               all.ranks > 0 ? "rank " + std::to_string(all.slowest) : "-"});
  }
  page.heading("All " + count(ranks, "rank") +
               " at the same time: bytes of all over the time of the slowest");
  page.table(table);
}

}  // namespace offload
