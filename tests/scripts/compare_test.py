# SPDX-License-Identifier: Apache-2.0
"""Verdicts and exit codes of offload-results compare, as its users run it. Needs pytest."""
import math

import pytest

import results_builder as build
from compared import (
    RESOLUTION, STILL, as_json, case, compare, compare_cases, compare_runs, merged, on_cpu, verdicts)


# --- verdicts and exit codes

@pytest.mark.parametrize("scale, verdict, code", [
    (1.0, "same", 0), (1.02, "same", 0), (1 / 1.02, "same", 0), (1.031, "slower", 1),
    (1 / 1.031, "faster", 0), (1.5, "slower", 1), (100, "slower", 1)])
def test_change_of_a_steady_case(tmp_path, scale, verdict, code):
    done = compare_cases(tmp_path, [case()], [case(scale=scale)], "--format=json")
    assert (verdicts(done), done.returncode) == ({"pinned_copy": verdict}, code)
    found = as_json(done)[0]["cases"][0]
    assert found["ratio"] == pytest.approx(scale)
    assert found["resolution"] == pytest.approx(RESOLUTION, rel=1e-3)
    assert found["high"] / found["ratio"] == pytest.approx(1 + RESOLUTION, rel=1e-4)


def test_threshold(tmp_path):
    def verdict(percent):
        return verdicts(compare_cases(tmp_path, [case()], [case(scale=1.08)], "--format=json",
                                      f"--threshold={percent}"))["pinned_copy"]
    assert [verdict(5), verdict(10)] == ["slower", "same"]
    assert verdict(8.1) == "same" and verdict(7.9) == "slower"
    # Within a threshold of 1 % nothing can be told: the resolution is 2.6 %.
    done = compare_cases(tmp_path, [case()], [case()], "--format=json", "--threshold=1")
    assert verdicts(done) == {"pinned_copy": "ambiguous"} and done.returncode == 0


def test_confidence(tmp_path):
    def interval(confidence):
        return as_json(compare_cases(tmp_path, [case()], [case()], "--format=json",
                                     f"--confidence={confidence}"))[0]["cases"][0]
    # t of 8: 1.860 at 90 %, 5.041 at 99.9 %
    for confidence, quantile in ((0.9, 1.860), (0.999, 5.041)):
        assert math.log(interval(confidence)["high"]) == pytest.approx(
            quantile * math.sqrt(2) * 0.004, rel=1e-3)


def test_run_to_run(tmp_path):
    """10 % between single runs of a quiet CPU: told apart once its spread is said to be 1 %."""
    for option, verdict in ((), "ambiguous"), (("--run-to-run=cpu=1",), "slower"), (
            ("--run-to-run=gpu=1", "--run-to-run=driver=1"), "ambiguous"):
        done = compare_cases(tmp_path, [on_cpu()], [on_cpu(scale=1.1)], "--format=json", *option)
        assert verdicts(done) == {"host_compute": verdict}
        assert as_json(done)[0]["run_to_run"]["cpu"]["standard_deviation"] == pytest.approx(
            0.01 if verdict == "slower" else 0.2)


@pytest.mark.parametrize("change", [
    dict(start="cold"), dict(mechanism="cudaMemPrefetchAsync of each piece, then read"),
    dict(evidence={**build.NO_EVIDENCE, "cpu": {
        "state": "measured", "reason": None, "process_s": 1e-3, "driver_s": 2e-5, "threads": {}}}),
    dict(path="host_memory"), dict(cpu_bytes=1),
    dict(footprint={"device": 0, "pinned": 0, "managed": 0, "pageable": 1})])
def test_what_depends_on_driver_or_cpu_is_told_apart(tmp_path, change):
    """10 % is nothing between two single runs of such a case, and 20 times is."""
    for scale, verdict in ((1.1, "ambiguous"), (20, "slower"), (1 / 20, "faster")):
        done = compare_cases(tmp_path, [case(**change)], [case(scale=scale, **change)],
                             "--format=json")
        assert verdicts(done) == {"pinned_copy": verdict}
        assert done.returncode == (1 if verdict == "slower" else 0)


def test_short_passes_over_the_link_hang_on_the_cpu(tmp_path):
    """Within 50 us the CPU has hardly enqueued them; what stays on the GPU is steady all the same."""
    def verdict(path, scale):
        old, new = (case(path=path, scale=scale * factor) for factor in (1, 1.1))
        return verdicts(compare_cases(tmp_path, [old], [new], "--format=json"))["pinned_copy"]
    assert [verdict("link", 0.04), verdict("link", 0.06)] == ["ambiguous", "slower"]
    assert verdict("device_memory", 0.01) == "slower"


def test_the_driver_coming_into_play_is_a_change_not_spread(tmp_path):
    busy = {**build.NO_EVIDENCE, "cpu": {"state": "measured", "reason": None, "process_s": 1e-3,
                                         "driver_s": 1e-3, "threads": {}}}
    slow = case(scale=1.3, evidence=busy, footprint={"device": 0, "pinned": 0, "managed": 0,
                                                     "pageable": 1})
    assert compare_cases(tmp_path, [case()], [slow]).returncode == 1
    assert compare_cases(tmp_path, [slow], [case(scale=1.7)]).returncode == 0  # nothing is told


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_samples(tmp_path, count):
    old, new = case(), case()
    new["samples_s"] = [5e-3] * count
    done = compare_cases(tmp_path, [old], [new])
    assert done.returncode == 0
    assert "1 ambiguous" in done.stdout and "fewer than 3 samples" in done.stdout


def test_other_sample_counts(tmp_path):
    old, new = case(), case(scale=1.05)
    new["samples_s"] = new["samples_s"] * 20
    done = compare_cases(tmp_path, [old], [new], "--format=json")
    assert verdicts(done) == {"pinned_copy": "slower"}
    row = as_json(done)[0]["cases"][0]
    assert (row["baseline"]["samples"], row["candidate"]["samples"]) == (5, 100)


BROKEN = dict(samples=[], failure="a wrong result", path="link")


def test_failed(tmp_path):
    bad = build.case(policy="pinned_copy", **BROKEN)
    done = compare_cases(tmp_path, [case(), case("b")], [bad, case("b")])
    assert done.returncode == 1 and "1 failed of 2 cases" in done.stdout
    assert "a wrong result" in done.stdout
    both = compare_cases(tmp_path, [bad, case("b")], [bad, case("b")])
    assert both.returncode == 0 and "1 failed" in both.stdout
    repaired = compare_cases(tmp_path, [bad, case("b")], [case(), case("b")], "--format=json")
    assert repaired.returncode == 0 and verdicts(repaired)["pinned_copy"] == "new"


def test_incomplete_case_is_failed(tmp_path):
    half = build.case(policy="pinned_copy", samples=STILL, complete=False)
    done = compare_runs(tmp_path, build.run([case()]),
                        build.run([half], incomplete="interrupted"))
    assert done.returncode == 1 and "incomplete (interrupted)" in done.stdout


def test_missing_does_not_pass_silently(tmp_path):
    old, new = [case("a"), case("b")], [case("a")]
    done = compare_cases(tmp_path, old, new)
    assert done.returncode == 1 and "Regression: 1 missing of 2 cases" in done.stdout
    allowed = compare_cases(tmp_path, old, new, "--allow-missing")
    assert allowed.returncode == 0 and "1 missing" in allowed.stdout
    more = compare_cases(tmp_path, new, old)
    assert more.returncode == 0 and "1 new" in more.stdout
    never_passed = build.case(policy="b", **BROKEN)
    assert compare_cases(tmp_path, [case("a"), never_passed], new).returncode == 0


def test_skipped_case_is_missing_with_its_reason(tmp_path):
    skip = build.skipped("gemv", "b", "w", "steady", "no such memory here")
    done = compare_runs(tmp_path, build.run([case("a"), case("b")]),
                        build.run([case("a")], skipped=[skip]))
    assert done.returncode == 1 and "skipped: no such memory here" in done.stdout


@pytest.mark.parametrize("change, told", [
    (dict(size=2**20), "weights of 67108864 and 1048576 bytes"),
    (dict(tokens=8), "tokens: 0 and 8"),
    (dict(steps=8), "steps: 0 and 8"),
    (dict(path="device_memory"), "path: link and device_memory"),
    (dict(bytes={"requested": 5, "touched": 5, "only_read": 0}), "bytes requested: 67108864 and 5"),
    (dict(captured=True), "CUDA graph"),
    (dict(weights={"name": "w", "bytes": 64 * build.MIB, "tensors": [
        {"name": "w", "dtype": "fp16", "rows": 1, "cols": 32 * build.MIB,
         "bytes": 64 * build.MIB}]}), "weights of other tensors"),
])
def test_not_comparable(tmp_path, change, told):
    other = build.case(policy="pinned_copy", samples=STILL)
    if "size" in change:
        other = build.case(policy="pinned_copy", samples=STILL, **change)
    else:
        other.update(change)
    done = compare_cases(tmp_path, [case(), case("b")], [other, case("b")])
    assert done.returncode == 2 and told in done.stdout
    assert "Undecided: 1 of 2 cases not comparable. In all 1 not comparable, 1 same." in done.stdout
    assert compare_cases(tmp_path, [case(), case("b")], [other, case("b", 2)]).returncode == 1


def test_other_passes_per_sample_are_no_matter(tmp_path):
    """The program chooses how many by how long one takes."""
    done = compare_cases(tmp_path, [case()], [case(passes_per_sample=7)])
    assert done.returncode == 0 and "1 same" in done.stdout


def test_older_file_lacks_fields(tmp_path):
    old = case()
    for field in ("label", "tokens", "link_bytes", "cpu_bytes", "captured", "model", "setup",
                  "series"):
        del old[field]
    document = build.run([old], schema_version="1.0.0")
    done = compare_runs(tmp_path, document, build.run([case(tokens=5)]))
    assert done.returncode == 0 and "1 same" in done.stdout


# --- several runs, several candidates

def test_runs_of_a_merged_file_widen_or_narrow(tmp_path):
    def resolution(*scales):
        whole = merged(*(build.run([on_cpu(scale=scale)]) for scale in scales))
        done = compare_runs(tmp_path, whole, build.run([on_cpu()]), "--format=json")
        row = as_json(done)[0]["cases"][0]
        assert row["baseline"]["runs"] == len(scales)
        assert row["baseline"]["median_s"] == pytest.approx(
            1e-3 * math.prod(scales)**(1 / len(scales)))
        return row["resolution"]
    assert resolution(1, 1, 1) < resolution(1) < resolution(0.2, 5)


def test_spread_of_the_runs_at_hand_replaces_the_assumed(tmp_path):
    """Cases of ten runs that hardly differ: 10 % is told apart then."""
    def document(scale):
        return build.run([on_cpu(f"p{index}", scale) for index in range(10)])
    whole = merged(*map(document, (1, 1.01, 0.99, 1, 1.01, 1, 0.99, 1, 1, 1)))
    done = compare_runs(tmp_path, whole, document(1.1), "--format=json")
    assert set(verdicts(done).values()) == {"slower"}
    single = compare_runs(tmp_path, document(1), document(1.1), "--format=json")
    assert set(verdicts(single).values()) == {"ambiguous"}


def test_failure_in_one_of_several_runs(tmp_path):
    bad = build.run([build.case(policy="pinned_copy", **BROKEN)])
    done = compare_runs(tmp_path, build.run([case()]), merged(build.run([case()]), bad))
    assert done.returncode == 1 and "in 1 of 2 runs: a wrong result" in done.stdout


def test_several_candidates(tmp_path):
    paths = [build.write(tmp_path / f"{scale}.json", build.run([case(scale=scale)]))
             for scale in (1.0, 1.01, 1.2)]
    done = compare(*paths)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("No regression in 1 case: 1 same.")
    assert sum(line.startswith("Regression: 1 slower of 1 case") for line in lines) == 1
    assert compare(*paths[:2]).returncode == 0
