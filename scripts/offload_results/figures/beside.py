# SPDX-License-Identifier: Apache-2.0
"""What cases and other traffic on the GPU keep of their rates alone, side by side."""
from ..results import label_of, passed, shown_weights
from . import styles
from .data import ABSENT, BarFigure, Cell, Column, NoData
from .gpus import finding, span
from .runs import not_shown, row_of

NEEDS = "case that has passed beside other traffic: --beside kv_out,attention"


def figures(runs, wanted=None):
    found = []
    for run in runs:
        by_key = {}
        for case in run.cases:
            if case.get("beside") and wanted in (None, label_of(case)):
                key = label_of(case), shown_weights(case["weights"]["name"], case.get("gpus"))
                by_key.setdefault(key, []).append(case)
        found += [figure for key, cases in by_key.items() for figure in of_key(run, *key, cases)]
    if not found:
        raise NoData(f"no {NEEDS}")
    return found


def of_key(run, label, weights, cases):
    shown = [case for case in cases if passed(case)]
    if not shown:
        return
    place = {policy: style.place for policy, style in styles.of_cases(cases).items()}
    rows = tuple(sorted({row_of(case) for case in cases}, key=lambda row: (place[row.policy], row.start, row.graph)))
    by_traffic = {}
    for case in cases:
        by_traffic.setdefault(traffic(case), []).append(case)
    yield BarFigure(
        f"beside-{label}-{weights}",
        f"Beside {'; beside '.join(title(name, filter(passed, some)) for name, some in by_traffic.items())}",
        f"{label} of {weights}: % of its rate alone that each case keeps beside the traffic, and that the traffic keeps "
        "beside the case. 100 is where neither disturbs the other.",
        rows, tuple(column(f"{whose} kept, {name}", field, some, rows) for name, some in by_traffic.items()
                    for whose, field in (("case", "ratio"), ("traffic", "traffic_ratio"))),
        not_shown([run], cases), (run,), True)


def traffic(case):
    beside = case["beside"]
    return beside["traffic"] + (f" at {beside['pace']:.0%}" if beside["pace"] < 1 else "")


def title(name, cases):
    """kv_out copies keep 98 %, itself 80 %"""
    cases = list(cases)
    kept = [(case, case["beside"]["ratio"]) for case in cases]
    traffics = [case["beside"]["traffic_ratio"] for case in cases if case["beside"]["traffic_ratio"] is not None]
    return f"{name} {finding(kept) or 'nothing is known'}" + (f", it itself {span(traffics)}" if traffics else "")


def column(title_of_it, field, cases, rows):
    def cell(case):
        if not passed(case):
            return Cell("failed", text=case["failure"] or "incomplete")
        ratio = case["beside"][field]
        return Cell("unavailable", text="not known") if ratio is None else Cell("measured", 100 * ratio)

    cells = {row_of(case): cell(case) for case in cases}
    return Column(title_of_it, "% of alone", tuple(cells.get(row, ABSENT) for row in rows))
