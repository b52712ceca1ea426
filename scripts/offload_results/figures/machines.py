# SPDX-License-Identifier: Apache-2.0
"""One workload on several machines, or in several runs of one: a column for each, on one scale."""
from ..results import label_of, passed, weights_of
from . import caption, rates
from .data import BarFigure, NoData
from .runs import joined, not_shown, offloads, rate_text, titled, with_runs

NEEDS = "workload and weights that two machines, or two runs, have in common"


def figures(runs, wanted=None):
    """Passes through models are not among them: those of several machines share the figure of tokens."""
    by_key = {}  # {(label, weights): {machine: [(run, its cases)]}}
    for run in runs:
        of_run = {}
        for case in run.cases:
            if not case.get("model") and wanted in (None, label_of(case)):
                of_run.setdefault((label_of(case), weights_of(case)), []).append(case)
        for key, cases in of_run.items():
            by_key.setdefault(key, {}).setdefault(caption.machine(run), []).append((run, cases))
    found = [figure for (label, weights), machines in by_key.items()
             for figure in of_key(label, weights, machines)]
    if not found:
        raise NoData(f"no {NEEDS}")
    return found


def of_key(label, weights, machines):
    columns = [(runs, cases) for parts in machines.values() for runs, cases in joined(parts, offloads)
               if any(passed(case) and offloads(case) for case in cases)]
    if len(columns) < 2:
        return
    firsts = [runs[0] for runs, _ in columns]
    titles = with_runs([caption.short_machine(run) for run in firsts], firsts)
    runs = tuple(run for of_column, _ in columns for run in of_column)
    rows = tuple(dict.fromkeys(row for _, cases in columns
                               for row in rates.rows_of([case for case in cases if offloads(case)])))
    yield BarFigure(
        f"machines-{label}-{weights}",
        titled(f"{label} of {weights}",
               [(title, of_column[0], cases) for title, (of_column, cases) in zip(titles, columns)], rate_text),
        "GB/s by policy, on one scale: bytes that the workload asks for over the median pass. Whiskers, where "
        "visible: 5th to 95th percentile.",
        rows, tuple(rates.column(title, cases, rows) for title, (_, cases) in zip(titles, columns)),
        not_shown(runs, [case for _, cases in columns for case in cases]), runs, one_scale=True)


