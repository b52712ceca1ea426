# SPDX-License-Identifier: Apache-2.0
"""Tables of what GPUs do alone and together."""
from ..results import BadInput, label_of
from ..text import percent, row
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


tables = {"gpus": gpus_table}
