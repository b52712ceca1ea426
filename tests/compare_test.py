# SPDX-License-Identifier: Apache-2.0
"""scripts/compare.py as its users run it. Needs pytest; one test takes jsonschema."""
import copy
import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

import results_builder as build

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/data/compare"
STILL = [1e-3] * 5  # no spread of its own: what is left is the assumed one
# Two runs of the GPU's kind, assumed to differ by 0.4 %: t of 8 degrees at 99.8 % is 4.5008, so the
# interval is 4.5008 * sqrt(2) * 0.4 % = 2.55 % of the logarithm to each side.
RESOLUTION = math.exp(4.5008 * math.sqrt(2) * 0.004) - 1


def compare(*arguments, cwd=None):
    return subprocess.run([sys.executable, ROOT / "scripts/compare.py", *map(str, arguments)],
                          capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


def case(policy="pinned_copy", scale=1.0, **changes):
    return build.case(policy=policy, samples=[x * scale for x in STILL], **changes)


def on_cpu(policy="host_compute", scale=1.0, **changes):
    return case(policy, scale, path="host_memory", cpu_bytes=64 * build.MIB, **changes)


def compare_runs(tmp_path, old, new, *options):
    """Of two documents."""
    return compare(build.write(tmp_path / "old.json", old), build.write(tmp_path / "new.json", new),
                   *options)


def compare_cases(tmp_path, old, new, *options):
    return compare_runs(tmp_path, build.run(old), build.run(new), *options)


def as_json(done):
    return json.loads(done.stdout)["offload_bench_comparison"]["comparisons"]


def verdicts(done):
    return {found["policy"]: found["verdict"] for found in as_json(done)[0]["cases"]}


def merged(*documents):
    """One document with the cases of all, each with its source."""
    whole = copy.deepcopy(documents[0])
    whole["offload_bench"]["cases"] = [
        {**one, "source": index} for index, document in enumerate(documents)
        for one in document["offload_bench"]["cases"]]
    whole["offload_bench"]["sources"] = [
        {"file": f"{index}.json", "context": document["context"], "run": {name: value for name, value in
                                          document["offload_bench"].items() if name != "cases"}}
        for index, document in enumerate(documents)]
    return whole


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


# --- what forbids to compare

def gpu_with(**changes):
    return build.run([case()], gpu=build.gpu(**changes))


def memory_model(**changes):
    return {**build.gpu()["memory_model"], **changes}


@pytest.mark.parametrize("other, told", [
    (gpu_with(name="Other GPU"), "GPU: Test GPU in the baseline, Other GPU in the candidate"),
    (build.run([case()], gpu=None), "GPU: Test GPU in the baseline, none in the candidate"),
    (gpu_with(driver_release="590.1"), "driver: 580.00 in the baseline, 590.1 in the candidate"),
    (gpu_with(memory_model=memory_model(pageable_memory_access=True)),
     "memory model, pageable_memory_access: no in the baseline, yes in the candidate"),
    (build.run([case()], build=build.build(build_type="Debug")),
     "build type: Release in the baseline, Debug in the candidate"),
    (build.run([case()], platform=build.platform(link=build.link(generation=4))),
     "link: pcie, generation 5, width 16 in the baseline, pcie, generation 4, width 16"),
    (build.run([case()], platform=build.platform(link=build.link(width=8))),
     "link: pcie, generation 5, width 16 in the baseline, pcie, generation 5, width 8"),
    (build.run([case()], platform=build.platform(link=build.link(kind="nvlink-c2c"))),
     "link: pcie, generation 5, width 16 in the baseline, nvlink-c2c, generation 5, width 16"),
    (build.run([case()], platform=build.platform(host=build.host(page_bytes=65536))),
     "page size of the host: 4096 in the baseline, 65536 in the candidate"),
])
def test_refused_unless_forced(tmp_path, other, told):
    done = compare_runs(tmp_path, build.run([case()]), other)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr and "--force" in done.stderr and len(done.stderr.splitlines()) == 1
    forced = compare_runs(tmp_path, build.run([case()]), other, "--force")
    assert forced.returncode == 0 and f"! {told.partition(',')[0]}" in forced.stdout


def test_addressing_mode_refused(tmp_path):
    def document(mode):
        return gpu_with(settings={"addressing_mode": mode})
    done = compare_runs(tmp_path, document("none"), document("hmm"))
    assert done.returncode == 2 and "pageable memory: none in the baseline, hmm" in done.stderr
    # A file that does not say forbids nothing, and the reader is told.
    unknown = compare_runs(tmp_path, gpu_with(), document("hmm"))
    assert unknown.returncode == 0 and "unknown in the baseline, hmm" in unknown.stdout


def test_cpu_counts_only_where_the_cpu_takes_part(tmp_path):
    def documents(cases):
        return build.run(cases), build.run(cases, host_workers={"threads": 8,
                                                                "instruction_set": "AVX2"},
                                           platform=build.platform(host=build.host(cpu="Other")))
    done = compare_runs(tmp_path, *documents([case(), on_cpu()]))
    assert done.returncode == 2
    assert "CPU: Test CPU in the baseline, Other in the candidate" in done.stderr
    assert "CPU threads: 16 in the baseline, 8 in the candidate" in done.stderr
    alone = compare_runs(tmp_path, *documents([case()]))
    assert alone.returncode == 0 and "CPU: Test CPU in the baseline, Other" in alone.stdout
    filtered = compare_runs(tmp_path, *documents([case(), on_cpu()]), "--filter=path=link")
    assert filtered.returncode == 0


def test_every_run_of_a_merged_file_counts(tmp_path):
    one, other = gpu_with(), gpu_with(name="Other GPU")
    for old, new in ((one, merged(one, other)), (merged(one, other), one),
                     (merged(one, other), merged(one, other))):
        done = compare_runs(tmp_path, old, new)
        assert done.returncode == 2 and "Other GPU or Test GPU in the" in done.stderr
    commits = [build.run([case()], build=build.build(git_commit=letter * 40)) for letter in "ab"]
    done = compare_runs(tmp_path, merged(*commits), commits[1])
    assert done.returncode == 0
    assert "git commit: aaaaaaa or bbbbbbb in the baseline, bbbbbbb" in done.stdout


def test_other_differences_are_notes(tmp_path):
    old = build.run([case()], build=build.build(git_commit="a" * 40))
    new = build.run([case()], build=build.build(git_commit="b" * 40, git_dirty=True,
                                                cuda_toolkit="12.4"),
                    options=build.options(samples=5, seed=7, output="other.json"),
                    calibration=build.calibration(copy_rate=40e9))
    done = compare_runs(tmp_path, old, new)
    assert done.returncode == 0
    for note in ("git commit: aaaaaaa in the baseline, bbbbbbb with changes",
                 "build, cuda toolkit: 13.0 in the baseline, 12.4 in the candidate",
                 "option samples: 12 in the baseline, 5 in the candidate",
                 "option seed: 1 in the baseline, 7",
                 "calibration, copy_h2d_bytes_per_second: 5.5e+10 in the baseline, 4e+10"):
        assert f"  {note}" in done.stdout
    assert "other.json" not in done.stdout


def test_a_machine_that_was_busy_is_a_note(tmp_path):
    old, new = build.run([case()]), build.run([case()])
    old["context"]["load_avg"], new["context"]["load_avg"] = [0.5, 0, 0], [9.0, 0, 0]
    note = "busy when the run began: no in the baseline, load 9.0 on 16 CPUs in the candidate"
    assert note in compare_runs(tmp_path, old, new).stdout
    new["context"]["load_avg"] = [7.0, 0, 0]
    assert "busy when" not in compare_runs(tmp_path, old, new).stdout
    # What the GPU does alone is judged all the same; what hangs on the CPU cannot be.
    for one, load in (("pinned_copy", "slower"), ("host_compute", "ambiguous")):
        make = on_cpu if one == "host_compute" else case
        busy = build.run([make(scale=20)])
        busy["context"]["load_avg"] = [9.0]
        done = compare_runs(tmp_path, build.run([make()]), busy, "--format=json")
        assert verdicts(done) == {one: load}
        assert as_json(done)[0]["cases"][0]["reason"] == (
            None if load == "slower" else "load 9.0 on 16 CPUs when the run began")
    whole = merged(old, old)
    whole["offload_bench"]["sources"][1]["context"] = {"load_avg": [10.0], "num_cpus": 16}
    assert "busy when the run began: load 10.0 on 16 CPUs or no in the baseline, no" in compare_runs(
        tmp_path, whole, old).stdout


def test_a_refused_candidate_stops_all_before_anything_is_written(tmp_path):
    good = build.write(tmp_path / "a.json", build.run([case()]))
    bad = build.write(tmp_path / "b.json", gpu_with(name="Other"))
    done = compare(good, good, bad, "--output", tmp_path / "out.txt")
    assert done.returncode == 2 and done.stdout == "" and not (tmp_path / "out.txt").exists()


# --- filters, bad input

def test_filter(tmp_path):
    old = [case(policy, label=label) for policy in ("pinned_copy", "pinned_ring_copy", "managed")
           for label in ("gemv", "gemm.m512")]

    def left(*filters):
        done = compare_cases(tmp_path, old, old, "--format=json",
                             *(f"--filter={one}" for one in filters))
        return {(row["label"], row["policy"]) for row in as_json(done)[0]["cases"]}
    assert left("policy=pinned_*") == {(label, policy) for label in ("gemv", "gemm.m512")
                                       for policy in ("pinned_copy", "pinned_ring_copy")}
    assert left("policy=managed,pinned_copy", "label=gemv") == {("gemv", "managed"),
                                                                ("gemv", "pinned_copy")}
    assert left("workload=gemm", "policy=managed") == {("gemm.m512", "managed")}
    nothing = compare_cases(tmp_path, old, old, "--filter=policy=none")
    assert nothing.returncode == 2 and "--filter" in nothing.stderr


def test_nothing_in_common(tmp_path):
    done = compare_cases(tmp_path, [case("a")], [case("b")])
    assert (done.returncode, done.stdout) == (2, "") and "no case in common" in done.stderr


@pytest.mark.parametrize("samples", ["[0.001, 0, 0.001]", "[0.001, -1, 0.001]", "[1e999, 1, 1]",
                                     "[1e300, 1, 1]", "[]", "[NaN, 1, 1]"])
@pytest.mark.parametrize("side", [0, 1])
def test_samples_that_are_no_times(tmp_path, samples, side):
    good = build.write(tmp_path / "good.json", build.run([case()]))
    bad = tmp_path / "bad.json"
    text = json.dumps(build.run([case()], calibration={}))
    bad.write_text(text.replace(json.dumps(STILL), samples))
    done = compare(*((bad, good) if side == 0 else (good, bad)))
    assert (done.returncode, done.stdout) == (2, "")
    assert "bad.json" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", [
    "", "{", "[]", "{}", '{"offload_bench": {"schema_version": "2.0.0"}}', '{"benchmarks": []}'])
def test_bad_files(tmp_path, text):
    good = build.write(tmp_path / "good.json", build.run([case()]))
    (tmp_path / "bad.json").write_text(text)
    for paths in ((good, tmp_path / "bad.json"), (tmp_path / "bad.json", good),
                  (good, tmp_path / "none.json")):
        done = compare(*paths, "--output", tmp_path / "out")
        assert (done.returncode, done.stdout) == (2, "") and not (tmp_path / "out").exists()
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("compare.py: ")


@pytest.mark.parametrize("option", ["--threshold=0", "--threshold=nan", "--threshold=x",
                                    "--confidence=1", "--confidence=0", "--filter=policy",
                                    "--filter=colour=red", "--rows=-1", "--format=xml",
                                    "--run-to-run=disk=1", "--run-to-run=cpu=0"])
def test_bad_options(tmp_path, option):
    assert compare_cases(tmp_path, [case()], [case()], option).returncode == 2


def test_case_twice(tmp_path):
    done = compare_cases(tmp_path, [case(), case()], [case()])
    assert done.returncode == 2 and "twice" in done.stderr


# --- what is shown

HOSTILE = ("x|<script>alert(1)</script>|`**_a_**`@someone#12 https://evil.example www.evil.example "
           "</details>\n\n# head ![](x) \x1b[31m\u202e [a](javascript:1)")


def test_hostile_names_stay_text(tmp_path):
    bad = build.case(policy="ok", samples=[], failure=HOSTILE)
    old = [case(HOSTILE), case("ok"), case("still")]
    new = [case(HOSTILE, 2), bad, case("still")]
    done = compare_cases(tmp_path, old, new, "--format=markdown")
    assert done.returncode == 1
    rows = [line for line in done.stdout.splitlines() if "script" in line and line[0] == "|"]
    assert len(rows) == 2 and all(row.count("|") == 9 for row in rows)
    for forbidden in ("<script", "</script", "`", "**_", "@some", "#12", "https:", "www.", "![",
                      "](", "\x1b", "\u202e", "\n# "):
        assert forbidden not in done.stdout.replace("&#", "")
    assert "&#64;&#8288;someone&#35;&#8288;12" in done.stdout
    assert done.stdout.count("</details>") == done.stdout.count("<details>")

    text = compare_cases(tmp_path, old, new).stdout
    assert "\x1b" not in text and "\u202e" not in text
    assert sum("script" in line for line in text.splitlines()) == 3  # the sentence and two rows


def many(count, changed):
    return [case(f"p{index}", 1.5 if index < changed else 1.0) for index in range(count)]


def test_thousands_of_rows(tmp_path):
    old, new = many(3000, 0), many(3000, 100)
    table = compare_cases(tmp_path, old, new)
    assert table.returncode == 1
    assert table.stdout.count("slower") == 1 + 40 + 1 and len(table.stdout.splitlines()) < 60
    assert "60 more rows: 60 slower; 2900 cases are the same" in table.stdout
    markdown = compare_cases(tmp_path, old, new, "--format=markdown").stdout
    assert len(markdown.encode()) < 65536  # the most that a comment on GitHub holds
    assert "60 more rows: 60 slower" in markdown and "2960 more" not in markdown
    everything = compare_cases(tmp_path, old, new, "--rows=0").stdout
    assert sum(" same " in line for line in everything.splitlines()) == 2900
    assert len(as_json(compare_cases(tmp_path, old, new, "--format=json"))[0]["cases"]) == 3000


def test_output_file(tmp_path):
    out = tmp_path / "comparison.md"
    done = compare_cases(tmp_path, [case()], [case(scale=2)], "--format=markdown", "--output", out)
    assert done.returncode == 1 and done.stdout.startswith("Regression: 1 slower of 1 case")
    assert len(done.stdout.splitlines()) == 1 and out.read_text().startswith("**Regression")
    lost = compare_cases(tmp_path, [case()], [case()], "--output", tmp_path / "no/such/place")
    assert lost.returncode == 2 and "cannot be written" in lost.stderr


def one_of_each():
    """Two documents in which every verdict occurs; all figures follow from the scales."""
    skip = build.skipped("gemv", "managed_demand", "w", "cold", "no unified memory")
    old = [case("device_resident", path="device_memory"), case("pinned_copy"),
           case("pinned_ring_copy", 2), on_cpu(scale=10), case("pinned_zero_copy"),
           case("managed_demand", start="cold"), case("hostvmm_zero_copy"),
           case("registered_zero_copy")]
    new = [case("device_resident", 1.01, path="device_memory"), case("pinned_copy", 1.1),
           case("pinned_ring_copy", 1.6), on_cpu(scale=11),
           build.case(policy="pinned_zero_copy", samples=[], failure="wrong result"),
           case("hostvmm_zero_copy", size=32 * build.MIB), case("hybrid_split")]
    return (build.run(old, build=build.build(git_commit="1" * 40)),
            build.run(new, build=build.build(git_commit="2" * 40), skipped=[skip]))


GOLDEN_FILES = {"table": "table.txt", "markdown": "markdown.md", "json": "comparison.json"}


def golden(tmp_path, kind):
    for name, document in zip(("baseline.json", "candidate.json"), one_of_each()):
        build.write(tmp_path / name, document)
    done = compare("baseline.json", "candidate.json", f"--format={kind}", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["table", "markdown"])
def test_golden_text(tmp_path, kind):
    assert golden(tmp_path, kind) == (GOLDEN / GOLDEN_FILES[kind]).read_text(encoding="utf-8")


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return list(map(rounded, value))
    return float(f"{value:.9g}") if isinstance(value, float) else value


def test_golden_json(tmp_path):
    expected = json.loads((GOLDEN / GOLDEN_FILES["json"]).read_text())
    assert rounded(json.loads(golden(tmp_path, "json"))) == rounded(expected)


def test_json_follows_its_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "results/schema/comparison-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    document = json.loads(golden(tmp_path, "json"))
    assert not list(checker.iter_errors(document))
    document["offload_bench_comparison"]["comparisons"][0]["cases"][0]["verdict"] = "fine"
    assert list(checker.iter_errors(document))


# --- tolerances of a baseline

def test_tolerances_say_what_would_be_flagged(tmp_path):
    few = build.case(policy="few", samples=[1e-3])
    documents = [build.run([case(), on_cpu(), few]), build.run([case(), on_cpu()])]
    path = build.write(tmp_path / "base.json", merged(*documents))
    found = {one["policy"]: one for one in json.loads(
        compare(path, "--tolerances", "--format=json").stdout)["offload_bench_tolerances"]["cases"]}
    assert found["pinned_copy"]["value"] == pytest.approx(1e-3)
    assert (found["pinned_copy"]["upper"], found["few"]["unit"]) == (pytest.approx(0.03), "s")
    assert found["few"]["upper"] is None and found["few"]["lower"] is None
    limit = 1 + found["host_compute"]["upper"]
    assert 1 + found["host_compute"]["lower"] == pytest.approx(1 / limit)
    for scale, verdict in ((limit * 1.001, "slower"), (limit * 0.999, "ambiguous"),
                           (1 / limit * 1.001, "ambiguous"), (1 / limit * 0.999, "faster")):
        new = build.write(tmp_path / "new.json", build.run([case(), on_cpu(scale=scale),
                                                            case("few")]))
        assert verdicts(compare(path, new, "--format=json"))["host_compute"] == verdict
    table = compare(path, "--tolerances").stdout
    assert [line.split()[-1] for line in table.splitlines() if "/few/" in line] == ["-"]
    assert compare(path).returncode == 2 and compare(path, path, "--tolerances").returncode == 2
    assert compare(path, "--tolerances", "--format=markdown").returncode == 2


# --- large files

SMALL = ('{"workload":"gemv","label":"gemv","policy":"pinned_copy",'
         '"weights":{"name":"w%d","bytes":64},"start":"steady","path":"link","bytes":{"requested":64},"tokens":1,"samples_s":%s,'
         '"summary":{"median_s":0.001},"failure":null,"complete":true}')


def test_100000_cases_take_less_than_5_seconds(tmp_path):
    """Of processor time, reading included, so that other work on the machine does not count."""
    paths = []
    for name, shift in (("old", 0), ("new", 1)):
        document = build.run([])
        cases = ",".join(SMALL % (index, json.dumps(
            [1e-3 + 1e-7 * ((index * 7 + sample * 3 + shift) % 11) for sample in range(10)]))
            for index in range(100_000))
        text = json.dumps(document).replace('"cases": []', f'"cases": [{cases}]')
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(text)
    before = os.times()
    done = compare(*paths)
    after = os.times()
    assert done.returncode == 0, done.stderr
    assert "No regression in 100000 cases: 100000 same." in done.stdout
    used = sum(getattr(after, field) - getattr(before, field)
               for field in ("children_user", "children_system"))
    assert used < 5
