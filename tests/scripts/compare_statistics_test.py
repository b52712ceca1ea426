# SPDX-License-Identifier: Apache-2.0
"""The interval behind the verdicts of offload-results compare: against published tables, by hand, and by
simulation of what it promises. Needs pytest only."""
import math
import pathlib
import random
import statistics
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from offload_results import comparison, intervals  # noqa: E402
from offload_results.intervals import Run, Spread, ratio, run_of, student  # noqa: E402

TERMS = comparison.Terms()
NO_SPREAD = Spread(0.0, 1000)


def verdict(found):
    return comparison.verdict_of(found, TERMS.threshold)


@pytest.mark.parametrize("freedom, quantiles", [  # published tables, two-sided: 90, 95, 99, 99.9 %
    (1, (6.314, 12.706, 63.657, 636.619)),
    (2, (2.920, 4.303, 9.925, 31.599)),
    (3, (2.353, 3.182, 5.841, 12.924)),
    (4, (2.132, 2.776, 4.604, 8.610)),
    (7, (1.895, 2.365, 3.499, 5.408)),
    (10, (1.812, 2.228, 3.169, 4.587)),
    (30, (1.697, 2.042, 2.750, 3.646)),
    (120, (1.658, 1.980, 2.617, 3.373)),
])
def test_student(freedom, quantiles):
    found = [student(confidence, freedom) for confidence in (0.90, 0.95, 0.99, 0.999)]
    assert found == pytest.approx(quantiles, abs=6e-4)


@pytest.mark.parametrize("count, rank, outside", [
    # c = (n + 1) / 2 - sqrt(n), at least 1; outside = 2 P(fewer than c of n tosses are heads)
    (3, 1, 2 * 1 / 8),
    (5, 1, 2 * 1 / 32),
    (10, 2, 2 * (1 + 10) / 1024),
    (12, 3, 2 * (1 + 12 + 66) / 4096),
    (20, 6, 2 * (1 + 20 + 190 + 1140 + 4845 + 15504) / 2**20),
])
def test_order_statistics(count, rank, outside):
    found, width = intervals.order_statistics(count)
    assert found == rank
    assert 1 - math.erf(width / 2 / math.sqrt(2)) == pytest.approx(outside)


@pytest.mark.parametrize("count", range(480, 520))
def test_order_statistics_of_many_samples_go_on_from_those_of_fewer(count):
    rank, width = intervals.order_statistics(count)
    outside = 2 * sum(math.comb(count, below) for below in range(rank)) / 2**count
    exact = 2 * statistics.NormalDist().inv_cdf(1 - outside / 2)
    assert width == pytest.approx(exact, rel=1e-3)


def test_order_statistics_of_a_million_samples_take_no_time():
    rank, width = intervals.order_statistics(1_000_000)
    assert rank == 499_000 and width == pytest.approx(4, rel=1e-3)


def test_run_of_by_hand():
    # The ranks of five samples are 1 and 5, two standard errors of z = 1.8627 (outside 1/16) apart.
    run = run_of([1.2, 1.0, 1.1, 1.3, 1.05])
    assert run.log_median == pytest.approx(math.log(1.1))
    assert math.sqrt(run.variance) == pytest.approx(math.log(1.3 / 1.0) / (2 * 1.86273), rel=1e-4)
    assert run.freedom == 4
    assert run_of([2.0, 1.0, 4.0, 3.0]).log_median == pytest.approx(math.log(2.5))
    assert run_of([1.0] * 30).freedom == 6


@pytest.mark.parametrize("samples", [[1.0], [1.0, 1.0], [1.0, 3.0]])
def test_too_few_samples_have_no_interval(samples):
    steady = run_of([1.0] * 10)
    for sides in (([run_of(samples)], [steady]), ([steady], [run_of(samples)])):
        found = ratio(*sides, intervals.ASSUMED[intervals.GPU], 0.995)
        assert found.low is None and found.high is None and found.resolution is None
        assert verdict(found) == comparison.AMBIGUOUS


def test_single_samples_of_several_runs_make_the_pooled_t_interval():
    old, new = [1.0, 1.2, 1.1], [1.5, 1.6, 1.7]
    found = ratio([run_of([x]) for x in old], [run_of([x]) for x in new],
                  intervals.ASSUMED[intervals.GPU], 0.95)
    logs = [[math.log(x) for x in side] for side in (old, new)]
    means = [sum(side) / 3 for side in logs]
    squares = sum((x - mean)**2 for side, mean in zip(logs, means) for x in side)
    half = 2.776 * math.sqrt(squares / 4 * (1 / 3 + 1 / 3))  # 4 degrees of freedom
    assert math.log(found.value) == pytest.approx(means[1] - means[0])
    assert math.log(found.high / found.value) == pytest.approx(half, rel=1e-3)
    assert math.log(found.value / found.low) == pytest.approx(half, rel=1e-3)
    assert found.resolution == pytest.approx(math.exp(half) - 1, rel=1e-3)


def test_single_samples_that_happen_to_agree_claim_no_precision():
    found = ratio([run_of([1.0])] * 2, [run_of([1.0])] * 2, Spread(0.01**2, 8), 0.99)
    assert math.log1p(found.resolution) == pytest.approx(9.925 * 0.01, rel=1e-3)  # t of 2


def test_assumed_spread_alone():
    # Samples all alike: what is left is the assumed spread of both runs. t of 8 at 99 % is 3.355.
    found = ratio([run_of([2.0] * 5)], [run_of([2.1] * 5)], Spread(0.01**2, 8), 0.99)
    assert found.value == pytest.approx(1.05)
    half = 3.355 * 0.01 * math.sqrt(2)
    assert math.log(found.high / found.value) == pytest.approx(half, rel=1e-3)


def test_runs_count_beside_what_is_assumed():
    """Runs that differ more than assumed widen the interval, and more of them narrow it."""
    def resolution(old, new, assumed=Spread(0.01**2, 8)):
        return ratio([Run(x, 0.0, 6) for x in old], [Run(x, 0.0, 6) for x in new], assumed,
                     0.99).resolution
    assert resolution([0.1, -0.1], [0.0]) > resolution([0.0, 0.0], [0.0])
    assert resolution([0.0] * 4, [0.0]) < resolution([0.0] * 2, [0.0]) < resolution([0.0], [0.0])
    # (8 x 0.01^2 + 2 x 0.1^2) / 9 by both runs' squares about their mean, 1 degree of freedom
    variance = (8 * 0.01**2 + 2 * 0.1**2) / 9
    assert math.log1p(resolution([0.1, -0.1], [0.0])) == pytest.approx(
        3.250 * math.sqrt(variance * 1.5), rel=1e-3)  # t of 9 at 99 %


def test_extreme_ratios_stay_numbers():
    found = ratio([run_of([1e-12] * 3)], [run_of([1e9] * 3)], Spread(100.0, 1), 0.999)
    assert 0 < found.low < found.value < found.high < math.inf


DRAWS = {
    "normal": lambda rng: 1 + 0.01 * rng.gauss(0, 1),
    "wide": lambda rng: math.exp(0.2 * rng.gauss(0, 1)),
    "skewed": lambda rng: 1 + 0.05 * rng.expovariate(1),
    "outliers": lambda rng: (1 + 0.01 * rng.gauss(0, 1)) * (1.5 if rng.random() < 0.1 else 1),
}


@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize("shape", DRAWS)
def test_coverage_of_samples_alone(shape, count):
    """Of intervals of 95 % around no change at least 95 % hold it, whatever the shape."""
    rng, trials = random.Random(count), 1500
    sides = ([run_of([DRAWS[shape](rng) for _ in range(count)])] for _ in iter(int, 1))
    found = [ratio(next(sides), next(sides), NO_SPREAD, 0.95) for _ in range(trials)]
    assert sum(one.low <= 1 <= one.high for one in found) >= 0.95 * trials


def runs(rng, count, variation, spread, scale=1.0, samples=10):
    """Of a case whose samples vary by `variation` and whose runs by `spread`."""
    made = []
    for _ in range(count):
        level = scale * math.exp(spread * rng.gauss(0, 1))
        made.append(run_of([level * (1 + variation * rng.gauss(0, 1)) for _ in range(samples)]))
    return made


def verdicts(seed, trials, kind, variation, spread, change=1.0, runs_of=(1, 1)):
    rng, assumed = random.Random(seed), intervals.ASSUMED[kind]
    return [verdict(ratio(runs(rng, runs_of[0], variation, spread),
                          runs(rng, runs_of[1], variation, spread, change), assumed,
                          TERMS.confidence)) for _ in range(trials)]


FLAGS = {comparison.SLOWER, comparison.FASTER}


@pytest.mark.parametrize("variation", [0.001, 0.01])
def test_a_slowdown_of_5_percent_is_found(variation):
    """In a steady case, with 10 samples of one run each, in at least 99 % of the trials."""
    found = verdicts(1, 4000, intervals.GPU, variation, 0.002, 1.05)
    assert found.count(comparison.SLOWER) >= 0.99 * len(found)
    assert comparison.FASTER not in found


@pytest.mark.parametrize("runs_of", [(1, 1), (4, 1), (4, 3)])
@pytest.mark.parametrize("kind, variation", [
    (intervals.GPU, 0.001), (intervals.GPU, 0.01), (intervals.GPU, 0.05), (intervals.DRIVER, 0.05),
    (intervals.CPU, 0.05), (intervals.CPU, 0.3)])
def test_false_alarms(kind, variation, runs_of):
    """Runs of the same build, as different from each other as is assumed of the kind."""
    spread = math.sqrt(intervals.ASSUMED[kind].variance)
    found = verdicts(2, 1500, kind, variation, spread, runs_of=runs_of)
    assert sum(one in FLAGS for one in found) <= 0.01 * len(found)


def test_false_alarms_where_runs_differ_twice_as_much_as_assumed():
    found = verdicts(3, 3000, intervals.GPU, 0.001, 2 * math.sqrt(intervals.ASSUMED[intervals.GPU].variance))
    assert sum(one in FLAGS for one in found) <= 0.01 * len(found)


def test_steady_cases_that_did_not_change_are_the_same():
    """And not ambiguous: the figure is of use only if it can tell."""
    found = verdicts(4, 2000, intervals.GPU, 0.001, 0.001)
    assert found.count(comparison.SAME) >= 0.99 * len(found)
    noisy = verdicts(5, 500, intervals.GPU, 0.3, 0.0)
    assert noisy.count(comparison.AMBIGUOUS) >= 0.95 * len(noisy)


def test_what_many_runs_show_replaces_what_is_assumed():
    rng = random.Random(6)

    def learned(old, new):
        return intervals.spreads([(intervals.CPU, runs(rng, old, 0.001, 0.01), runs(rng, new, 0.001, 0.01))
                              for _ in range(50)])
    for counts in ((10, 1), (6, 5)):
        found = learned(*counts)
        assert math.sqrt(found[intervals.CPU].variance) == pytest.approx(0.01, rel=0.2)
        assert found[intervals.GPU] == intervals.ASSUMED[intervals.GPU]
    # Too few runs are nothing to go by, however many the cases.
    assert learned(4, 3)[intervals.CPU] == intervals.ASSUMED[intervals.CPU]
    # And no kind is steadier than what the GPU does alone.
    still = [(intervals.DRIVER, [Run(0.0, 0.0, 6)] * 10, [Run(0.0, 0.0, 6)])] * 50
    assert intervals.spreads(still)[intervals.DRIVER].variance == intervals.ASSUMED[intervals.GPU].variance
