# SPDX-License-Identifier: Apache-2.0
"""Committed baselines (results/baselines/*.json: repeated runs of one build, merged) against each
other: how often offload-results compare flags what did not change, and how often it misses what did.

    python3 tests/scripts/baseline_test.py    # prints the figures of docs/compare.md
"""
import itertools
import math
import pathlib
import statistics
import sys

import pytest

from committed import RESULTS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from offload_results import comparability, comparison, intervals, resolution  # noqa: E402
from offload_results.results import load, passed, source_of  # noqa: E402

BASELINES = [path for path in RESULTS if path.parent.name == "baselines"]
TERMS = comparison.Terms()
FLAGS = {comparison.SLOWER, comparison.FASTER}

pytestmark = pytest.mark.parametrize("path", BASELINES, ids=[path.stem for path in BASELINES])


def histories(path):
    """[(kind, {source: case})] of every case that passed in all runs, of runs on an idle machine."""
    results = load(path)
    assert not comparability.busy_runs(results)
    count = len(results.run["sources"])
    found = [(intervals.of_runs(list(map(intervals.kind_of, cases))),
              {source_of(case): case for case in cases})
             for cases in results.by_key().values() if all(map(passed, cases))]
    return [(kind, cases) for kind, cases in found if len(cases) == count], range(count)


def verdicts(path, sides, change=1.0, wanted=lambda kind, cases: True, max_samples=None):
    """Of every case for each (baseline sources, candidate sources) of `sides`, the candidate's
    samples times `change`."""
    def run_of(case, factor):
        return intervals.run_of([x * factor for x in case["samples_s"][:max_samples]])
    found = []
    of_cases, sources = histories(path)
    for old, new in sides(sources):
        pairs = [(kind, [run_of(cases[index], 1) for index in old],
                  [run_of(cases[index], change) for index in new])
                 for kind, cases in of_cases if wanted(kind, cases)]
        spreads = intervals.spreads(pairs)
        found += [comparison.verdict_of(intervals.ratio(before, after, spreads[kind],
                                                       TERMS.confidence), TERMS.threshold)
                  for kind, before, after in pairs]
    return found


def one_to_one(sources):
    return [([old], [new]) for old, new in itertools.permutations(sources, 2)]


def rest_to_one(sources):
    return [([other for other in sources if other != one], [one]) for one in sources]


def half_to_half(sources):
    return [(old, [index for index in sources if index not in old])
            for old in itertools.combinations(sources, len(sources) // 2)]


def steady(kind, cases):
    return kind == intervals.GPU and all(
        statistics.stdev(case["samples_s"]) <= 0.01 * statistics.mean(case["samples_s"])
        for case in cases.values())


@pytest.mark.parametrize("sides", [one_to_one, rest_to_one, half_to_half])
def test_false_alarms(path, sides):
    found = verdicts(path, sides)
    assert len(found) >= 20
    assert sum(one in FLAGS for one in found) <= 0.01 * len(found)


@pytest.mark.parametrize("sides", [one_to_one, rest_to_one])
def test_a_slowdown_of_5_percent_is_found_in_steady_cases(path, sides):
    """With 10 samples."""
    found = verdicts(path, sides, 1.05, steady, max_samples=10)
    if not found:
        pytest.skip("no steady case without a GPU")
    assert found.count(comparison.SLOWER) >= 0.99 * len(found)


def test_it_is_one_build_and_every_case_has_a_tolerance(path):
    results = comparison.load(path)
    runs = [source["run"] for source in results.run["sources"]]
    assert len(runs) >= 3 and len({run["build"]["git_commit"] for run in runs}) == 1
    found = resolution.tolerances(results, TERMS)
    assert found and all(limit is not None and limit >= 1 + TERMS.threshold
                         for *_, limit in found)


def spread_of(path):
    """{kind: (root mean square, least, most) of its cases' standard deviations between runs}"""
    found = {}
    for kind, cases in histories(path)[0]:
        logarithms = [math.log(statistics.median(case["samples_s"])) for case in cases.values()]
        found.setdefault(kind, []).append(statistics.stdev(logarithms))
    return {kind: (math.sqrt(statistics.mean(one**2 for one in of_kind)), min(of_kind), max(of_kind))
            for kind, of_kind in found.items()}


def print_figures(path):
    print(path.stem)
    for kind, (square, least, most) in spread_of(path).items():
        print(f"  {kind}: runs differ by {square:.1%}, {least:.1%} to {most:.1%}")
    for sides in (one_to_one, rest_to_one, half_to_half):
        found = verdicts(path, sides)
        print(f"  {sides.__name__}: flagged {sum(one in FLAGS for one in found)} of {len(found)}")
    for change, wanted in ((1.05, comparison.SLOWER), (1.0, comparison.SAME)):
        found = verdicts(path, one_to_one, change, steady, max_samples=10)
        print(f"  steady, times {change}: {wanted} {found.count(wanted)} of {len(found)}")


if __name__ == "__main__":
    for baseline in BASELINES:
        print_figures(baseline)
