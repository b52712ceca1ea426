# SPDX-License-Identifier: Apache-2.0
"""What a reader must be told of noise, worked out once more from the samples and what the machine did
meanwhile: a case that drifts, a busy machine, clocks held down, a link slower than its rates. By the
thresholds of the program and a margin: what it tells near them it may leave out there."""
import math
import statistics

from .. import intervals
from ..results import members_of
from ..runs import CHOSEN, link_bytes, measured
from . import evidence
from .physics import PCIE, PEAK_MARGIN, rate_text

DRIFT, TIMES_SCATTER, FEW = 0.02, 5, 2  # docs/methodology.md, "Drift"
DRIFT_MARGIN = 1.01
UNSETTLED_MARGIN = 1.01
ENOUGH = 10  # samples that tell drift from noise where the driver or the CPU takes part
BUSY_STEAL, BUSY_OTHERS = 0.025, 0.125  # of the CPU time; the program tells it from 2 % and 10 %
BUSY_LOAD = 0.5  # threads per CPU
STANDS_OUT, SIGMAS = 1.04, 3.3  # times the next slowest sample; so far beyond chance


def kinds_are_of_the_cases(part):
    for case in part.passed:
        kind = intervals.kind_of(case)
        said = case.get("variability", {"kind": kind})["kind"]
        if said != kind:
            yield case["name"], f"its variability is that of kind {said}, by its fields it is {kind}"


def told(part, check):
    """Names of the cases that the run's own finding of that name lists; None without one."""
    for finding in part.run.get("findings") or ():
        if finding["check"] == check:
            return set(finding["cases"])
    return None


def rising(values):
    """The curve that never falls and fits best by squares: neighbours that fall are pooled."""
    pools = []  # (sum, count)
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def drift_of(samples):
    """(first, last): the medians of the first and of the last third, in seconds, of samples that
    drift from the one to the other; else None."""
    if len(samples) < 3:
        return None
    third = 1 if len(samples) == 3 else max(FEW, len(samples) // 3)
    ends = samples[:third], samples[-third:]
    first, last = map(statistics.median, ends)
    low, high = sorted(ends, key=statistics.median)
    if third <= FEW and not max(low) < min(high):
        return None
    rise = samples if last > first else samples[::-1]
    scatter = math.sqrt(statistics.fmean(
        (value - fit) ** 2 for value, fit in zip(rise, rising(rise))))
    least = max(DRIFT * min(first, last), TIMES_SCATTER * math.sqrt(FEW / third) * scatter)
    return (first, last) if abs(last - first) > least * DRIFT_MARGIN else None


def drift(case):
    if len(case["samples_s"]) < ENOUGH and intervals.kind_of(case) != intervals.GPU:
        return None
    return drift_of(case["samples_s"])


def drifting_rows_say_so(part):
    listed = told(part, "drift") or set()
    for case in part.passed:
        samples, said = case["samples_s"], case.get("drift")
        if not said and (found := drift(case)):
            first, last = found
            yield case["name"], (f"drifts by {last / first - 1:+.1%} ({first * 1e3:.4g} ms in the "
                                 f"first third, {last * 1e3:.4g} ms in the last), and the row does "
                                 "not say so")
        if said and case["name"] not in listed:
            yield case["name"], "says that it drifts, but the run's findings do not list it"
        if said and not ends_are_of(samples, said):
            yield case["name"], (f"says that it drifts from {said['first_s']:g} s to "
                                 f"{said['last_s']:g} s, which its samples do not")


def ends_are_of(samples, said):
    """Each is among the half of the samples at its end."""
    half = (len(samples) + 1) // 2
    return all(min(end) <= value <= max(end) for value, end in (
        (said["first_s"], samples[:half]), (said["last_s"], samples[-half:])))


def moved_per_read(case):
    """Of a pass, by the driver's counters, else, on the GPU, by the link's; None where neither tells."""
    um, link = (measured(case["evidence"][of]) for of in ("um", "link"))
    if um and um["bytes_read"]:
        return um["to_device"]["total"] / um["bytes_read"]
    read = case["bytes"]["touched"]
    if link and case["path"] == "device_memory" and read >= evidence.SMALL:
        return link["wire_bytes_to_device"] / read
    return None


def shifted(case):
    """What share of its pages changed sides over its samples."""
    pages = measured(case["evidence"]["residency"]) or {}
    before = pages.get("not_on_cpu_before")
    return 0.0 if before is None else abs(pages["not_on_cpu"] - before) / pages["pages_asked"]


def unsettled_rows_say_so(part):
    listed = told(part, "unsettled") or set()
    for case in evidence.with_evidence(part):
        if case["start"] != "warm":
            continue
        moves = max(moved_per_read(case) or 0.0, shifted(case))
        if moves > evidence.FEW * UNSETTLED_MARGIN and not case.get("unsettled"):
            yield case["name"], f"is warm and still migrates ({moves:.0%}), and the row does not say so"
        if case.get("unsettled") and moves * UNSETTLED_MARGIN < evidence.FEW:
            yield case["name"], "says that it still migrates, which its evidence does not"
        if case.get("unsettled") and case["name"] not in listed:
            yield case["name"], "says that it still migrates, but the run's findings do not list it"


def first_samples_are_like_the_others(part):
    """Of cold cases in which one sample stands out: any may be it, and the first is so no more often
    than the others."""
    outliers = {}
    for case in part.passed:
        samples = case["samples_s"]
        if case["start"] == "cold" and len(samples) >= 3:
            *_, second, slowest = sorted(samples)
            if slowest > second * STANDS_OUT:
                outliers[case["name"]] = samples
    first = {name: samples for name, samples in outliers.items() if samples[0] == max(samples)}
    chances = [1 / len(samples) for samples in outliers.values()]
    deviation = math.sqrt(sum(chance * (1 - chance) for chance in chances))
    if first and len(first) - 0.5 > sum(chances) + SIGMAS * deviation:
        worst = max(first, key=lambda name: first[name][0] / sorted(first[name])[-2])
        yield "run", (f"in {len(outliers)} cold cases one sample is more than {STANDS_OUT - 1:.0%} slower "
                      f"than the others, and in {len(first)} it is the first, by chance in "
                      f"{sum(chances):.0f}: most of all in {worst}; leave the first pass out")


def shares(cases):
    """(steal, others) as shares of the CPU time while these cases were sampled; None if unknown."""
    hosts = [host for case in cases if (host := measured(case["evidence"].get(
        "host", {"state": "unavailable"}))) and None not in (host["steal_s"], host["others_s"])]
    total = sum(host["over_s"] * host["cpus"] for host in hosts)
    if not total:
        return None
    return (sum(host["steal_s"] for host in hosts) / total,
            sum(host["others_s"] for host in hosts) / total)


def a_busy_machine_is_told(part):
    if told(part, "busy_machine") is not None:
        return
    host = part.run["platform"]["host"]
    load, cpus = host.get("load_average"), host["logical_cpus"]
    if load is None and part.load:  # before 2.1, as Google Benchmark read it
        load, cpus = part.load
    if load is not None and load > BUSY_LOAD * cpus * PEAK_MARGIN:
        yield "run", (f"a load of {load:.3g} on {cpus} CPUs when it began: a busy machine, and it does "
                      "not say so")
    found = shares(part.cases)
    if found and (found[0] > BUSY_STEAL or found[1] > BUSY_OTHERS):
        yield "run", (f"steal of {found[0]:.1%} and {found[1]:.1%} of the CPU time taken by others "
                      "while cases were measured: a busy machine, and it does not say so")


def throttling_is_told(part):
    if told(part, "throttled") is not None:
        return
    held = {}
    for case in part.cases:
        gpu = measured(case["evidence"].get("gpu", {"state": "unavailable"})) or {}
        for when in ("throttled_before", "throttled_after"):
            for reason in set(gpu.get(when) or ()) - CHOSEN:
                held.setdefault(reason, set()).add(case["name"])
    for reason, names in held.items():
        yield "run", (f"{reason} held the clocks down around {len(names)} of {len(part.cases)} cases "
                      f"({min(names)} among them), and it does not say so")


def link_under_load(part):
    """(generation, width) as read while the link was at work: during the calibration, or right after
    passes; None where nobody looked."""
    calibration = part.run["calibration"]
    seen = [(calibration.get("link_generation"), calibration.get("link_width"))]
    seen += [(gpu["pcie_generation"], gpu["pcie_width"]) for case in part.cases if (gpu := measured(
        case["evidence"].get("gpu", {"state": "unavailable"})))]
    known = [pair for pair in seen if pair[0] in PCIE and pair[1]]
    return max(known, key=lambda pair: capacity(*pair), default=None)


def capacity(generation, width):
    transfers, payload = PCIE[generation]
    return transfers * payload * width / 8


def rates_fit_the_link(part):
    """Of the link as it was, not as GPU and slot could have it. Idle, a link lowers its generation but
    keeps its lanes: what was read when the run began bounds their number alone."""
    link = part.run["platform"]["link"]
    if not link or link["kind"] != "pcie" or told(part, "rate_above_link") is not None:
        return
    seen = link_under_load(part)
    width = link.get("current_width")
    if seen and width and width != seen[1]:
        yield "platform", (f"the link had {width} lanes when the run began and {seen[1]} under load")
    if not seen and link["generation"] in PCIE and width:
        seen = (link["generation"], width)
    if not seen:
        return
    carried = capacity(*seen)
    what = f"PCIe {seen[0]} x{seen[1]}, which carries {rate_text(carried)}"
    calibration = part.run["calibration"]
    for field in ("copy_h2d_bytes_per_second", "copy_d2h_bytes_per_second",
                  "sm_read_pinned_bytes_per_second"):
        if calibration.get(field) and calibration[field] > carried * PEAK_MARGIN:
            yield "calibration", f"{field} is {rate_text(calibration[field])} over {what}"
    def fastest_rate(case):  # over one of its links
        return (link_bytes(case) or 0) / members_of(case) / min(case["samples_s"])

    above = [case for case in part.passed if fastest_rate(case) > carried * PEAK_MARGIN]
    if above:
        fastest = max(above, key=fastest_rate)
        yield "run", (f"{len(above)} cases read faster than {what}, {fastest['name']} at "
                      f"{rate_text(link_bytes(fastest) / min(fastest['samples_s']))}")


def a_slow_link_is_told(part):
    link, seen = part.run["platform"]["link"], link_under_load(part)
    if not link or link["kind"] != "pcie" or not seen or told(part, "slow_link") is not None:
        return
    if link["generation"] in PCIE and link["width"] and capacity(*seen) < capacity(
            link["generation"], link["width"]) / PEAK_MARGIN:
        yield "platform", (f"the link ran as PCIe {seen[0]} x{seen[1]} under load, GPU and slot can "
                           f"{link['generation']} x{link['width']}, and it does not say so")


CHECKS = (kinds_are_of_the_cases, drifting_rows_say_so, unsettled_rows_say_so, first_samples_are_like_the_others,
          a_busy_machine_is_told, throttling_is_told, rates_fit_the_link, a_slow_link_is_told)
