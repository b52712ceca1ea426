// SPDX-License-Identifier: Apache-2.0
#include "bench/report/summary.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/beside.hpp"
#include "bench/report/case_tables.hpp"
#include "bench/report/csv.hpp"
#include "bench/report/evidence.hpp"
#include "bench/report/findings.hpp"
#include "bench/report/loading_cost_table.hpp"
#include "bench/report/machine_state.hpp"
#include "bench/report/memory_cost_table.hpp"
#include "bench/report/page.hpp"
#include "bench/report/plan_text.hpp"
#include "bench/report/predictions.hpp"
#include "bench/report/redact.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/sql.hpp"
#include "bench/report/together.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

using Align = Table::Align;

std::string gpu_text(const RunRecord& run) {
  const Platform& platform = run.platform;
  if (!platform.gpu) return "no GPU (" + platform.gpu_absent_reason + ")";
  std::string text = platform.gpu->name;
  const std::string link = link_text(platform, run.calibration);
  if (!link.empty()) text += ", " + link;
  text += ", " + std::string(words(memory_mode(platform.gpu->memory_model)));
  const std::string& driver = platform.gpu->driver_release;
  return driver.empty() ? text : text + ", driver " + driver;
}

/// What takes the link's place where GPU and CPU share one memory.
std::string one_memory_text(const MemoryRoof& roof, const Calibration& c) {
  std::string text = "nothing crosses a link here: GPU and CPU share one memory, which gives " +
                     format_rate(roof.bytes_per_second) + ", read by " + std::string(roof.reader);
  const auto add = [&](const std::string& what, std::optional<double> rate) {
    if (rate) text += "; " + what + ' ' + format_rate(*rate);
  };
  add("the GPU reads memory of cudaMalloc at", c.device_read);
  add("pinned memory at", c.sm_read_pinned);
  if (c.host_read > 0) add("the CPU reads at", c.host_read);
  add("copies within it run at", c.copy_h2d);
  if (c.link_latency) text += "; latency " + format_seconds(*c.link_latency);
  return text;
}

std::string calibration_text(const RunRecord& run) {
  const Calibration& c = run.calibration;
  if (const auto roof = memory_roof(run.platform, c)) return one_memory_text(*roof, c);
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (c.copy_h2d) add("link: copy engine " + format_rate(*c.copy_h2d));
  if (c.sm_read_pinned) {
    std::string part = "SM reads " + format_rate(*c.sm_read_pinned);
    if (c.copy_h2d) part += " (" + percent(*c.sm_read_pinned / *c.copy_h2d) + ")";
    text += text.empty() ? "link: " + part : ", " + part;
  }
  if (c.link_latency) add("latency " + format_seconds(*c.link_latency));
  if (c.sm_write_pinned && c.copy_d2h) {
    add("home " + format_rate(*c.copy_d2h) + ", written by SMs " + format_rate(*c.sm_write_pinned));
  }
  if (c.copy_h2d_beside_d2h && c.copy_d2h_beside_h2d) {
    add("both ways at once " + format_rate(*c.copy_h2d_beside_d2h) + " and " +
        format_rate(*c.copy_d2h_beside_h2d) + " home");
  }
  if (c.device_read) add("HBM " + format_rate(*c.device_read));
  if (c.host_read > 0) add("CPU reads host memory at " + format_rate(c.host_read));
  if (c.host_read_of_gpu_memory) {
    add("and GPU memory at " + format_rate(*c.host_read_of_gpu_memory));
  }
  return text;
}

void write_header(Page& page, const RunRecord& run) {
  if (!run.complete) {
    page.heading("INCOMPLETE RUN: " +
                     (run.incomplete_reason.empty() ? "it did not end" : run.incomplete_reason) +
                     "; what follows is what was finished",
                 Tone::bad);
  }
  const Host& host = run.platform.host;
  const std::string cpu = host.cpu.empty() ? "unknown CPU" : host.cpu;
  page.heading(gpu_text(run) + "; " + cpu + ", " +
               count(static_cast<std::size_t>(host.logical_cpus), "CPU"));
  const std::string measured = calibration_text(run);
  if (!measured.empty()) page.paragraph(measured);
  write_gpus(page, run);
  const std::vector<Finding> noise = findings(run);
  for (const Finding& finding : noise) page.item("NOTE: " + finding.text, Tone::attention);
  if (!noise.empty()) page.end_list();
}

std::size_t most_gpus(const std::vector<Ranking>& rankings) {
  std::size_t most = 0;
  for (const Ranking& ranking : rankings) most = std::max(most, ranking.gpus.size());
  return most;
}

/// A table for each workload and weights, of all sets of GPUs; and of the first what was seen
/// there.
void write_gpu_sets(Page& page, const std::vector<Ranking>& rankings) {
  std::map<std::pair<std::string, std::string>, std::vector<const Ranking*>> sets;
  for (const Ranking& ranking : rankings) {
    if (!ranking.gpus.empty()) sets[{ranking.label, ranking.weights}].push_back(&ranking);
  }
  for (const auto& [name, of_sets] : sets) {
    write_sets(page, of_sets);
    write_evidence(page, in_table_order(*of_sets.front()));
  }
}

void write_answers(Page& page, const std::vector<Answer>& answers) {
  std::vector<Ranking> rankings;
  for (const Answer& answer : answers) {
    const Ranking& ranking = rankings.emplace_back(answer.ranking);
    if (!ranking.gpus.empty()) continue;
    write_cases(page, ranking);
    write_evidence(page, in_table_order(ranking));
  }
  write_gpu_sets(page, rankings);
  const std::string note = model_note(rankings);
  if (!note.empty()) page.paragraph(note);
  const std::size_t most = most_gpus(rankings);
  for (const Answer& answer : answers) {
    if (answer.ranking.gpus.size() < most) continue;  // the table says it
    for (const std::string& sentence : answer.sentences) page.item(sentence, Tone::strong);
  }
  if (!answers.empty()) page.end_list();
}

void write_failures(Page& page, const RunRecord& run) {
  const auto failed = static_cast<std::size_t>(std::ranges::count_if(
      run.cases, [](const CaseRecord& record) { return !record.failure.empty(); }));
  if (failed == 0) return;
  page.heading("FAILED: " + count(failed, "case"), Tone::bad);
  for (const auto& record : run.cases) {
    if (!record.failure.empty()) page.item(record.name + ": " + record.failure);
  }
  page.end_list();
}

void write_limits(Page& page, const std::vector<Limit>& limits) {
  if (limits.empty()) return;
  Table table({{"limit"},
               {"measured", Align::right},
               {"against", Align::right},
               {"ratio", Align::right},
               {"goal", Align::right},
               {"", Align::left,
                [](std::string_view cell) { return cell == "MISSED" ? Tone::bad : Tone::good; }}});
  const auto quantity = [](const Limit& limit, double value) {
    return limit.unit == "s" ? format_seconds(value) : format_rate(value);
  };
  for (const auto& limit : limits) {
    table.add({limit.id, quantity(limit, limit.measured), quantity(limit, limit.reference),
               ratio_text(limit.ratio, limit.goal),
               (limit.at_least ? ">= " : "<= ") + ratio_text(limit.goal),
               limit.met() ? "met" : "MISSED"});
  }
  page.heading("Distance to the limits");
  page.table(table);
}

/// Why a rate above the link's is not a mistake.
void write_split_notes(Page& page, const std::vector<CaseRecord>& cases) {
  std::map<std::string, std::pair<double, double>> shares;  // by policy: least and most
  for (const CaseRecord& record : cases) {
    if (!passed(record) || !is_split(record)) continue;
    const double share = cpu_share(record);
    auto& [least, most] = shares.try_emplace(record.policy, share, share).first->second;
    least = std::min(least, share);
    most = std::max(most, share);
  }
  for (const auto& [policy, range] : shares) {
    const auto& [least, most] = range;
    std::string text = "under " + policy + " the CPU computes with " + percent(least);
    if (percent(least) != percent(most)) text.append(" to ").append(percent(most));
    page.item(text.append(
        " of the bytes where they are: GB/s and tokens/s count all bytes, the share of the link "
        "those that cross it"));
  }
}

/// Block formats and scales: a kernel that decodes them has more to do than to read them.
void write_only_read_notes(Page& page, const std::vector<CaseRecord>& cases) {
  std::map<std::string, double> shares;  // by weights
  for (const CaseRecord& record : cases) {
    if (!passed(record) || record.bytes.only_read == 0) continue;
    shares[record.weights.name] =
        static_cast<double>(record.bytes.only_read) / static_cast<double>(record.bytes.requested);
  }
  for (const auto& [weights, share] : shares) {
    page.item(percent(share) + " of the bytes of " + weights +
              " are of types this suite does not multiply: they are read and summed instead, which "
              "takes the link and the memory as long, and a CPU less than decoding them");
  }
}

/// What the columns mean that stand where others have a share of a link.
void write_one_memory_note(Page& page, const RunRecord& run) {
  if (!one_memory(run.platform) || run.cases.empty()) return;
  page.item(
      "% of memory: of what the memory gives that GPU and CPU share. A policy that copies reads, "
      "writes and reads again there. kept: what it takes of memory, over the weights' bytes: "
      "2.00x is a second copy");
}

/// What two digits and a range mean.
void write_rough_note(Page& page, const std::vector<CaseRecord>& cases) {
  const auto rough = static_cast<std::size_t>(std::ranges::count_if(
      cases, [](const CaseRecord& record) { return passed(record) && is_rough(record); }));
  if (rough == 0) return;
  page.item("two digits, with the least and the most of the samples: " + count(rough, "case") +
            " in which the driver or the CPU takes part, where runs of one build differ by more "
            "than 5 % (" +
            percent(run_to_run(Variability::driver)) + " and " +
            percent(run_to_run(Variability::cpu)) + " are allowed for)");
}

void write_notes(Page& page, const RunRecord& run) {
  write_one_memory_note(page, run);
  write_rough_note(page, run.cases);
  write_split_notes(page, run.cases);
  write_only_read_notes(page, run.cases);
  write_evidence_notes(page, run.cases, run.platform);
  std::size_t batched = 0;
  std::size_t max_passes = 1;
  for (const auto& record : run.cases) {
    batched += record.passes_per_sample > 1 ? 1 : 0;
    max_passes = std::max(max_passes, record.passes_per_sample);
  }
  if (batched > 0) {
    page.item("a sample is the mean of several passes (up to " + std::to_string(max_passes) +
              ") in " + count(batched, "case") + " whose pass is too short to time alone");
  }
  constexpr double noisy = 0.1;
  const auto spread = static_cast<std::size_t>(std::ranges::count_if(run.cases, [](const auto& r) {
    return passed(r) && r.summary->coefficient_of_variation > noisy;
  }));
  if (spread > 0) {
    page.item("the samples of " + count(spread, "case") +
              " spread by more than 10 %: something else may be using this machine");
  }
  if (run.build.build_type == "Debug") {
    page.item("this is a Debug build: what the CPU does is slower than it could be");
  }
  if (run.benchmark_context.find("\"library_build_type\": \"debug\"") != std::string::npos) {
    page.item(
        "Google Benchmark calls itself a debug build (Debian's does); it measures nothing here");
  }
  const WallTime& wall = run.wall;
  if (wall.total > 0) {
    const auto share = [&](double seconds) { return percent(seconds / wall.total); };
    const double other =
        wall.total - wall.measured - wall.allocation - wall.content - wall.reset - wall.evidence;
    page.item("wall time " + format_seconds(wall.total) + ": " + share(wall.measured) +
              " measured passes, " + share(wall.allocation) + " allocating and pinning, " +
              share(wall.content) + " making weights, " + share(wall.reset) + " back to cold, " +
              share(wall.evidence) + " evidence, " + share(std::max(0.0, other)) + " other");
  }
}

}  // namespace

std::string summary_text(const RunRecord& run, bool colored) {
  if (run.options.redact && !run.platform.redacted) return summary_text(redacted(run), colored);
  if (run.options.format == Format::csv) {
    if (run.options.cases) return cases_csv(run.cases);
    return run.options.loading ? loading_costs_csv(run.loading_costs)
                               : memory_costs_csv(run.memory_costs);
  }
  if (run.options.format == Format::json) return results_json(run);
  if (run.options.format == Format::sql) return cases_sql(run);
  if (run.options.format == Format::jsonl) return "";
  Page page(Page::style(run.options.format == Format::md, colored));
  write_header(page, run);
  if (!run.options.explain.empty()) {
    for (const CaseRecord& record : run.cases) write_explained(page, record, run);
    return page.text();
  }
  write_answers(page, answers(run));
  write_beside(page, run.cases);
  write_failures(page, run);
  write_limits(page, run.limits);
  write_predictions(page, run.cases);
  write_memory_costs(page, run.memory_costs);
  write_loading_costs(page, run.loading_costs);
  write_skipped(page, run.skipped);
  write_notes(page, run);
  return page.text();
}

}  // namespace offload
