# SPDX-License-Identifier: Apache-2.0
"""A candidate against a baseline: a verdict for each case, and one for all."""
from __future__ import annotations

import collections
import dataclasses
import functools
import math
import typing

from . import intervals, results
from .comparability import busy_runs, Difference, differences, measurement_of, what_differs
from .results import BadInput, CaseKey

MAX_SECONDS = 1e9  # of a sample: thirty years


@dataclasses.dataclass(frozen=True)
class Case:
    key: results.CaseKey
    workload: str
    source: int
    passed: bool
    failure: str | None
    kind: str
    measurement: tuple
    samples: tuple

    @property
    def path(self):
        return self.measurement.path

    @functools.cached_property
    def run(self):
        """An intervals.Run, or None if the samples are not times."""
        if not self.samples or max(self.samples) > MAX_SECONDS:
            return None
        return intervals.run_of(self.samples)

    def refused(self, path):
        """For want of a run."""
        raise BadInput(f"{path}: {self.key}: "
                       f"{'a sample that is not a time' if self.samples else 'no samples'}; "
                       "the file is damaged: offload-results validate says where")


def compared(case):
    return Case(results.key_of(case), case["workload"], results.source_of(case),
                results.passed(case), case["failure"], intervals.kind_of(case), measurement_of(case),
                tuple(case["samples_s"]))


class ComparedResults(results.Results):
    """Its cases by key are what compared() makes of them."""

    @functools.cached_property
    def compared(self):
        return {key: list(map(compared, cases)) for key, cases in self.by_key().items()}


def load(path):
    found = results.load(path)
    return ComparedResults(found.path, found.document)


SLOWER, FAILED, MISSING = "slower", "failed", "missing"
NOT_COMPARABLE, FASTER, AMBIGUOUS = "not comparable", "faster", "ambiguous"
NEW, SAME = "new", "same"
VERDICTS = (SLOWER, FAILED, MISSING, NOT_COMPARABLE, FASTER, AMBIGUOUS, NEW, SAME)

FINE, REGRESSION, UNDECIDED = 0, 1, 2  # exit codes


class Side(typing.NamedTuple):
    """A case in one file."""

    measured: list[intervals.Run]
    samples: int

    @property
    def median_s(self):
        """The geometric mean of its runs' medians."""
        return math.exp(intervals.mean(self.measured))

    @property
    def runs(self):
        return len(self.measured)


class Row(typing.NamedTuple):
    key: CaseKey
    verdict: str
    regression: bool
    reason: str | None = None
    kind: str | None = None
    ratio: intervals.Ratio | None = None
    baseline: Side | None = None
    candidate: Side | None = None


@dataclasses.dataclass(frozen=True)
class Terms:
    """How verdicts are made: `threshold` is the least change that counts, 0.03 for 3 %; `assumed`
    is how much runs of a build differ, by kind of case."""

    threshold: float = 0.03
    confidence: float = 0.998
    missing_allowed: bool = False
    assumed: dict[str, intervals.Spread] = dataclasses.field(default_factory=lambda: intervals.ASSUMED)
    plan: float | None = None  # the resolution to say how many runs it takes


@dataclasses.dataclass(frozen=True)
class Comparison:
    baseline: ComparedResults
    candidate: ComparedResults
    terms: Terms
    differences: list[Difference]
    spreads: dict[str, intervals.Spread]
    rows: list[Row]

    @functools.cached_property
    def counts(self):
        found = collections.Counter(row.verdict for row in self.rows)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def exit_code(self):
        if any(row.regression for row in self.rows):
            return REGRESSION
        return UNDECIDED if self.counts[NOT_COMPARABLE] else FINE


def compare(baseline, candidate, terms=Terms(), wanted=None):
    """Of two ComparedResults, with no regard to what forbids it: that is comparability's to refuse.
    `wanted` says of a key and a case whether it counts; None: all do."""
    old, new = chosen(baseline, wanted), chosen(candidate, wanted)
    skipped = skip_reasons(candidate)
    old_busy, new_busy = busy_runs(baseline), busy_runs(candidate)
    any_busy = old_busy or new_busy
    rows, pairs = [], []
    for key, old_cases in old.items():
        new_cases = new.get(key)
        row = (vanished(key, old_cases, new, skipped, terms) if new_cases is None
               else None if are_plain(old_cases + new_cases)
               else unmeasured(key, old_cases, new_cases)
               or incomparable(key, old_cases, new_cases))
        if row:
            rows.append(row)
        else:
            kind = intervals.of_runs([case.kind for case in old_cases])
            pairs.append((key, kind, measured(baseline, old_cases),
                          measured(candidate, new_cases),
                          disturbed(kind, old_cases, old_busy)
                          or disturbed(kind, new_cases, new_busy) if any_busy else None))
    rows += appeared(old, new)
    if not pairs and all(row.verdict in (MISSING, NEW) for row in rows):
        raise BadInput(f"{candidate.path}: no case in common with {baseline.path}"
                       + (" among those that --filter leaves" if wanted else ""))
    spreads = intervals.spreads([(kind, old_side.measured, new_side.measured)
                             for _, kind, old_side, new_side, _ in pairs], terms.assumed)
    rows += [judged(key, kind, old_side, new_side, spreads[kind], terms, reason)
             for key, kind, old_side, new_side, reason in pairs]
    with_cpu = intervals.CPU in {kind for _, kind, *_ in pairs}
    return Comparison(baseline, candidate, terms, differences(baseline, candidate, with_cpu),
                      spreads, rows)


def chosen(results, wanted):
    """{key: its cases, one per run}"""
    cases = results.compared
    if wanted is None:
        return cases
    return {key: of_key for key, of_key in cases.items() if wanted(key, of_key[0])}


def twin(key):
    return key._replace(captured=not key.captured)


def appeared(old, new):
    """The rows of cases that the baseline lacks, less those that vanished() has reported."""
    return [Row(key, NEW, False) for key in new
            if key not in old and not (twin(key) in old and twin(key) not in new)]


def vanished(key, old, new, skipped, terms):
    """The row of a case that the candidate lacks."""
    if twin(key) in new:
        return Row(key, NOT_COMPARABLE, False, "one was captured as a CUDA graph, one was not")
    reason = skipped.get(name_of(key))
    return Row(key, MISSING, not terms.missing_allowed and any(case.passed for case in old),
               f"skipped: {reason}" if reason else None)


def name_of(key):
    return str(key._replace(captured=False))


def skip_reasons(results):
    return {skip.get("name"): skip.get("reason") for skip in results.run.get("skipped") or ()
            if isinstance(skip, dict)}


def are_plain(cases):
    """Nearly all are: passed, and the same measurement. Then there is nothing to look into."""
    same = cases[0].measurement
    for case in cases:
        if not case.passed or case.measurement != same:
            return False
    return True


def unmeasured(key, old, new):
    """The row of a case that did not pass on one side; else None."""
    failed = [case for case in new if not case.passed]
    measured_before = True in [case.passed for case in old]
    if failed:
        reason = failed[0].failure or "incomplete"
        if len(new) > 1:
            reason = f"in {len(failed)} of {len(new)} runs: {reason}"
        if not measured_before:
            reason = f"in the baseline too; {reason}"
        return Row(key, FAILED, measured_before, reason)
    if not measured_before:
        return Row(key, NEW, False, f"no baseline: {old[0].failure or 'incomplete'}")
    return None


def incomparable(key, old, new):
    """The row of a case that is another measurement under the same name; else None."""
    first = [case.measurement for case in old if case.passed][0]
    for case in old + new:
        what = case.measurement != first and what_differs(first, case.measurement)
        if what:
            return Row(key, NOT_COMPARABLE, False, what)
    return None


def measured(results, cases):
    runs, samples = [], 0
    for case in cases:
        if case.passed:
            runs.append(case.run or case.refused(results.path))
            samples += len(case.samples)
    return Side(runs, samples)


def disturbed(kind, cases, busy):
    """Why such a case's times say nothing: others worked the CPU that it hangs on; else None."""
    if kind == intervals.GPU:
        return None
    loads = [busy[case.source] for case in cases if case.source in busy]
    return f"{loads[0]} when the run began" if loads else None


def judged(key, kind, old, new, spread, terms, disturbance):
    ratio = intervals.ratio(old.measured, new.measured, spread, terms.confidence)
    verdict = AMBIGUOUS if disturbance else verdict_of(ratio, terms.threshold)
    return Row(key, verdict, verdict == SLOWER, disturbance, kind, ratio, old, new)


def verdict_of(ratio, threshold):
    """A change counts when it is beyond the threshold and the interval excludes none. Within the
    threshold it is `same` only if a change of that size would have shown."""
    most = 1 + threshold
    if ratio.low is None:
        return AMBIGUOUS
    if ratio.value > most:
        return SLOWER if ratio.low > 1 else AMBIGUOUS
    if ratio.value < 1 / most:
        return FASTER if ratio.high < 1 else AMBIGUOUS
    return SAME if ratio.resolution <= threshold else AMBIGUOUS
