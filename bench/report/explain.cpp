// SPDX-License-Identifier: Apache-2.0
#include "bench/report/evidence.hpp"

#include <cctype>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/platform/access_counters.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

using Lines = std::vector<std::string>;

/// A mean of counts over a few passes: whole where it is.
std::string mean_text(double mean) {
  const double whole = std::round(mean);
  return mean == whole ? std::to_string(static_cast<std::size_t>(whole)) : three_digits(mean);
}

std::string joined(const Lines& parts) { return enumerate(parts); }

/// Whether a collector has figures; if not, the line says why.
template <typename T>
bool has_figures(Lines& lines, std::string_view what, const Observed<T>& observed) {
  if (observed.value) return true;
  std::string line = absence(what, observed) + ".";
  line[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(line[0])));
  lines.push_back(std::move(line));
  return false;
}

void explain_model(Lines& lines, const CaseRecord& record) {
  const ModelFigures& figures = *record.model;
  std::string text = "All layers of the model take " + seconds_text(record, figures.seconds);
  if (figures.tokens_per_second) {
    text += ", " + figure_text(record, *figures.tokens_per_second) + " tokens/s by these kernels";
  } else if (record.path == Path::device_memory) {
    text += "; that is no offloading, so it has no tokens/s";
  } else {
    text += " in a first pass, in which no engine can stay, so it has no tokens/s";
  }
  lines.push_back(text + ".");
  if (!figures.bound) return;
  text = "The machine allows " + format_seconds(figures.bound->seconds);
  if (figures.bound->tokens_per_second) {
    text += ", " + three_digits(*figures.bound->tokens_per_second) + " tokens/s";
  }
  lines.push_back(text + ": " + figures.bound->from + ".");
}

/// What no share of a link says where nothing crosses one.
std::string out_of_one_memory(const CaseRecord& record, const RunRecord& run) {
  const auto roof = memory_roof(run.platform, run.calibration);
  std::string text = "Nothing crossed a link: GPU and CPU share one memory, and a pass took " +
                     percent(*record.share_of_memory) + " of what that gives";
  if (roof) {
    text +=
        " (" + format_rate(roof->bytes_per_second) + ", read by " + std::string(roof->reader) + ')';
  }
  if (record.cpu_bytes > 0) text += "; the CPU computed with " + percent(cpu_share(record));
  return text + ". The weights are kept " +
         (keeps_once(record) ? "once" : times(times_kept(record))) + ".";
}

void explain_speed(Lines& lines, const CaseRecord& record, const RunRecord& run) {
  lines.push_back("Weights in " + record.memory + "; " + record.mechanism + ".");
  if (!record.failure.empty()) lines.push_back("FAILED: " + record.failure + ".");
  if (!record.summary) {
    lines.emplace_back("No sample was taken.");
    return;
  }
  const Summary& summary = *record.summary;
  std::string text = "A pass takes " + seconds_text(record, summary.median) + " (median of " +
                     count(record.samples.size(), "sample") + ", spread " +
                     percent_number(summary.coefficient_of_variation) + " %)";
  if (!passed(record)) {
    lines.push_back(text + ".");
    return;
  }
  if (record.steps > 0) {
    lines.push_back(text + ": " +
                    seconds_text(record, summary.median / static_cast<double>(record.steps)) +
                    " for each of " + std::to_string(record.steps) + " dependent steps.");
  } else {
    lines.push_back(text + ": " + format_traffic(record.bytes.requested) + " at " +
                    rate_text(record) + ".");
  }
  if (record.model) explain_model(lines, record);
  if (record.path == Path::device_memory) {
    lines.emplace_back("The weights were in GPU memory when they were read.");
  } else if (record.share_of_memory) {
    lines.push_back(out_of_one_memory(record, run));
  } else if (record.path == Path::host_memory) {
    lines.push_back("The CPU read them where they lie; all its threads together read " +
                    format_rate(run.calibration.host_read) + " here.");
  } else if (record.share_of_link && run.calibration.copy_h2d) {
    text = format_traffic(*record.link_bytes) + " of that crossed the link, at " +
           percent(*record.share_of_link) + " of what the copy engine carries (" +
           format_rate(*run.calibration.copy_h2d) + ")";
    if (is_split(record)) text += "; the CPU computed with " + percent(cpu_share(record));
    lines.push_back(text + ".");
  }
}

/// "85.0 MB around faults, by the driver's own guess, and 15.0 MB by page faults"
std::string by_cause(const BytesByCause& bytes) {
  const std::vector<std::pair<std::size_t, const char*>> causes{
      {bytes.fault, " by page faults"},
      {bytes.around_fault, " around faults, by the driver's own guess"},
      {bytes.prefetch, " by prefetch calls"},
      {bytes.eviction, " to make room on the GPU"},
      {bytes.access_counters, " by access counters"},
      {bytes.other, " for other causes"}};
  Lines parts;
  for (const auto& [moved, why] : causes) {
    if (moved > 0) parts.push_back(format_traffic(moved) + why);
  }
  return joined(parts);
}

std::string fault_sentence(const UmTraffic& um) {
  if (um.gpu_fault_groups == 0) return "No GPU page fault was served.";
  std::string text =
      "The driver served " + count(um.gpu_fault_groups, "group") + " of GPU page faults";
  const std::size_t moved = um.to_device.fault + um.to_device.around_fault;
  if (moved > 0) {
    text += ", " +
            format_traffic(static_cast<double>(moved) / static_cast<double>(um.gpu_fault_groups)) +
            " moved for each";
  }
  return text + ".";
}

void explain_traffic(Lines& lines, const CaseRecord& record) {
  const Observed<UmTraffic>& um = record.evidence.um;
  if (!has_figures(lines, evidence_of::driver_traffic, um)) return;
  const UmTraffic& traffic = *um.value;
  const bool part = traffic.bytes_read < record.bytes.requested;
  const std::string read = " while " + format_traffic(traffic.bytes_read) +
                           (part ? ", a part of a pass, were read" : " were read");
  if (traffic.to_device.total() == 0) {
    lines.push_back("The driver moved nothing to the GPU" + read + ".");
  } else {
    std::string text =
        "The driver moved " + format_traffic(traffic.to_device.total()) + " to the GPU" + read;
    if (const auto ratio = amplification(record)) text += " (" + times(*ratio) + ")";
    lines.push_back(text + ": " + by_cause(traffic.to_device) + ".");
  }
  if (traffic.to_host.total() > 0) {
    lines.push_back("It moved " + format_traffic(traffic.to_host.total()) +
                    " back to the host: " + by_cause(traffic.to_host) + ".");
  }
  lines.push_back(fault_sentence(traffic));
  if (traffic.remote_maps > 0) {
    lines.push_back("It mapped " + count(traffic.remote_maps, "region") +
                    " to be read over the link instead of moving them.");
  }
  if (traffic.cpu_faults > 0) {
    lines.push_back("The CPU faulted on " + count(traffic.cpu_faults, "page") + " of the weights.");
  }
  if (traffic.thrashing > 0 || traffic.throttling > 0) {
    lines.push_back("The driver saw pages thrash " + count(traffic.thrashing, "time") +
                    " and held a processor back " + count(traffic.throttling, "time") + ".");
  }
}

void explain_cpu(Lines& lines, const CaseRecord& record) {
  const Observed<CpuTime>& cpu = record.evidence.cpu;
  if (!has_figures(lines, evidence_of::cpu_time, cpu)) return;
  const auto driver = driver_cpu_per_gb(record);
  if (!cpu.value->driver || !driver) {
    lines.emplace_back(
        "The driver's CPU time is not known: none of its kernel threads is visible from here.");
  } else if (cpu.value->threads.empty()) {
    lines.emplace_back("The driver's kernel threads did not run.");
  } else {
    Lines threads;
    for (const auto& [thread, seconds] : cpu.value->threads) {
      threads.push_back(thread + " " + format_seconds(seconds));
    }
    lines.push_back("The driver's kernel threads took " + format_seconds(*cpu.value->driver) +
                    " of CPU time a pass, " + format_seconds(*driver) +
                    " per GB: " + joined(threads) + ".");
  }
  std::string text = "This process took " + format_seconds(cpu.value->process) +
                     " of CPU time a pass, waiting for the GPU included";
  if (const auto process = process_cpu_per_gb(record)) {
    text += ": " + format_seconds(*process) + " per GB";
  }
  lines.push_back(text + ".");
}

void explain_pages(Lines& lines, const Evidence& evidence) {
  if (has_figures(lines, evidence_of::page_faults, evidence.page_faults)) {
    const PageFaults& faults = *evidence.page_faults.value;
    lines.push_back("It had " + mean_text(faults.minor) + " minor and " + mean_text(faults.major) +
                    " major page faults a pass.");
  }
  const Observed<Residency>& residency = evidence.residency;
  if (!has_figures(lines, evidence_of::residency, residency)) return;
  const Residency& pages = *residency.value;
  Lines places;
  if (pages.not_on_cpu > 0) {
    places.push_back(std::to_string(pages.not_on_cpu) + " not mapped by the CPU");
  }
  for (const auto& [node, on_node] : pages.on_node) {
    places.push_back(std::to_string(on_node) + " on NUMA node " + std::to_string(node));
  }
  std::string text =
      "After it, of " + count(pages.pages_asked, "page") + " asked, " + joined(places);
  if (!pages.last_prefetch.empty()) text += "; last prefetched to: " + pages.last_prefetch;
  lines.push_back(text + ".");
}

void explain_link(Lines& lines, const CaseRecord& record) {
  if (!has_figures(lines, evidence_of::link, record.evidence.link)) return;
  const LinkTraffic& link = *record.evidence.link.value;
  std::string text = "The link carried " + format_traffic(link.wire_to_device) +
                     " to the GPU and " + format_traffic(link.wire_to_host) +
                     " to the host, whole packets";
  if (link.payload_to_device && *link.payload_to_device > 0) {
    const double payload = *link.payload_to_device;
    text += "; " + format_traffic(payload) + " to the GPU were payload, so headers added " +
            percent(link.wire_to_device / payload - 1);
    if (const auto ratio = link_payload_ratio(record)) {
      text += ", and each byte asked for crossed " + three_digits(*ratio) + " times";
    }
  }
  lines.push_back(text + ".");
}

void explain_energy(Lines& lines, const CaseRecord& record) {
  const Observed<Energy>& energy = record.evidence.energy;
  if (!has_figures(lines, evidence_of::energy, energy)) return;
  std::string text = "The GPU drew " + three_digits(energy.value->watts) + " W over " +
                     format_seconds(energy.value->seconds) + " of consecutive passes, " +
                     three_digits(energy.value->joules) + " J a pass";
  if (const auto joules = joules_per_gb(record)) text += ", " + three_digits(*joules) + " J per GB";
  lines.push_back(text + ".");
}

std::string throttle_text(const std::optional<std::vector<std::string>>& reasons) {
  if (!reasons) return "not known";
  return reasons->empty() ? "nothing" : joined(*reasons);
}

void explain_gpu(Lines& lines, const Observed<GpuState>& state) {
  if (!has_figures(lines, evidence_of::clocks, state)) return;
  const GpuState& gpu = *state.value;
  Lines clocks;
  if (gpu.sm_mhz_before) {
    clocks.push_back(std::to_string(*gpu.sm_mhz_before) + " MHz for the SMs before the samples");
  }
  if (gpu.sm_mhz_after) clocks.push_back(std::to_string(*gpu.sm_mhz_after) + " MHz after them");
  if (gpu.memory_mhz_after) {
    clocks.push_back(std::to_string(*gpu.memory_mhz_after) + " MHz for memory");
  }
  if (!clocks.empty()) lines.push_back("Clocks: " + joined(clocks) + ".");
  lines.push_back("What held the clocks down: " + throttle_text(gpu.throttled_before) +
                  " before the samples, " + throttle_text(gpu.throttled_after) + " after them.");
  Lines links;
  if (gpu.pcie_generation)
    links.push_back("PCIe generation " + std::to_string(*gpu.pcie_generation));
  if (gpu.pcie_width) links.push_back(count(static_cast<std::size_t>(*gpu.pcie_width), "lane"));
  if (gpu.c2c_links && *gpu.c2c_links > 0) {
    links.push_back(count(static_cast<std::size_t>(*gpu.c2c_links), "C2C link") + " active");
  }
  if (!links.empty()) lines.push_back("The link right after a pass: " + joined(links) + ".");
}

void explain_host(Lines& lines, const Observed<HostState>& state) {
  if (!has_figures(lines, evidence_of::other_work, state)) return;
  const HostState& host = *state.value;
  if (host.steal_seconds && host.others_seconds) {
    const double all = host.seconds * static_cast<double>(host.cpus);
    lines.push_back("While the samples were taken other processes had " +
                    percent(*host.others_seconds / all) + " of the time of " +
                    count(host.cpus, "CPU") + ", and the hypervisor " +
                    percent(*host.steal_seconds / all) + " (steal).");
  }
  Lines rest;
  if (host.load_average) rest.push_back("a load of " + three_digits(*host.load_average));
  if (host.cpu_mhz) rest.push_back("CPU clocks of " + three_digits(*host.cpu_mhz) + " MHz");
  if (!rest.empty()) lines.push_back("After them: " + joined(rest) + ".");
}

void explain_drift(Lines& lines, const CaseRecord& record) {
  const std::string text = drift_text(record);
  if (!text.empty()) lines.push_back("It " + text + " from the first samples to the last.");
}

void explain_unsettled(Lines& lines, const CaseRecord& record) {
  const std::string text = unsettled_text(record);
  if (!text.empty()) lines.push_back("It " + text + ": its figures are of no state that lasts.");
}

void explain_setup(Lines& lines, const CaseRecord& record) {
  const auto figures = setup_figures(record);
  if (!figures) return;
  lines.push_back("Before reading began, set-up took " + format_seconds(figures->setup) +
                  " of a pass, reading " + format_seconds(figures->read) + " (medians).");
}

std::string trend_sentence(const SeriesFigures& figures) {
  if (figures.trend == Trend::unknown) return "These are too few passes to say whether they adapt.";
  const std::string text = "The last two take " + trend_text(figures);
  if (figures.trend == Trend::slower) return text + ".";
  if (figures.trend == Trend::faster) return text + ": something adapts.";
  return text + ", within " + percent(trend_margin) + ": nothing adapts after the first pass.";
}

void explain_series(Lines& lines, const CaseRecord& record, const Platform& platform) {
  if (!record.series || record.series->seconds.empty()) return;
  const PassSeries& series = *record.series;
  const SeriesFigures figures = series_figures(series);
  std::string text = "Of " + std::to_string(series.seconds.size()) +
                     " consecutive passes the first takes " + format_seconds(figures.first);
  if (figures.early) text += ", the second and third " + format_seconds(*figures.early);
  if (figures.late) text += ", the last two " + format_seconds(*figures.late);
  lines.push_back(text + (figures.early ? " (means)." : "."));
  lines.push_back(trend_sentence(figures));
  if (series.um.value && !series.um.value->empty()) {
    Lines moved;
    for (const UmTraffic& pass : *series.um.value) {
      moved.push_back(format_traffic(pass.to_device.total()));
    }
    lines.push_back("Moved to the GPU, pass by pass: " + joined(moved) + ".");
  }
  if (!series.on_gpu.empty()) {
    Lines shares;
    for (const double share : series.on_gpu) shares.push_back(percent(share));
    lines.push_back("Of its pages were on the GPU behind each pass: " + joined(shares) + "; " +
                    text_of(access_counters(platform)) + ".");
  }
  std::size_t distinct = 0;
  for (const std::size_t bytes : series.distinct_bytes) distinct += bytes;
  if (!series.distinct_bytes.empty() && distinct > series.distinct_bytes.front()) {
    lines.push_back("Passes read different parts: " + format_traffic(distinct) + " altogether, " +
                    format_traffic(series.distinct_bytes.front()) + " in the first.");
  }
}

}  // namespace

std::vector<std::string> explain(const CaseRecord& record, const RunRecord& run) {
  Lines lines;
  explain_speed(lines, record, run);
  explain_drift(lines, record);
  explain_unsettled(lines, record);
  explain_setup(lines, record);
  explain_traffic(lines, record);
  explain_cpu(lines, record);
  explain_pages(lines, record.evidence);
  explain_link(lines, record);
  explain_energy(lines, record);
  explain_gpu(lines, record.evidence.gpu);
  explain_host(lines, record.evidence.host);
  explain_series(lines, record, run.platform);
  return lines;
}

void write_explained(Page& page, const CaseRecord& record, const RunRecord& run) {
  page.heading(record.name);
  for (const std::string& line : explain(record, run)) page.item(line);
  page.end_list();
}

}  // namespace offload
