# SPDX-License-Identifier: Apache-2.0
"""Samples by the rules of offload_bench for passes in which the CPU reads the weights
(docs/methodology.md, "Short passes")."""
import math
import statistics
import time

MOST_PASSES = 32


def passes_per_sample(pass_s):
    """What makes 60 ms, or as many of six passes as end within 0.5 s."""
    pass_s = max(pass_s, 1e-9)
    wanted = math.ceil(max(60e-3 / pass_s, min(6, 0.5 // pass_s)))
    return min(max(wanted, 1), MOST_PASSES)


def timed(call, before, clock=time.perf_counter):
    """Seconds of one call; `before` is not among them."""
    before()
    begin = clock()
    call()
    return clock() - begin


def in_turn(calls, before, samples, clock=time.perf_counter):
    """(passes per sample, samples of each of `calls` in seconds). One pass of the first, one of the
    second and so on, so that drift hits all of them; a sample is the mean of some passes."""
    def once():
        return [timed(call, before, clock) for call in calls]

    once()
    passes = passes_per_sample(min(once()))
    means = [[statistics.fmean(of_one) for of_one in zip(*(once() for _ in range(passes)))]
             for _ in range(samples)]
    return passes, [list(of_one) for of_one in zip(*means)]
