# SPDX-License-Identifier: Apache-2.0
"""Tables of what GPUs do alone and together, and of what more of them would."""
import re

from ..results import BadInput, label_of, passed
from ..runs import link_bytes, memory_rate
from ..text import percent, row, two_digits
from .cells import gigabytes_per_second, model_figure


def gpus_table(results, chosen):
    """gpus:WORKLOAD: GB/s, or tokens/s of a model, on each GPU alone and on several together, and what these
    keep of the sum alone."""
    if len(chosen) != 1:
        raise BadInput("gpus takes one workload: gpus:WORKLOAD")
    cases = [case for case in results["cases"] if chosen[0] in (label_of(case), case["workload"])
             and case.get("gpus") and case["failure"] is None and case["summary"]]
    if not cases:
        raise BadInput(f"no case of {chosen[0]} has passed in a run on several GPUs")
    sets = sorted({tuple(case["gpus"]) for case in cases}, key=lambda gpus: (len(gpus), gpus))
    found = {(same(case), tuple(case["gpus"])): case for case in cases}
    titles, rule = [], ""
    for gpus in sets:
        titles += [title(gpus)] + (["of alone"] if len(gpus) > 1 else [])
        rule += "---:|" * (2 if len(gpus) > 1 else 1)
    lines = [row(["policy", "start"] + titles), "|---|---|" + rule]
    largest = [case for case in cases if tuple(case["gpus"]) == sets[-1]]
    for case in sorted(largest, key=lambda case: case["summary"]["median_s"]):
        cells = [f"`{case['policy']}`", case["start"]]
        for gpus in sets:
            one = found.get((same(case), gpus))
            cells.append(figure(one) if one else "-")
            if len(gpus) > 1:
                kept = one and (one.get("together") or {}).get("ratio")
                cells.append(percent(kept) if kept else "-")
        lines.append(row(cells))
    return "\n".join(lines)


def same(case):
    return label_of(case), case["policy"], case["weights"]["name"], case["start"]


def title(gpus):
    return f"GPU{'s' if len(gpus) > 1 else ''} {'+'.join(map(str, gpus))}"


def figure(case):
    return model_figure(case) if case.get("model") else gigabytes_per_second(case)


MOST = 64  # GPUs of one host


def simulated_table(results, chosen):
    """simulated-gpus:COUNT,...[,WORKLOAD]: GB/s of so many GPUs, computed from each alone."""
    counts = [int(one) for one in chosen if re.fullmatch("[1-9][0-9]?", one) and int(one) <= MOST]
    wanted = [one for one in chosen if not one.isdecimal()]
    if not counts or len(wanted) > 1 or len(counts) + len(wanted) < len(chosen):
        raise BadInput(f"simulated-gpus takes numbers of GPUs, from 1 to {MOST}, and at most one workload: "
                       "simulated-gpus:1,2,4,8")
    if memory_rate(results):
        raise BadInput("GPU and CPU share one memory here: such machines have one GPU, and no more are simulated")
    host_read, source = host_read_of(results)
    groups = {}  # {what it is: its cases, on each GPU alone}
    for case in results["cases"]:
        if is_alone(case) and (not wanted or wanted[0] in (label_of(case), case["workload"])):
            groups.setdefault((*same(case), case.get("captured", False)), []).append(case)
    if not groups:
        raise BadInput(f"no case {f'of {wanted[0]} ' if wanted else ''}has passed on one GPU with weights off it")
    lanes = len(results.get("gpus") or ()) or 1
    several = len({key[:1] + key[2:3] for key in groups}) > 1
    lines = [f"Simulated, not measured: from a run on {lanes} GPU{'s' if lanes > 1 else ''}, whose CPUs read host "
             f"memory at {host_read / 1e9:.3g} GB/s ({source}). GB/s of all GPUs, and what they keep of the sum alone.", "",
             row((["workload"] if several else []) + ["policy", "start"]
                 + [f"simulated {one} GPU{'s' if one > 1 else ''}" for one in counts]),
             "|---" * (3 if several else 2) + "|" + "---:|" * len(counts)]
    for key, cases in sorted(groups.items(), key=lambda item: (item[0][0], item[0][2], -alone(item[1]))):
        label, policy, weights, start, captured = key
        cells = [f"{label} of {weights}"] if several else []
        cells += [f"`{policy}`{' (graph)' if captured else ''}", start]
        for number in counts:
            rate = simulated(cases, number, host_read, lanes)
            cells.append(f"{two_digits(rate)} ({percent(rate / (number * alone(cases)))})")
        lines.append(row(cells))
    return "\n".join(lines)


def host_read_of(results):
    """(bytes per second, whose): what all CPUs of the host read of its memory."""
    together = (results.get("together") or {}).get("host_read_bytes_per_second")
    rate = together or results["calibration"].get("host_read_bytes_per_second")
    if not rate:
        raise BadInput("the rate at which CPUs read host memory is not known: its calibration lacks it")
    return rate, "all together" if together else "calibration"


def is_alone(case):
    """On one GPU, with nothing beside it, and reading what is in host memory."""
    return (passed(case) and case["gb_per_s"] and not case.get("beside") and len(case.get("gpus") or (0,)) == 1
            and from_host(case) > 0)


def from_host(case):
    """Bytes that a pass takes from host memory, be it over the link or by the CPU."""
    return (link_bytes(case) or 0) + (case.get("cpu_bytes") or 0)


def alone(cases):
    return sum(case["gb_per_s"] for case in cases) / len(cases)


def simulated(cases, number, host_read, lanes):
    """GB/s of `number` GPUs that each do what these cases, of each GPU alone, did on average. A link is each GPU's own,
    and host memory is everybody's: docs/several-gpus.md has the formula. What was read alone can be read; where the CPU computes all, its cores are shared, too, of which each of `lanes` GPUs had its part."""
    seconds = sum(case["summary"]["median_s"] for case in cases) / len(cases)
    case = cases[0]
    read = from_host(case)
    rate = max(host_read, read / seconds)
    if not link_bytes(case):
        rate = min(rate, lanes * read / seconds)
    return number * alone(cases) * seconds / max(seconds, number * read / rate)


tables = {"gpus": gpus_table, "simulated-gpus": simulated_table}
