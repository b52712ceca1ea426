#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print a table for the documentation from a results file, in Markdown: what reading weights costs by
policy for one workload, or the distance to the limits.

usage: scripts/readme_table.py RESULTS.json WORKLOAD|limits
"""
import json
import sys


def duration(seconds):
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def rows(document, workload):
    """The passed cases of `workload` that read weights from the host, fastest first, and the bound:
    weights that never leave the GPU."""
    cases = [
        case
        for case in document["offload_bench"]["cases"]
        if case["workload"] == workload and case["failure"] is None and case["summary"]
        and (case["path"] != "device_memory" or case["start"] == "steady")
    ]
    return sorted(cases, key=lambda case: case["summary"]["median_s"])


def rate(gb_per_s):
    return f"{gb_per_s:.0f}" if gb_per_s >= 100 else f"{gb_per_s:.3g}"


def table(document, workload):
    lines = [
        "| policy | start | median | GB/s | of the link | how the GPU gets the weights |",
        "|---|---|---:|---:|---:|---|",
    ]
    for case in rows(document, workload):
        share = case["share_of_link"]
        lines.append(
            f"| `{case['policy']}` | {case['start']} | {duration(case['summary']['median_s'])} "
            f"| {rate(case['gb_per_s'])} | {f'{share:.0%}' if share else '-'} | {case['mechanism']} |"
        )
    return "\n".join(lines)


def limits_table(document):
    lines = ["| limit | what is compared | ratio | goal | met |", "|---|---|---:|---:|---|"]
    for limit in document["offload_bench"]["limits"]:
        sign = ">=" if limit["at_least"] else "<="
        met = limit["ratio"] >= limit["goal"] if limit["at_least"] else limit["ratio"] <= limit["goal"]
        lines.append(
            f"| `{limit['id']}` | {limit['description']} | {limit['ratio']:.3f} "
            f"| {sign} {limit['goal']:.3f} | {'yes' if met else 'no'} |"
        )
    return "\n".join(lines)


def render(path, what):
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    return limits_table(results) if what == "limits" else table(results, what)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(render(sys.argv[1], sys.argv[2]))
