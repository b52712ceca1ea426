# SPDX-License-Identifier: Apache-2.0
"""What offload-results compare says of its own sight: the resolution by kind, and how many runs would
bring it to a given one. Against the formulas of docs/compare.md in scipy's and numpy's terms, and against
simulated runs. Needs pytest, numpy."""
import json
import math
import random
import re
import time

import numpy
import pytest
import scipy.stats

import results_builder as build
from compare_statistics_test import runs, verdict
from compared import ROOT, as_json, case, compare, compare_cases, merged, on_cpu
from offload_results import comparison, intervals, resolution
from offload_results.intervals import Run, ratio

TERMS = comparison.Terms()
QUANTILE = (1 + TERMS.confidence) / 2


def planned(path, target, *options):
    done = compare(path, f"--plan={target}", "--format=json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["offload_bench_plan"]["kinds"]


# --- how many runs

def resolution_by_formula(count, between, within, assumed, freedom_within):
    """Of `count` runs a side, all with the same variances; what of them is assumed below 10 degrees of
    freedom between runs is assumed still."""
    shown = 2 * count - 2
    prior = assumed.variance if shown < 9 else max(between, 0.004**2)
    total = shown + assumed.freedom
    of_runs = (assumed.freedom * prior + shown * between) / total * 2 / count
    of_samples = [within / count**2] * (2 * count)  # each run's part
    variance = of_runs + sum(of_samples)
    freedom = variance**2 / (of_runs**2 / total
                             + sum(part**2 / freedom_within for part in of_samples))
    half = scipy.stats.t.ppf(QUANTILE, math.floor(freedom + 1e-9)) * math.sqrt(variance)
    return math.exp(half) - 1


def runs_by_formula(target, *terms):
    return next(count for count in range(1, 5000) if resolution_by_formula(count, *terms) <= target)


@pytest.mark.parametrize("make, kind, targets", [
    (case, "gpu", (2.6, 2, 1, 0.5, 0.2)),
    (lambda: case(start="cold"), "driver", (200, 50, 20, 5)),
    (on_cpu, "cpu", (500, 100, 50, 20, 10, 5)),
])
def test_of_one_run_by_what_is_assumed(tmp_path, make, kind, targets):
    path = build.write(tmp_path / "one.json", build.run([make()]))
    assumed = intervals.ASSUMED[kind]
    for target in targets:
        expected = runs_by_formula(target / 100, assumed.variance, 0.0, assumed, 4)
        found = planned(path, target)[kind]
        assert (found["runs_for_half"], found["runs_for_all"]) == (expected, expected)
        assert found["standard_deviation"] == pytest.approx(math.sqrt(assumed.variance))


@pytest.mark.parametrize("target", [80, 30, 10])
def test_of_several_runs_by_their_spread_beside_what_is_assumed(tmp_path, target):
    scales = [1.0, 1.1, 0.95, 1.3]
    path = build.write(tmp_path / "four.json",
                       merged(*(build.run([on_cpu(scale=scale)]) for scale in scales)))
    shown, assumed = numpy.var(numpy.log(scales), ddof=1), intervals.ASSUMED["cpu"]
    between = (3 * shown + assumed.freedom * assumed.variance) / (3 + assumed.freedom)
    found = planned(path, target)["cpu"]
    assert found["standard_deviation"] == pytest.approx(math.sqrt(between))
    assert found["runs_for_all"] == runs_by_formula(target / 100, between, 0.0, assumed, 4)


@pytest.mark.parametrize("target", [0.05, 0.02, 0.01])
def test_what_samples_spread_counts_beside_runs(target):
    assumed, within = intervals.ASSUMED["gpu"], 0.01**2
    found = resolution.plans([("gpu", [Run(0.0, within, 6)])], target, TERMS)["gpu"]
    assert found.half == runs_by_formula(target, assumed.variance, within, assumed, 6)


def test_what_samples_spread_is_no_spread_between_runs():
    """Of four runs by 3 (v - w), with v their variance and w that of each by its samples."""
    medians, within, assumed = [0.0, 0.05, -0.03, 0.1], 0.02**2, intervals.ASSUMED["cpu"]
    shown = numpy.var(medians, ddof=1) - within
    between = (3 * shown + assumed.freedom * assumed.variance) / (3 + assumed.freedom)
    found = resolution.plans([("cpu", [Run(one, within, 6) for one in medians])], 0.2, TERMS)["cpu"]
    assert found.between == pytest.approx(between)
    assert found.all == runs_by_formula(0.2, between, within, assumed, 6)


def test_half_and_all_are_of_different_cases():
    """The steadiest two of three, and the worst."""
    cases = [("gpu", [Run(0.0, within, 6)]) for within in (1e-8, 1e-6, 0.05**2)]
    alone = [resolution.plans([one], 0.02, TERMS)["gpu"].all for one in cases]
    found = resolution.plans(cases, 0.02, TERMS)["gpu"]
    assert (found.cases, found.half, found.all) == (3, alone[1], alone[2]) and alone[1] < alone[2]


def test_what_no_number_of_runs_reaches_is_said(tmp_path):
    path = build.write(tmp_path / "one.json", build.run([on_cpu(), case()]))
    assert planned(path, 1)["cpu"]["runs_for_half"] is None  # 7600 by the normal distribution
    table = compare(path, "--plan=1%").stdout
    assert [line.split()[-3:] for line in table.splitlines() if line.startswith("cpu")] == [
        ["more", "than", "1000"]]
    assert "a change counts from 3 % only: lower --threshold as well" in table
    assert "lower --threshold" not in compare(path, "--plan=3%").stdout


def test_too_few_samples_need_a_second_run(tmp_path):
    few = build.case(policy="few", samples=[1e-3])
    path = build.write(tmp_path / "few.json", build.run([few]))
    # Two runs a side at the assumed 0.4 %, of 2 degrees of freedom: t of 2 at 99.8 % is 22.33.
    assert math.expm1(22.33 * 0.004) > 0.09
    assert planned(path, 10)["gpu"]["runs_for_all"] == 2 and planned(path, 9)["gpu"]["runs_for_all"] == 3


def test_simulated_runs_reach_what_was_planned():
    """40 cases whose runs differ by 8 %, ten runs of them known: as many runs as planned bring half of the
    cases to 15 %, two thirds as many do not. And what it takes to find a change of that size."""
    rng, target = random.Random(11), 0.15
    plan = resolution.plans([("cpu", runs(rng, 10, 0.02, 0.08)) for _ in range(40)], target, TERMS)["cpu"]
    assert math.sqrt(plan.between) == pytest.approx(0.08, rel=0.1)

    def compared(count, change=1.0, trials=400):
        pairs = [("cpu", runs(rng, count, 0.02, 0.08), runs(rng, count, 0.02, 0.08, change))
                 for _ in range(trials)]
        spread = intervals.spreads(pairs)["cpu"]
        return [ratio(old, new, spread, TERMS.confidence) for _, old, new in pairs]

    def median(count):
        return numpy.median([one.resolution for one in compared(count)])
    assert median(plan.half) <= target * 1.05 and median(plan.half) >= target * 0.85
    assert median(math.floor(plan.half * 2 / 3)) > target

    def found(change):
        return numpy.mean([verdict(one) == comparison.SLOWER for one in compared(plan.half, change)])
    assert 0.35 <= found(1 + target) <= 0.65  # measured as more than that in half of the trials
    assert found(1 + 1.6 * target) >= 0.95


@pytest.mark.parametrize("options, told", [
    (["--plan=0"], "percent above 0"), (["--plan=5%%"], "not a number"),
    (["--plan=5", "--tolerances"], "no --plan"), (["--plan=5", "--format=markdown"], "table or json"),
    ([], "none with --tolerances or --plan")])
def test_bad_plans(tmp_path, options, told):
    done = compare(build.write(tmp_path / "a.json", build.run([case()])), *options)
    assert (done.returncode, done.stdout) == (2, "") and told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_plan_beside_a_candidate(tmp_path):
    cases = [case(), on_cpu()]
    expected = planned(build.write(tmp_path / "a.json", build.run(cases)), 20)["cpu"]["runs_for_all"]
    found = as_json(compare_cases(tmp_path, cases, cases, "--plan=20%", "--format=json"))[0]["plan"]
    assert found["resolution"] == 0.2 and set(found["kinds"]) == {"gpu", "cpu"}
    assert found["kinds"]["cpu"]["runs_for_all"] == expected
    table = compare_cases(tmp_path, cases, cases, "--plan=20%").stdout
    assert f"1 ambiguous: cpu 1 (20 % would show with {expected} runs a side)" in table
    assert "runs a side for 20 %: half of them" in table.splitlines()[2]


def test_the_documented_plan_is_that_of_the_committed_baseline():
    """The table of docs/compare.md."""
    text = (ROOT / "docs/compare.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (kind|gpu|driver|cpu) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.M)
    (_, *targets), *documented = rows[:4]
    assert [kind for kind, *_ in documented] == list(intervals.ASSUMED)
    for column, target in enumerate(targets, 1):
        found = planned(ROOT / "results/baselines/h200-sxm-pcie5.json", target.removesuffix(" %"))
        for kind, *cells in documented:
            runs = [found[kind][name] or "more than 1000" for name in ("runs_for_half", "runs_for_all")]
            assert cells[column - 1] == "{} / {}".format(*runs)


def test_the_documented_sight_is_that_of_a_committed_run():
    [found] = as_json(compare(ROOT / "results/baselines/h200-sxm-pcie5.json",
                              ROOT / "results/h200-sxm-pcie5-second-card/quick.json", "--format=json"))
    seen = {kind: 100 * one["median"] for kind, one in found["resolution"].items()}
    text = " ".join((ROOT / "docs/compare.md").read_text(encoding="utf-8").split())
    assert (f"one run has {seen['gpu']:.1f} % where the GPU works alone and {seen['driver']:.0f} % where "
            "the driver takes part") in text


# --- what the gate can see

def test_the_first_lines_say_what_the_gate_can_see(tmp_path):
    """Of the GPU's kind 2.6 % (compared.RESOLUTION), of the CPU's t of 5 at 99.8 %, 5.893, times 20 %."""
    cases = [case("a"), case("b"), on_cpu("c"), on_cpu("d"), case("e", start="cold")]
    done = compare_cases(tmp_path, cases, cases)
    assert [line.split() for line in done.stdout.splitlines()[3:6]] == [
        ["gpu", "2", "2.6", "%", "none"], ["driver", "1", "249", "%", "1"], ["cpu", "2", "430", "%", "2"]]
    found = as_json(compare_cases(tmp_path, cases, cases, "--format=json"))[0]
    half = scipy.stats.t.ppf(QUANTILE, 5) * math.sqrt(2)
    assert found["resolution"]["cpu"] == {
        "cases": 2, "over_50_percent": 2, "median": pytest.approx(math.exp(half * 0.2) - 1)}
    assert found["resolution"]["driver"]["median"] == pytest.approx(math.exp(half * 0.15) - 1)


def test_the_threshold_counts_too_and_what_cannot_be_judged_sees_nothing(tmp_path):
    wide = as_json(compare_cases(tmp_path, [case()], [case()], "--threshold=60", "--format=json"))[0]
    assert wide["resolution"]["gpu"]["over_50_percent"] == 1
    few = build.case(policy="few", samples=[1e-3])
    found = as_json(compare_cases(tmp_path, [few], [few], "--format=json"))[0]["resolution"]
    assert found == {"gpu": {"cases": 1, "median": None, "over_50_percent": 1}}
    busy = build.run([on_cpu()])
    busy["context"]["load_avg"] = [12.0]
    paths = [build.write(tmp_path / f"{name}.json", busy) for name in "ab"]
    assert as_json(compare(*paths, "--format=json"))[0]["resolution"]["cpu"]["median"] is None
    assert "1 ambiguous: cpu 1 (the machine was busy: measure again)" in compare(*paths).stdout


def test_ambiguous_rows_are_folded_unless_all_are_asked_for(tmp_path):
    cases = [on_cpu(f"p{index}") for index in range(30)] + [case()]
    short = compare_cases(tmp_path, cases, cases).stdout
    assert "/p7/" not in short and "... 30 ambiguous: cpu 30 (3 % would show with" in short
    whole = compare_cases(tmp_path, cases, cases, "--rows=0").stdout
    assert sum(" ambiguous " in line for line in whole.splitlines()) == 30


def test_ten_thousand_samples_a_case_take_no_minute(tmp_path):
    rng = random.Random(3)
    cases = [build.case(policy=f"p{index}", samples=[1e-3 * (1 + 0.01 * rng.random())
                                                    for _ in range(10_000)]) for index in range(30)]
    document = build.run(cases, with_rows=False)
    paths = [build.write(tmp_path / f"{name}.json", document) for name in "ab"]
    start = time.monotonic()
    done = compare(*paths)
    assert done.returncode == 0 and time.monotonic() - start < 20  # 600,000 samples; 2 s here
