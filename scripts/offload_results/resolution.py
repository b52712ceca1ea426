# SPDX-License-Identifier: Apache-2.0
"""What a gate can see: by kind of case the least change that would show, by case what one more run may
differ by, and how many runs would show a change of a given size."""
from __future__ import annotations

import math
import statistics
import typing

from . import intervals
from .comparison import measured
from .intervals import Spread
from .results import BadInput

COARSE = 0.5  # a gate that needs more than this to fail hardly guards a case
MOST_RUNS = 1000  # a side; a plan does not look further


class Sight(typing.NamedTuple):
    """Of the compared cases of a kind: how many, their median resolution (None where half of them would
    show no change), and how many need a slow-down of more than COARSE to fail."""

    cases: int
    median: float | None
    coarse: int


def sights(rows, threshold):
    """{kind: Sight} of the rows of a comparison."""
    found = {}
    for kind in intervals.ASSUMED:
        seen = [resolution_of(row) for row in rows if row.ratio and row.kind == kind]
        if seen:
            median = statistics.median(seen)
            found[kind] = Sight(len(seen), median if math.isfinite(median) else None,
                                sum(max(threshold, one) > COARSE for one in seen))
    return found


def resolution_of(row):
    """Infinite where no change would count: the machine was busy, or the samples are too few."""
    return math.inf if row.reason or row.ratio.low is None else row.ratio.resolution


class Variation(typing.NamedTuple):
    """How a case's log median varies, by the runs at hand and by what is assumed of its kind."""

    between: float  # variance from run to run
    within: float | None  # variance of a run's median by its samples alone; None where they are too few
    freedom: int  # of `within`


def variation(sides, spread):
    """Of a case's runs, a list for each side."""
    runs = [run for side in sides for run in side]
    known = all(run.variance is not None for run in runs)
    squares, freedom = intervals.between(*sides)
    if known:
        squares = max(0.0, squares - sum(map(intervals.within, sides)))
    between = intervals.between_runs(Spread(squares, freedom), spread, known)
    return Variation(spread.variance if between.variance is None else between.variance,
                     statistics.fmean(run.variance for run in runs) if known else None,
                     min(run.freedom for run in runs))


class Plan(typing.NamedTuple):
    """For the cases of a kind: how many runs a side bring half of them, and all of them, to a resolution.
    None where more than MOST_RUNS would."""

    cases: int
    between: float  # variance from run to run, on average
    half: int | None
    all: int | None


def plans(pairs, resolution, terms):
    """{kind: Plan}. `pairs` are (kind, a case's runs on one side, ...), as intervals.spreads takes
    them."""
    spreads = intervals.spreads(pairs, terms.assumed)
    found = {}
    for kind in intervals.ASSUMED:
        cases = [variation(sides, spreads[kind]) for of, *sides in pairs if of == kind]
        if cases:
            between = statistics.fmean(case.between for case in cases)
            runs = sorted(runs_needed(case, kind, between, resolution, terms) for case in cases)
            half, every = (None if count > MOST_RUNS else count
                           for count in (runs[(len(runs) - 1) // 2], runs[-1]))
            found[kind] = Plan(len(cases), between, half, every)
    return found


def pairs_of(rows):
    """What plans() takes, of the rows of a comparison."""
    return [(row.kind, row.baseline.measured, row.candidate.measured) for row in rows if row.ratio]


def runs_needed(case, kind, between, resolution, terms):
    """The fewest runs a side that bring a case to a resolution; more than MOST_RUNS if those do not."""
    def reached(runs):
        return with_runs(case, runs, spread_at(runs, kind, between, terms.assumed),
                         terms.confidence) <= resolution

    learning = 1 + math.ceil(intervals.ENOUGH / 2)  # from here on runs replace what is assumed
    for runs in range(1, learning):
        if reached(runs):
            return runs
    least, most = learning, MOST_RUNS + 1
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if reached(middle) else (middle + 1, most)
    return least


def spread_at(runs, kind, between, assumed):
    """What intervals.spreads() would find in so many runs a side."""
    freedom = 2 * (runs - 1)
    if freedom < intervals.ENOUGH:
        return assumed[kind]
    return intervals.of_kind(assumed[kind], between * freedom, freedom)


def with_runs(case, runs, spread, confidence):
    """The resolution of so many runs a side, all of which vary as the case's do."""
    freedom = 2 * (runs - 1)
    samples = None
    if case.within is not None:
        part = case.within / runs**2  # of one run
        samples = 2 * runs * part, 2 * runs * part**2 / case.freedom
    variance, free = intervals.combined(samples, Spread(case.between * freedom, freedom), spread,
                                        2 / runs)
    half = intervals.half_width(variance, free, confidence)
    return math.inf if half is None else math.expm1(min(half, intervals.MAX_LOG))


def tolerances(baseline, terms, wanted=None):
    """[(key, kind, Side, slower), ...]: a median of more than slower times the baseline's is
    slower, one of less than 1 / slower is faster. A new run's samples are taken to vary as the
    baseline's."""
    sides = sides_of(baseline, wanted)
    spreads = intervals.spreads([(kind, side.measured) for _, kind, side in sides], terms.assumed)
    return [(key, kind, side, limit(side.measured, spreads[kind], terms))
            for key, kind, side in sides]


def sides_of(baseline, wanted=None):
    """[(key, kind, Side)] of the cases that passed."""
    found = [(key, intervals.of_runs([case.kind for case in cases]), measured(baseline, cases))
             for key, cases in baseline.compared.items()
             if any(case.passed for case in cases) and (wanted is None or wanted(key, cases[0]))]
    if not found:
        raise BadInput(f"{baseline.path}: no case in it passed (and matches --filter)")
    return found


def limit(runs, spread, terms):
    """None where the baseline's samples are too few to say."""
    known = [run.variance for run in runs if run.variance is not None]
    new = intervals.Run(intervals.mean(runs), sum(known) / len(known) if known else None,
                       max(run.freedom for run in runs))
    found = intervals.ratio(runs, [new], spread, terms.confidence)
    return None if found.low is None else 1 + max(terms.threshold, found.resolution)
