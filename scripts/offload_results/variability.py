# SPDX-License-Identifier: Apache-2.0
"""What a case's time hangs on besides the program, and so how much runs of it differ."""
import math
import re

from .interval import Spread, between, within

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
    if case.get("path") == "link" and seconds < SHORT:
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
