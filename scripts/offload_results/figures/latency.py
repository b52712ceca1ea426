# SPDX-License-Identifier: Apache-2.0
"""Time of one dependent read, by policy and size of what is chased through."""
from ..intervals import is_rough
from ..results import passed, weights_of
from ..text import digits
from .data import BarFigure, of_each
from .runs import bar_column, not_shown, of_workload, offloads, row_of, titled

NEEDS = "pointer_chase: --suite quick, micro or full, or --workloads pointer_chase"


def figures(runs):
    return of_each(runs, of_run, NEEDS)


def of_run(run):
    cases = of_workload(run, "pointer_chase")
    if not any(passed(case) and offloads(case) for case in cases):
        return
    by_size = {}
    for case in sorted(cases, key=lambda case: case["weights"]["bytes"]):
        by_size.setdefault(weights_of(case), []).append(case)
    largest = list(by_size.values())[-1]
    rows = rows_of(cases, largest)
    yield BarFigure(
        "latency", titled("One dependent read of offloaded weights",
                          [(name, run, of_size) for name, of_size in by_size.items()], step_text),
        "pointer_chase: time per step of a chain of single reads, the time to bring the pages or "
        "copies shared out over all steps. Whiskers, where visible: 5th to 95th percentile.",
        rows, tuple(column(name, of_size, rows) for name, of_size in by_size.items()),
        not_shown([run], cases), (run,))


def step_text(case):
    return f"{digits(is_rough(case))(case['seconds_per_step'] * 1e6)} us"


def rows_of(cases, largest):
    """Fastest first, by the largest weights."""
    times = {row_of(case): case["seconds_per_step"] for case in largest if passed(case)}
    rows = {row_of(case) for case in cases if offloads(case)}
    return tuple(sorted(rows, key=lambda row: (
        times.get(row, float("inf")), row.policy, row.start)))


def column(name, cases, rows):
    return bar_column(name, "us per step", cases, rows, lambda case: case["seconds_per_step"] * 1e6,
                      lambda case, seconds: seconds / case["steps"] * 1e6)
