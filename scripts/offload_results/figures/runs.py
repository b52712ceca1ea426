# SPDX-License-Identifier: Apache-2.0
"""The runs that figures are made from, and which of their cases a figure may show."""
import dataclasses
import re

from .. import results
from ..results import passed
from ..intervals import is_rough
from ..text import digits, rough_seconds, seconds
from .data import ABSENT, Cell, Column, Point, Row

MAX_NOTES = 8  # of single cases, below a figure
LONGEST = 40  # characters of names in a title


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
    return [run for file, name in zip(files, names_of(files)) for run in runs_of(file, name)]


def names_of(files):
    """Their own, with their folder's where two have the same."""
    stems = [file.path.stem for file in files]
    return [stem if stems.count(stem) == 1 else f"{file.path.parent.name}-{stem}"
            for file, stem in zip(files, stems)]


def of_workload(run, workload):
    return [case for case in run.cases if case["workload"] == workload]


def row_of(case):
    return Row(case["policy"], case["start"], case.get("captured", False))


def bar_column(title, unit, cases, rows, value, at, bound_text="on the GPU"):
    """Of the cases that offload, with those that never leave the GPU as its bound. `value` is what bars show
    of a case, and `at` what it would be if the median pass took so many seconds."""
    def cell(case):
        if not passed(case):
            return Cell("failed", text=case["failure"] or "incomplete")
        return measured(case, value(case), lambda seconds: at(case, seconds))

    cells = {row_of(case): cell(case) for case in cases if offloads(case)}
    bounds = [value(case) for case in cases if passed(case) and never_leaves_the_gpu(case)]
    return Column(title, unit, tuple(cells.get(row, ABSENT) for row in rows),
                  bounds[0] if bounds else None, bound_text if bounds else None, True)


def with_runs(names, runs):
    """The names of columns; with their runs', where two would be alike."""
    return [name if names.count(name) == 1 else f"{name}, {run.name}" for name, run in zip(names, runs)]


def joined(parts, shown):
    """(runs, cases) of each column: of [(run, cases)] those that measured different rows share one, the run
    of most cases first. `shown` tells which cases have a row."""
    found = []
    for run, cases in sorted(parts, key=lambda part: -len(part[1])):
        rows = set(map(row_of, filter(shown, cases)))
        for runs, of_column in found:
            if not rows & set(map(row_of, filter(shown, of_column))):
                runs.append(run)
                of_column.extend(cases)
                break
        else:
            found.append(([run], list(cases)))
    return found


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


def point(x, case, value, of, note=""):
    return Point(x, value, *spread(case, of), rough=is_rough(case), note=note)


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


def titled(subject, contests, spelled):
    """`subject` and who wins, as the results' own answers say it: an answer is of weights that are not on
    the GPU yet, or never. `contests` are [(name, run, cases)], each of one label and weights; `spelled`
    writes a case's figure. The subject alone where no run has an answer, as before schema 2."""
    won = {}  # {policies that share the first place: [(name, best case)]}
    for name, run, cases in contests:
        contest = contest_of(run, cases[0])
        if contest and (contest["tied"] or contest["runner_up"]):  # it has a rival
            first = (contest["best"]["policy"], *(tied["policy"] for tied in contest["tied"]))
            best = next((case for case in cases if case["name"] == contest["best"]["case"]), None)
            key = next((key for key in won if set(key) == set(first)), first)
            won.setdefault(key, []).append((name, best))
    if not won:
        return subject
    if len(won) == 1:
        [(policies, found)] = won.items()
        return f"{subject}: {first_place(policies)}{where(found, contests, spelled)}"
    parts = [f"{policy} is fastest or ties{where(found, contests, spelled)}" for policy, found in most_first(won)]
    return f"{subject}: {'; '.join(parts)}"


def most_first(won):
    """(policy, where it has or shares the first place), until each place is somebody's."""
    left = dict(won)
    while left:
        found = {}
        for policies, places in left.items():
            for policy in policies:
                found[policy] = found.get(policy, []) + places
        policy = max(found, key=lambda policy: len(found[policy]))
        yield policy, found[policy]
        left = {policies: places for policies, places in left.items() if policy not in policies}


def contest_of(run, case):
    for answer in run.run.get("answers") or ():
        if results.subject_of(answer) == (results.label_of(case), results.weights_of(case)):
            return answer["cold"]
    return None


def first_place(policies):
    if len(policies) == 1:
        return f"{policies[0]} is fastest"
    others = f" and {len(policies) - 2} more" if len(policies) > 3 else ""
    names = policies[:2] if others else policies
    return f"{', '.join(names[:-1])}{',' if others else ' and'} {names[-1]}{others} tie"


def where(found, contests, spelled):
    if len(contests) == 1:
        best = found[0][1]
        return f" at {spelled(best)}" if best else ""
    if len(found) == len(contests):
        return " in both" if len(found) == 2 else f" in all {len(found)}"
    names = " and ".join(name for name, _ in found)
    return f" with {names}" if len(found) <= 2 and len(names) <= LONGEST else f" in {len(found)} of {len(contests)}"


def contests(run, cases):
    """Of the cases of one weight, for titled(): one for each label, named by its parameter."""
    by_label = {}
    for case in cases:
        by_label.setdefault(results.label_of(case), []).append(case)
    return [(label.rpartition("/")[2].replace(":", " "), run, of_label) for label, of_label in by_label.items()]


def time_text(case):
    return (rough_seconds if is_rough(case) else seconds)(case["summary"]["median_s"])


def rate_text(case):
    return f"{digits(is_rough(case))(case['gb_per_s'])} GB/s"


def reason_of(case):
    """Without the label at its end: gemm/tokens:512 and gemm/tokens:1024 were skipped for one
    reason."""
    return re.sub(rf": {re.escape(case['workload'])}/\S+$", "", case["reason"])


def why(case):
    if case["failure"] is not None:
        return f"failed, {case['failure']}"
    return "incomplete" if case["summary"] is not None else "no sample was taken"
