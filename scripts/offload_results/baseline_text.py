# SPDX-License-Identifier: Apache-2.0
"""What is said of a baseline alone: what one more run may differ by, and how many runs a resolution
takes. As a table, and as JSON."""
import json
import math

from .comparison_text import aligned, change, file_text, percent, plan_as_json, printable, runs_text, side_text

FORMAT_VERSION = "1.0.0"
TOLERANCE_TITLES = ("case", "kind", "runs", "median", "faster below", "slower above")
PLAN_TITLES = ("kind", "cases", "runs differ by", "runs for half of the cases", "for all of them")


def tolerances_as_table(baseline, found, terms):
    head = (f"What passes against {file_text(baseline)}: one run, a threshold of "
            f"{terms.threshold * 100:g} %, intervals of {terms.confidence * 100:g} %")
    cells = [(printable(str(key)), kind, str(side.runs), side_text(side),
              change(1 / slower) if slower else "-", change(slower) if slower else "-")
             for key, kind, side, slower in found]
    return "\n".join([head, "", *aligned([TOLERANCE_TITLES, *cells], set(TOLERANCE_TITLES[2:]))]) + "\n"


def tolerances_as_json(baseline, found, terms):
    """Per case value, lower and upper tolerance as fractions, and unit: what ReFrame's references
    hold."""
    return json.dumps({"offload_bench_tolerances": {
        "format_version": FORMAT_VERSION, "baseline": str(baseline.path),
        "threshold": terms.threshold, "confidence": terms.confidence,
        "cases": [{
            "label": key.label, "policy": key.policy, "weights": key.weights, "start": key.start,
            "captured": key.captured, "kind": kind, "runs": side.runs, "value": side.median_s,
            "lower": 1 / slower - 1 if slower else None, "upper": slower - 1 if slower else None,
            "unit": "s",
        } for key, kind, side, slower in found],
    }}, indent=1) + "\n"


TOLERANCE_FORMATS = {"table": tolerances_as_table, "json": tolerances_as_json}


def plan_as_table(baseline, found, terms):
    cells = [(kind, str(plan.cases), percent(math.sqrt(plan.between)), runs_text(plan.half),
              runs_text(plan.all)) for kind, plan in found.items()]
    return "\n".join([plan_head(baseline, terms), "",
                      *aligned([PLAN_TITLES, *cells], set(PLAN_TITLES[1:]))]) + "\n"


def plan_head(baseline, terms):
    single = len(baseline.runs) == 1
    lines = [f"Runs for a resolution of {terms.plan * 100:g} %, as many of the candidate as of the baseline, "
             f"with intervals of {terms.confidence * 100:g} %,",
             f"by what {file_text(baseline)} shows"
             + (" within its one run, and the assumed spread between runs" if single else "")]
    if terms.plan < terms.threshold:
        lines.append(f"(a change counts from {terms.threshold * 100:g} % only: lower --threshold as well)")
    return "\n".join(lines)


def plan_in_json(baseline, found, terms):
    return json.dumps({"offload_bench_plan": {
        "format_version": FORMAT_VERSION, "baseline": str(baseline.path),
        "confidence": terms.confidence, **plan_as_json(found, terms)}}, indent=1) + "\n"


PLAN_FORMATS = {"table": plan_as_table, "json": plan_in_json}
