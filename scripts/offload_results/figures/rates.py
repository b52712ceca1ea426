# SPDX-License-Identifier: Apache-2.0
"""GB/s by policy, of workloads that no other figure is for; set-up and read apart where known."""
import dataclasses
import functools

from ..results import label_of, passed, weights_of
from ..intervals import is_rough
from . import bandwidth, batch, granularity, latency
from .data import BarFigure, Cell, Column, of_each
from .runs import bar_column, not_shown, offloads, rate_text, row_of, titled

NEEDS = "passed case of a workload that no other figure is for"
SWEEPS = (bandwidth, batch, granularity, latency)
MAX_COLUMNS = 3  # of a drawing, which cannot be scrolled


def figures(runs, wanted=None):
    """Of all labels, or of the one that is wanted."""
    return of_each(runs, functools.partial(of_run, wanted=wanted), NEEDS)


def of_run(run, wanted=None):
    if wanted is not None:
        run = dataclasses.replace(run, cases=tuple(case for case in run.cases if label_of(case) == wanted))
    for workload in dict.fromkeys(case["workload"] for case in run.cases):
        part = dataclasses.replace(run, cases=tuple(
            case for case in run.cases if case["workload"] == workload))
        if not has_figures(part):
            yield from map(drawable, of_workload(part))


def has_figures(part):
    """Of another kind: a sweep, or tokens of a model."""
    return any(case.get("model") for case in part.cases) or any(
        True for kind in SWEEPS for _ in kind.of_run(part))


def drawable(figure):
    """With the columns of the largest weights, in their order."""
    left_out = len(figure.columns) - MAX_COLUMNS
    if left_out <= 0:
        return figure
    return dataclasses.replace(
        figure, columns=figure.columns[-MAX_COLUMNS:],
        notes=(*figure.notes, f"{left_out} more columns: offload-results report shows all."))


def of_workload(part):
    """Of a run with the cases of one workload: a column for each label and weights."""
    cases = [case for case in part.cases if offloads(case)]
    if not any(map(passed, cases)):
        return []
    columns = {}
    for case in part.cases:
        columns.setdefault((label_of(case), weights_of(case)), []).append(case)
    rows = rows_of(cases)
    workload = cases[0]["workload"]
    contests = [(title, part, of_column) for title, of_column in zip(titles(columns), columns.values())]
    made = [BarFigure(
        f"rates-{workload}", titled(workload, contests, rate_text),
        "GB/s by policy: bytes that the workload asks for over the median pass. Whiskers, where visible: 5th to "
        "95th percentile.",
        rows, tuple(column(title, of_column, rows) for title, _, of_column in contests),
        not_shown([part], part.cases), (part,))]
    if any(case.get("setup") for case in cases):
        made.append(setup_figure(part, workload, cases))
    return made


def rows_of(cases):
    """Best first."""
    best = {}
    for case in cases:
        row = row_of(case)
        best[row] = max(best.get(row, 0), case["gb_per_s"] or 0 if passed(case) else 0)
    return tuple(sorted(best, key=lambda row: (-best[row], row.policy, row.start)))


def titles(columns):
    """What tells the columns apart: weights, labels, or both."""
    labels, names = map(len, map(set, zip(*columns)))
    return [weights if labels == 1 else label if names == 1 else f"{label} of {weights}"
            for label, weights in columns]


def column(name, cases, rows):
    return bar_column(name, "GB/s", cases, rows, lambda case: case["gb_per_s"],
                      lambda case, seconds: case["bytes"]["requested"] / seconds / 1e9)


def setup_figure(part, workload, cases):
    shown = sorted((case for case in cases if case.get("setup") and passed(case)),
                   key=lambda case: case["summary"]["median_s"])
    rows = tuple(map(row_of, shown))
    parts = (("before reading began", "median_s"), ("reading", "read_median_s"))
    return BarFigure(
        f"setup-{workload}", f"{workload}: set-up and read apart",
        "Medians of the two parts of each sample; a copy through pointers pays before it reads.",
        rows, tuple(Column(text, "ms", tuple(
            Cell("measured", max(case["setup"][field], 0) * 1e3, rough=is_rough(case))
            for case in shown))
            for text, field in parts), (), (part,))
