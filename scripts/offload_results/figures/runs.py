# SPDX-License-Identifier: Apache-2.0
"""The runs that figures are made from, and which of their cases a figure may show."""
import dataclasses
import re

from .. import results
from ..results import passed
from ..intervals import is_rough
from .data import Cell, Point

MAX_NOTES = 8  # of single cases, below a figure


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the benchmark: a file, or one source of a merged file."""

    name: str  # of its file, without .json
    run: dict  # what describes it: platform, build, calibration, skipped cases
    cases: tuple

    @property
    def calibration(self):
        return self.run["calibration"]

    @property
    def platform(self):
        return self.run["platform"]


def runs_of(results, name):
    return [Run(name if source is None else f"{name}.{index}", run, tuple(run["cases"]))
            for index, (source, run) in enumerate(results.apart())]


def load(paths):
    files = [results.load(path, empty_allowed=True) for path in paths]
    stems = [file.path.stem for file in files]
    return [run for file in files for run in runs_of(
        file, file.path.stem if stems.count(file.path.stem) == 1
        else f"{file.path.parent.name}-{file.path.stem}")]


def of_workload(run, workload):
    return [case for case in run.cases if case["workload"] == workload]


def on_the_gpu(case):
    """It was in GPU memory when it was read: no offloading (any more)."""
    return case["path"] == "device_memory"


def never_leaves_the_gpu(case):
    """It is there whatever was read before: the bound that offloading is compared with."""
    return on_the_gpu(case) and case["start"] == "steady"


def offloads(case):
    return not on_the_gpu(case)


def spread(case, of):
    """(low, high) of a figure that is computed from seconds, at the 5th and 95th percentile; (None,
    None) where there is one sample."""
    if len(case["samples_s"]) < 2:
        return None, None
    summary = case["summary"]
    return tuple(sorted((of(summary["p95_s"]), of(summary["p05_s"]))))


def measured(case, value, of):
    """A cell with `value`, which follows from the seconds of the median pass by `of`."""
    return Cell("measured", value, *spread(case, of), rough=is_rough(case))


def point(x, case, value, of, note=None):
    return Point(x, value, *spread(case, of), note, is_rough(case))


def not_shown(runs, cases):
    """Notes on what would stand among `cases` of `runs` and does not: failed, cut short, skipped."""
    notes = [f"{case['name']}: {why(case)}." for case in cases if not passed(case)]
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES:] = [f"And {len(notes) - MAX_NOTES} more cases failed or are incomplete."]
    workloads = {case["workload"] for case in cases}
    reasons = {}  # {reason: policies}
    for run in runs:
        for case in run.run["skipped"]:
            if case["workload"] in workloads:
                reasons.setdefault(reason_of(case), []).append(case["policy"])
    ran = {case["policy"] for case in cases}
    for reason, policies in reasons.items():
        names = [f"{policy} in {policies.count(policy)} of its cases" if policy in ran else policy
                 for policy in dict.fromkeys(policies)]
        notes.append(f"Not run: {', '.join(names)} ({reason}).")
    for run in runs:
        if not run.run["complete"]:
            notes.append(f"{run.name} is INCOMPLETE: {run.run['incomplete_reason']}.")
    return tuple(notes)


def reason_of(case):
    """Without the label at its end: gemm/tokens:512 and gemm/tokens:1024 were skipped for one
    reason."""
    return re.sub(rf": {re.escape(case['workload'])}/\S+$", "", case["reason"])


def why(case):
    if case["failure"] is not None:
        return f"failed, {case['failure']}"
    return "incomplete" if case["summary"] is not None else "no sample was taken"
