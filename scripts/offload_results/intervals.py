# SPDX-License-Identifier: Apache-2.0
"""How far a median, and the ratio of two, can be trusted: by samples within a run, and by what runs
differ by. docs/compare.md has the formulas and what they were tried on."""
from __future__ import annotations

import functools
import math
import re
import statistics
import typing

from .packages import imported

FEWEST = 3  # samples of a run that show its spread: two that happen to agree would claim none
MAX_LOG = 700.0  # of a logarithm: e to the power of it is a number still
EXACT = 500  # samples: beyond, the binomial distribution is normal, and exact sums take seconds
SHARPEST = 6  # degrees of freedom that a standard error from two order statistics is worth at most


class Run(typing.NamedTuple):
    """A case in one run: the logarithm of its median and how well its samples fix that."""

    log_median: float
    variance: float | None  # of log_median, by the samples alone; None where they are too few
    freedom: int


class Spread(typing.NamedTuple):
    """From run to run, of the logarithm of a case's median: variance, and how many degrees of
    freedom to credit that figure with."""

    variance: float
    freedom: float


class Ratio(typing.NamedTuple):
    """Of the candidate's median time to the baseline's. low and high are None without an interval:
    then nothing shows its spread."""

    value: float
    low: float | None
    high: float | None

    @property
    def resolution(self):
        """The least change that this interval would have shown, 0.03 for 3 %."""
        return None if self.low is None else math.sqrt(self.high / self.low) - 1


def run_of(samples):
    ordered = sorted(samples)
    count = len(ordered)
    half = count // 2
    median = ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2
    if count < FEWEST:
        return Run(math.log(median), None, 0)
    rank, width = order_statistics(count)
    error = math.log(ordered[count - rank] / ordered[rank - 1]) / width
    return Run(math.log(median), error * error, min(count - 1, SHARPEST))


@functools.cache
def order_statistics(count):
    """Price and Bonett (2002): the ranks c and count + 1 - c that enclose the median, and how many
    of its standard errors lie between them."""
    rank = max(1, round((count + 1) / 2 - math.sqrt(count)))
    if count > EXACT:
        return rank, 2 * (count + 1 - 2 * rank) / math.sqrt(count)
    outside = 2 * sum(math.comb(count, below) for below in range(rank)) / 2**count
    return rank, 2 * statistics.NormalDist().inv_cdf(1 - outside / 2)


def ratio(baseline, candidate, assumed, confidence):
    """Of two lists of runs. `assumed` is the Spread of runs of such a case, which counts beside
    what these runs show themselves."""
    difference = mean(candidate) - mean(baseline)
    half = half_width(*difference_variance(baseline, candidate, assumed), confidence)
    if half is None:
        return Ratio(math.exp(difference), None, None)
    low, high = difference - half, difference + half
    if -MAX_LOG < low and high < MAX_LOG:
        return Ratio(math.exp(difference), math.exp(low), math.exp(high))
    return Ratio(*(math.exp(max(-MAX_LOG, min(MAX_LOG, log))) for log in (difference, low, high)))


def half_width(variance, freedom, confidence):
    """Of the interval of a log ratio; None without a variance."""
    if variance is None:
        return None
    return math.sqrt(variance) * student(confidence, max(1, int(freedom + 1e-9)))


def mean(runs):
    if len(runs) == 1:
        return runs[0].log_median
    return sum(run.log_median for run in runs) / len(runs)


def difference_variance(baseline, candidate, assumed):
    """(variance of the difference of the two means, its degrees of freedom by Satterthwaite), or
    None where too few samples leave the spread within a run unknown and no second run shows it."""
    total = per_freedom = 0.0
    known = True
    for runs in (baseline, candidate):
        square = len(runs)**2
        for _, variance, free in runs:
            if variance is None:
                known = False
            else:
                part = variance / square
                total += part
                per_freedom += part**2 / free
    squares, freedom = between(baseline, candidate)
    if known and freedom:
        squares = max(0.0, squares - within(baseline) - within(candidate))
    return combined((total, per_freedom) if known else None, Spread(squares, freedom), assumed,
                    1 / len(baseline) + 1 / len(candidate))


def combined(samples, runs, assumed, share):
    """(variance of a difference of two means, its degrees of freedom). `samples` is what they add to
    it, and the square of each run's part by its degrees of freedom; None where they are too few.
    `runs` has the squares of the runs' medians in place of their variance."""
    found, freedom = between_runs(runs, assumed, samples is not None)
    if found is None:
        return None, 0
    total, per_freedom = samples or (0.0, 0.0)
    part = found * share
    total += part
    per_freedom += part**2 / freedom
    return total, total**2 / per_freedom if total else freedom


def between_runs(runs, assumed, known):
    """Spread that `runs`, given by their squares, and what is assumed show together. What few samples
    spread (not `known`) is in the spread of the runs, and in no other figure."""
    squares, freedom = runs
    if known:
        freedom += assumed.freedom
        return Spread((squares + assumed.variance * assumed.freedom) / freedom, freedom)
    if freedom == 0:
        return Spread(None, 0)
    return Spread(max(squares / freedom, assumed.variance), freedom)


def between(*sides):
    """Sum of squares of run medians about their side's mean, and its degrees of freedom."""
    squares = freedom = 0
    for runs in sides:
        if len(runs) > 1:
            centre = mean(runs)
            squares += sum((run.log_median - centre)**2 for run in runs)
            freedom += len(runs) - 1
    return squares, freedom


def within(runs):
    """What of between() the samples' own spread accounts for."""
    if len(runs) == 1:
        return 0.0
    return (1 - 1 / len(runs)) * sum(run.variance for run in runs)


@functools.cache
def student(confidence, freedom):
    """The two-sided quantile of Student's t."""
    return float(imported("scipy.special", "scipy").stdtrit(freedom, (1 + confidence) / 2))


GPU = "gpu"  # the GPU alone works in a pass, over its own memory or the link
DRIVER = "driver"  # the driver faults, maps, moves or checks pages in a pass
CPU = "cpu"  # the CPU computes or copies in a pass, or is not faster at enqueueing it

# Standard deviation of a case's median from run to run, and the degrees of freedom to credit that
# with. docs/compare.md, "Runs of the same build differ", explains them.
ASSUMED = {
    GPU: Spread(0.004**2, 8),
    DRIVER: Spread(0.15**2, 5),
    CPU: Spread(0.20**2, 5),
}
# Degrees of freedom among runs from which these show a kind's spread themselves. More cases make up
# for nothing: what disturbs a run disturbs many of its cases.
ENOUGH = 9
ROUGH = 0.05
PREFETCHES = re.compile("cudaMemPrefetch|prefetched")
SHORT = 50e-6  # seconds of a pass over the link that the CPU takes about as long to enqueue
SEEN = 0.01  # of a pass: the driver's threads running for longer leave a mark


def of_runs(kinds):
    """Of one case in several runs of the baseline: the kind that one of them is of and whose runs
    differ most. Never of the candidate: where the driver or the CPU has come into play since, that is
    a change to be found, not spread to be expected."""
    return kinds[0] if len(kinds) == 1 else max(kinds, key=lambda kind: ASSUMED[kind].variance)


def is_rough(case):
    """Whether runs of one build repeat it to no better than 5 %: written with two digits and a range.
    By those runs themselves where several were given."""
    if "between_runs" in case:
        return case["between_runs"] > ROUGH
    return math.sqrt(ASSUMED[kind_of(case)].variance) > ROUGH


def kind_of(case):
    """By fields; those that files of an older schema lack count as 0."""
    if (case.get("path") == "host_memory" or case.get("cpu_bytes")
            or case.get("footprint", {}).get("pageable")):
        return CPU
    seconds = (case["summary"] or {}).get("median_s", math.inf)
    if case.get("path") in ("link", "one_memory") and seconds < SHORT:
        return CPU
    if case["start"] == "cold" or PREFETCHES.search(case.get("mechanism", "")):
        return DRIVER  # a prefetch asks the driver about every page, even where nothing has to move
    driver = (case.get("evidence") or {}).get("cpu", {}).get("driver_s") or 0.0
    return DRIVER if driver > SEEN * seconds else GPU


def spreads(pairs, assumed=None):
    """{kind: Spread}: what is assumed, or, where enough runs are at hand, what these show. `pairs`
    are (kind, a case's runs in the baseline, its runs in the candidate)."""
    assumed = ASSUMED if assumed is None else assumed
    squares, freedom = dict.fromkeys(ASSUMED, 0.0), dict.fromkeys(ASSUMED, 0)
    for kind, *sides in pairs:
        free = sum(map(len, sides)) - len(sides)
        if free < ENOUGH or any(run.variance is None for runs in sides for run in runs):
            continue
        squares[kind] += max(0.0, between(*sides)[0] - sum(map(within, sides)))
        freedom[kind] += free
    return {kind: of_kind(assumed[kind], squares[kind], freedom[kind]) for kind in ASSUMED}


def of_kind(assumed, squares, freedom):
    if not freedom:
        return assumed
    # Runs made one right after the other are more similar than those of another day: no kind counts
    # as steadier than what the GPU does alone.
    return Spread(max(squares / freedom, ASSUMED[GPU].variance), assumed.freedom)
