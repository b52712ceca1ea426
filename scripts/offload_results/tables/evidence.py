# SPDX-License-Identifier: Apache-2.0
"""Tables of what driver and hardware did."""
import statistics

from ..results import BadInput, label_of, largest_set, parameter_of
from ..text import row, seconds, size, three_digits
from .cells import gigabytes_per_second, median

dash = "-"
LAST = 8  # passes, in the mean


def passed(results, wanted):
    """The passed cases whose label, or workload, is `wanted`, offloading or not."""
    cases = [
        case for case in largest_set(results["cases"])
        if wanted in (label_of(case), case["workload"]) and case["failure"] is None and case["summary"]
    ]
    if not cases:
        raise BadInput(f"no case of {wanted} has passed")
    return cases


def of_weights(cases, names):
    """Those that read weights of these names; all cases where none is given."""
    chosen = [case for case in cases if not names or case["weights"]["name"] in names]
    if not chosen:
        raise BadInput(f"no case reads {', '.join(names)}")
    return chosen


def figure(evidence, collector, field):
    """What was measured, a zero by design as 0, else None."""
    found = evidence[collector]
    if found["state"] == "zero by design":
        return 0
    return found.get(field)


def count_text(value):
    return dash if value is None else f"{value:,.0f}"


def figure_text(value):
    return dash if value is None else three_digits(value)


def per_gb(um, field, otherwise):
    """Of the bytes that the counted pass read, which may be a part of the case's weights."""
    return um[field] / um["bytes_read"] * 1e9 if um.get("bytes_read") else otherwise


def by_speed(case):
    return (case["path"] == "device_memory", case["summary"]["median_s"])


def evidence_table(results, chosen):
    """evidence:LABEL[,WEIGHTS]: why each policy is as fast as it is."""
    label, *names = chosen
    cases = sorted(of_weights(passed(results, label), names), key=by_speed)
    lines = [
        "| policy | start | GB/s | fault groups/GB | moved / read | remote maps/GB | driver CPU s/GB "
        "| process CPU s/GB | link bytes / read | J/GB |",
        "|---|---|" + "---:|" * 8,
    ]
    for case in cases:
        evidence = case["evidence"]
        um = evidence["um"]
        none = 0 if um["state"] == "zero by design" else None
        link = evidence["link"].get("wire_bytes_to_device")
        lines.append(row([
            f"`{case['policy']}`", case["start"], gigabytes_per_second(case),
            count_text(per_gb(um, "gpu_fault_groups", none)),
            figure_text(none if none is not None else evidence["amplification"]),
            count_text(per_gb(um, "remote_maps", none)),
            figure_text(evidence["driver_cpu_s_per_gb"]), figure_text(evidence["process_cpu_s_per_gb"]),
            figure_text(None if link is None else link / case["bytes"]["requested"]),
            figure_text(evidence["joules_per_gb"]),
        ]))
    return "\n".join(lines)


def parameter_text(case):
    name, value = parameter_of(case)
    if name == "chunk":
        return size(value)
    return f"{name} {value:g}" if name else label_of(case)


def size_order(case):
    return (parameter_of(case)[1] or 0, case["weights"]["bytes"])


def column_title(case, by_weights):
    return case["weights"]["name"] if by_weights else parameter_text(case)


def rates_table(results, chosen):
    """rates:WORKLOAD[,WEIGHTS]: GB/s by policy and start, a column per parameter, or per weights."""
    workload, *names = chosen
    cases = of_weights(passed(results, workload), names)
    by_weights = len({label_of(case) for case in cases}) == 1
    columns = list(dict.fromkeys(
        column_title(case, by_weights) for case in sorted(cases, key=size_order)))
    cells = {}
    for case in cases:
        cells.setdefault((case["policy"], case["start"]), {})[column_title(case, by_weights)] = case
    last = columns[-1]

    def order(item):
        return -(item[1][last]["gb_per_s"] if last in item[1] else 0)

    lines = [row(["GB/s by policy", "start"] + columns), "|---|---|" + "---:|" * len(columns)]
    for (policy, start), of_policy in sorted(cells.items(), key=order):
        lines.append(row([f"`{policy}`", start] + [
            gigabytes_per_second(of_policy[column]) if column in of_policy else dash
            for column in columns
        ]))
    return "\n".join(lines)


def shown_passes(count):
    """1, 2, 4, 8 and so on, and the last."""
    passes = [1]
    while passes[-1] * 2 < count:
        passes.append(passes[-1] * 2)
    return passes + [count] if passes[-1] != count else passes


def series_table(results, chosen):
    """series:LABEL[,WEIGHTS]: time of the n-th consecutive pass, of the last ones in the mean and of all
    of them, and what was moved. A single pass may meet only what has come to the GPU already."""
    label, *names = chosen
    cases = [case for case in of_weights(passed(results, label), names) if case["series"]]
    if not cases:
        raise BadInput(f"{label} was measured without --passes")
    count = min(len(case["series"]["pass_s"]) for case in cases)
    shown = shown_passes(count)
    tail = min(LAST, count)
    titles = [f"pass {index}" for index in shown]
    lines = [
        row(["policy", "start"] + titles + [f"mean of the last {tail}", f"sum of all {count}",
                                            "MB moved, first and last pass", "driver CPU s, all passes"]),
        "|---|---|" + "---:|" * (len(shown) + 4),
    ]
    for case in sorted(cases, key=lambda case: sum(case["series"]["pass_s"][:count])):
        series = case["series"]
        counted = series["um"].get("passes")
        if counted:
            ends = [counted[0], counted[-1]]
            moved = ", ".join(three_digits(end["to_device"]["total"] / 1e6) for end in ends)
        else:
            moved = "0" if series["um"]["state"] == "zero by design" else dash
        driver = dash if series["driver_s"] is None else three_digits(sum(series["driver_s"]))
        lines.append(row(
            [f"`{case['policy']}`", case["start"]]
            + [seconds(series["pass_s"][index - 1]) for index in shown]
            + [seconds(statistics.fmean(series["pass_s"][count - tail:count])),
               seconds(sum(series["pass_s"][:count])), moved, driver]))
    return "\n".join(lines)


def setup_table(results, chosen):
    """setup:LABEL: set-up and read apart."""
    cases = [case for case in passed(results, chosen[0]) if case["setup"]]
    if not cases:
        raise BadInput(f"{chosen[0]} does not report set-up apart")
    lines = ["| policy | start | set-up | read | both |", "|---|---|---:|---:|---:|"]
    for case in sorted(cases, key=by_speed):
        setup = case["setup"]
        lines.append(row([
            f"`{case['policy']}`", case["start"], seconds(max(setup["median_s"], 0)),
            seconds(setup["read_median_s"]), median(case),
        ]))
    return "\n".join(lines)


def threads_table(results, chosen):
    """threads:LABEL[,WEIGHTS]: milliseconds that each of the driver's threads runs in a pass."""
    label, *names = chosen
    cases = sorted(of_weights(passed(results, label), names), key=by_speed)
    threads = sorted({
        name for case in cases for name, took in (case["evidence"]["cpu"].get("threads") or {}).items()
        if took >= 1e-5
    })
    if not threads:
        raise BadInput(f"no thread of the driver ran in {label}")
    lines = [
        row(["policy", "start", "pass"] + [f"`{name}`" for name in threads]),
        "|---|---|---:|" + "---:|" * len(threads),
    ]
    for case in cases:
        of_case = case["evidence"]["cpu"].get("threads") or {}
        lines.append(row(
            [f"`{case['policy']}`", case["start"], median(case)]
            + [seconds(of_case[name]) if of_case.get(name, 0) >= 1e-6 else "0" for name in threads]))
    return "\n".join(lines)


def memory_table(results, _):
    """memory_costs: what each allocator took for tensors allocated one by one."""
    costs = [cost for cost in results.get("memory_costs") or [] if cost["failure"] is None]
    if not costs:
        raise BadInput("the run was made without memory-cost")

    def times(cost, part):
        value = cost["taken"][part]
        return dash if value is None else f"{value / cost['asked_bytes']:.2f}"

    first = costs[0]
    lines = [
        "| allocator | host memory / asked | process's resident set / asked | GPU memory / asked | s/GiB |",
        "|---|" + "---:|" * 4,
    ]
    for cost in costs:
        lines.append(row([
            cost["allocator"], times(cost, "host_bytes"), times(cost, "resident_bytes"),
            times(cost, "device_bytes"), three_digits(cost["seconds"] * 2**30 / cost["asked_bytes"]),
        ]))
    note = f"{first['weights']}: {first['tensors']} tensors, {size(first['asked_bytes'])}"
    return "\n".join(lines + ["", f"<sub>{note}.</sub>"])


def loading_table(results, _chosen):
    """loading_costs: what it takes to get a file to its reader, from the disk and from the page cache."""
    costs = [cost for cost in results.get("loading_costs") or [] if cost["failure"] is None]
    if not costs:
        raise BadInput("the run was made without memory-cost --loading")
    by_way = {}
    for cost in costs:
        by_way.setdefault(cost["way"], {})[cost["start"]] = cost
    lines = ["| way | s/GiB, from the disk | s/GiB, from the page cache | beside the page cache |",
             "|---|---:|---:|---:|"]
    for way, starts in by_way.items():
        held = next(iter(starts.values()))["held_bytes"]
        times = [three_digits(cost["median_s"] * 2**30 / cost["file_bytes"]) if cost else dash
                 for cost in map(starts.get, ("cold", "warm"))]
        lines.append(row([way, *times, size(held) if held else dash]))
    return "\n".join([*lines, "", f"<sub>A file of {size(costs[0]['file_bytes'])}, medians of 3.</sub>"])


tables = {
    "evidence": evidence_table,
    "loading_costs": loading_table,
    "memory_costs": memory_table,
    "rates": rates_table,
    "series": series_table,
    "setup": setup_table,
    "threads": threads_table,
}
