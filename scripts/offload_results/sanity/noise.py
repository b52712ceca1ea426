# SPDX-License-Identifier: Apache-2.0
"""What a reader must be told of noise, worked out once more from the samples and what the machine did
meanwhile: a case that drifts, a busy machine, clocks held down, a link slower than its rates. Not by
the formulas of the program, and stricter: what the program tells near its thresholds it may leave out
there."""
import itertools
import math
import statistics

from .. import variability
from ..parts import link_bytes, measured
from .physics import PCIE, PEAK_MARGIN, rate_text

DRIFT = 0.03
ENOUGH = 10  # samples that tell drift from noise where the driver or the CPU takes part
CHANCE = 1e-3  # that samples in random order follow each other so well
BUSY_STEAL, BUSY_OTHERS = 0.025, 0.125  # of the CPU time; the program tells it from 2 % and 10 %
BUSY_LOAD = 0.5  # threads per CPU
STANDS_OUT, SIGMAS = 1.04, 3.3  # times the next slowest sample; so far beyond chance
CHOSEN = {"application clocks", "display clocks", "sync boost"}


def kinds_are_of_the_cases(part):
    for case in part.passed:
        kind = variability.kind_of(case)
        said = case.get("variability", {"kind": kind})["kind"]
        if said != kind:
            yield case["name"], f"its variability is that of kind {said}, by its fields it is {kind}"


def told(part, check):
    """Names of the cases that the run's own finding of that name lists; None without one."""
    for finding in part.run.get("findings") or ():
        if finding["check"] == check:
            return set(finding["cases"])
    return None


def change(samples):
    """Between the middles of the first and the last third, as a share, by Theil and Sen: the median
    slope of all pairs."""
    count = len(samples)
    slopes = [(later - earlier) / (j - i)
              for (i, earlier), (j, later) in itertools.combinations(enumerate(samples), 2)]
    third = 1 if count == 3 else max(2, count // 3)
    return statistics.median(slopes) * (count - third) / statistics.median(samples)


def is_ordered(samples, kind):
    """Whether Kendall's count of pairs in order is beyond chance; of a kind that noise does not move
    by that much, all pairs but one, or two of many."""
    count = len(samples)
    score = abs(sum((later > earlier) - (later < earlier)
                    for earlier, later in itertools.combinations(samples, 2)))
    if count < ENOUGH:
        pairs = count * (count - 1) // 2
        return kind == variability.GPU and score >= pairs - (0 if count < 5 else 2)
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return 2 * (1 - statistics.NormalDist().cdf((score - 1) / deviation)) < CHANCE


def drifts(case):
    samples = case["samples_s"]
    return (len(samples) >= 3 and is_ordered(samples, variability.kind_of(case))
            and abs(change(samples)) > DRIFT)


def drifting_rows_say_so(part):
    listed = told(part, "drift") or set()
    for case in part.passed:
        samples, said = case["samples_s"], case.get("drift")
        if not said and drifts(case):
            yield case["name"], (f"drifts by {change(samples):+.1%} ({samples[0] * 1e3:.4g} ms "
                                 f"first, {samples[-1] * 1e3:.4g} ms last), and the row does not say so")
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
    above = [case for case in part.passed
             if (link_bytes(case) or 0) / min(case["samples_s"]) > carried * PEAK_MARGIN]
    if above:
        fastest = max(above, key=lambda case: link_bytes(case) / min(case["samples_s"]))
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


CHECKS = (kinds_are_of_the_cases, drifting_rows_say_so, first_samples_are_like_the_others,
          a_busy_machine_is_told, throttling_is_told, rates_fit_the_link, a_slow_link_is_told)
