// SPDX-License-Identifier: Apache-2.0
#include "bench/report/doctor.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/report/doctor_checks.hpp"
#include "bench/report/machine_state.hpp"
#include "bench/report/page.hpp"

namespace offload {
namespace doctor {

std::string reason_of(const std::vector<Unknown>& notes, std::string_view field) {
  for (const auto& [name, reason] : notes) {
    if (name == field || name == "all") return reason;
  }
  return "it could not be read";
}

std::string not_measured(const Examination& found) {
  return "not measured" + (found.failure.empty() ? "" : ": " + found.failure);
}

std::string listed(const std::vector<std::string>& items, std::string_view separator) {
  const std::vector<std::string_view> views(items.begin(), items.end());
  return joined(views, separator);
}

namespace {

constexpr std::array of_gpu{"gpu_link",        "copies_to_gpu",   "copies_to_host",
                            "zero_copy_reads", "link_latency",    "pageable_copies",
                            "driver",          "pageable_access", "memory_mode",
                            "access_counters", "persistence",     "gpu_clocks",
                            "power_limit",     "gpu_mode",        "confidential_compute",
                            "gpu_memory"};

Check gpu_check(const Examination& found) {
  constexpr const char* name = "gpu";
  const auto& gpu = found.platform.gpu;
  if (!gpu) return unknown(name, "no GPU: " + found.platform.gpu_absent_reason);
  if (found.failure.empty()) return ok(name, gpu->name);
  return look(name, gpu->name + " failed: " + found.failure,
              "look for Xid errors in the kernel's log (dmesg)");
}

void append(Checks& checks, Checks more) { std::ranges::move(more, std::back_inserter(checks)); }

std::string machine_text(const Examination& found) {
  const Platform& platform = found.platform;
  const std::string cpu = platform.host.cpu.empty() ? "unknown CPU" : platform.host.cpu;
  std::string text = platform.gpu ? platform.gpu->name : "no GPU";
  const std::string link = link_text(platform, found.calibration);
  if (!link.empty()) text += ", " + link;
  return text + "; " + cpu + ", " +
         count(static_cast<std::size_t>(platform.host.logical_cpus), "CPU");
}

/// "2 of 24 checks say where to look, 5 are unknown"
std::string sum_text(const Checks& checks) {
  const std::size_t look_here = count_of(checks, Verdict::look_here);
  const std::size_t not_known = count_of(checks, Verdict::unknown);
  std::string text = look_here == 0
                         ? "nothing to look at in " + count(checks.size(), "check")
                         : std::to_string(look_here) + " of " + count(checks.size(), "check") +
                               (look_here == 1 ? " says" : " say") + " where to look";
  if (not_known > 0) {
    text += "; " + std::to_string(not_known) + (not_known == 1 ? " is" : " are") + " unknown";
  }
  return text;
}

Tone tone_of(std::string_view verdict) {
  if (verdict == name(Verdict::ok)) return Tone::good;
  return verdict == name(Verdict::look_here) ? Tone::attention : Tone::plain;
}

Table table_of(const Checks& checks) {
  Table table({{"verdict", Table::Align::left, tone_of}, {"check"}, {"what"}});
  for (const Check& check : checks) {
    std::string what = check.what;
    if (!check.advice.empty()) what += " -> " + check.advice;
    table.add({std::string(name(check.verdict)), check.name, std::move(what)});
  }
  return table;
}

std::string csv_of(const Checks& checks) {
  Table table({{"check"}, {"verdict"}, {"what"}, {"advice"}});
  for (const Check& check : checks) {
    table.add({check.name, std::string(name(check.verdict)), check.what, check.advice});
  }
  return table.csv();
}

}  // namespace
}  // namespace doctor

std::vector<Check> examine(const Examination& found) {
  const auto machine = published_of(found.platform);
  std::vector<Check> checks{doctor::gpu_check(found)};
  if (found.platform.gpu) {
    doctor::append(checks, doctor::link_checks(found, machine));
    doctor::append(checks, doctor::gpu_checks(found));
  } else {
    for (const char* const name : doctor::of_gpu) {
      checks.push_back(doctor::unknown(name, "no GPU"));
    }
  }
  doctor::append(checks, doctor::host_checks(found, machine));
  return checks;
}

std::size_t count_of(std::span<const Check> checks, Verdict verdict) {
  return static_cast<std::size_t>(std::ranges::count(checks, verdict, &Check::verdict));
}

std::string doctor_text(const Examination& found, Format format, bool colored) {
  if (format == Format::json) return doctor_json(found);
  const std::vector<Check> checks = examine(found);
  if (format == Format::csv) return doctor::csv_of(checks);
  Page page(Page::style(format == Format::md, colored));
  page.heading(doctor::machine_text(found));
  page.table(doctor::table_of(checks));
  page.paragraph(doctor::sum_text(checks), Tone::strong);
  return page.text();
}

}  // namespace offload
