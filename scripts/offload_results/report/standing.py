# SPDX-License-Identifier: Apache-2.0
"""Who wins: the cases of one label over one set of weights in one run, compared with each other by
the rules of the benchmark's own summary (bench/report/standing.cpp)."""
import dataclasses

from ..results import label_of, passed
from . import memory, words

SAME_BELOW = 1.01


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    label: str
    weights: str
    cases: tuple
    moving: dict  # {policy: whether it moves weights to the GPU}, as far as the run tells

    @property
    def workload(self):
        return self.cases[0]["workload"]


def groups_of(cases):
    """Of the cases of one run, in order of first appearance."""
    found = {}
    for case in cases:
        found.setdefault((label_of(case), case["weights"]["name"]), []).append(case)
    moving = memory.moving(cases)
    return [Group(label, weights, tuple(of_group), moving)
            for (label, weights), of_group in found.items()]


def median(case):
    return case["summary"]["median_s"]


def competes(case):
    """Passed, and what it read was in host memory: a pass over weights that are, or have become,
    resident in GPU memory answers another question and cannot win."""
    return passed(case) and case["path"] != "device_memory"


def ties(one, other):
    """The medians differ by less than 1 %, or the middle halves of the samples overlap."""
    fast, slow = sorted((one["summary"], other["summary"]), key=lambda of: of["median_s"])
    return slow["median_s"] < SAME_BELOW * fast["median_s"] or slow["p25_s"] <= fast["p75_s"]


def contest(group, start):
    """The competitors of one start, fastest first. Steady cases compete in both, since under those
    policies cold and warm are the same; without a genuinely warm one there is no warm contest."""
    ranked = [case for case in group.cases if competes(case) and case["start"] in (start, "steady")]
    if start == "warm" and not any(case["start"] == "warm" for case in ranked):
        return []
    return sorted(ranked, key=median)


def times_slower(other, case):
    """Of passes over a model's slice, by the time of the whole model."""
    if other.get("model") and case.get("model"):
        return other["model"]["pass_s"] / case["model"]["pass_s"]
    return median(other) / median(case)


def resident_bound(group):
    """The fastest case that read GPU memory, or None."""
    there = [case for case in group.cases if passed(case) and case["path"] == "device_memory"]
    return min(there, key=median, default=None)


def verdicts(group):
    """(text, times slower than the best or None) of each case: a warm one among what is fast when
    warm, all others from cold."""
    ranked = {start: contest(group, start) for start in ("cold", "warm")}
    return [verdict(case, ranked["warm" if case["start"] == "warm" else "cold"])
            for case in group.cases]


def verdict(case, rivals):
    if case["failure"] is not None:
        return "FAILED", None
    if not passed(case):
        return ("not finished" if case["summary"] else "no samples"), None
    if not competes(case):
        return "is on the GPU", None
    best = rivals[0]
    ratio = times_slower(case, best)
    if len(rivals) == 1:
        return "no rival", 1.0
    if case is best:
        return ("best when warm" if case["start"] == "warm" else "best"), 1.0
    if ties(best, case):
        return "same as best", ratio
    return f"{words.times(ratio)} slower", ratio
