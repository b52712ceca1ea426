# SPDX-License-Identifier: Apache-2.0
"""What offload-results compare refuses, notes and leaves out. Needs pytest."""
import json
import subprocess
import sys

import pytest

import results_builder as build
from committed import SCHEMA_1
from compared import (
    ROOT, STILL, as_json, case, compare, compare_cases, compare_runs, merged, on_cpu, verdicts)


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


def test_another_card_is_a_note(tmp_path):
    """Less of what the GPU does alone than of a link that others use too."""
    old, new, redacted = (gpu_with(uuid=uuid) for uuid in ("GPU-a", "GPU-b", "redacted"))
    redacted["offload_bench"]["redacted"] = True
    done = compare_runs(tmp_path, old, new)
    assert done.returncode == 0
    assert "  GPU, UUID: GPU-a in the baseline, GPU-b in the candidate\n" in done.stdout
    for alike in (old, redacted):
        assert "UUID" not in compare_runs(tmp_path, old, alike).stdout
    usual = build.calibration()
    for name, scale, told in (("device_latency_s", 1.03, True), ("device_latency_s", 1.01, False),
                              ("device_read_bytes_per_second", 0.97, True),
                              ("link_latency_s", 1.03, False)):
        shifted = build.run([case()], calibration={**usual, name: usual[name] * scale})
        found = compare_runs(tmp_path, build.run([case()]), shifted).stdout
        assert (f"calibration, {name}" in found) == told


def test_the_card_is_told_where_chases_of_it_are_flagged():
    done = compare(SCHEMA_1 / "four-runs.json", SCHEMA_1 / "another-card.json", "--format=json")
    assert done.returncode == 1
    assert {(row["label"], row["weights"]) for row in as_json(done)[0]["cases"]
            if row["regression"]} == {("pointer_chase", "64MiB")}
    assert "calibration, device_latency_s" in [
        difference["what"] for difference in as_json(done)[0]["differences"]]


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
           for label in ("gemv", "gemm/tokens:512")]

    def left(*filters):
        done = compare_cases(tmp_path, old, old, "--format=json",
                             *(f"--filter={one}" for one in filters))
        return {(row["label"], row["policy"]) for row in as_json(done)[0]["cases"]}
    assert left("policy=pinned_*") == {(label, policy) for label in ("gemv", "gemm/tokens:512")
                                       for policy in ("pinned_copy", "pinned_ring_copy")}
    assert left("policy=managed,pinned_copy", "label=gemv") == {("gemv", "managed"),
                                                                ("gemv", "pinned_copy")}
    assert left("workload=gemm", "policy=managed") == {("gemm/tokens:512", "managed")}
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
    "", "{", "[]", "{}", '{"offload_bench": {"schema_version": "3.0.0"}}', '{"benchmarks": []}'])
def test_bad_files(tmp_path, text):
    good = build.write(tmp_path / "good.json", build.run([case()]))
    (tmp_path / "bad.json").write_text(text)
    for paths in ((good, tmp_path / "bad.json"), (tmp_path / "bad.json", good),
                  (good, tmp_path / "none.json")):
        done = compare(*paths, "--output", tmp_path / "out")
        assert (done.returncode, done.stdout) == (2, "") and not (tmp_path / "out").exists()
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("offload-results compare: ")


@pytest.mark.parametrize("option", ["--threshold=0", "--threshold=nan", "--threshold=x",
                                    "--confidence=1", "--confidence=0", "--filter=policy",
                                    "--filter=colour=red", "--rows=-1", "--format=xml",
                                    "--run-to-run=disk=1", "--run-to-run=cpu=0"])
def test_bad_options(tmp_path, option):
    assert compare_cases(tmp_path, [case()], [case()], option).returncode == 2


GOOD = json.dumps(build.run([case()]))
SPOILED = {
    "cut": GOOD[:GOOD.index("passes")], "empty": " ", "foreign": "{}",
    "no case": GOOD.replace('"policy"', '"p"'),
    "version": GOOD.replace('"2.0.0"', '"3.0.0"'), "comma": GOOD.replace(", ", "\n,, ", 9),
    # Within what is not compared:
    "NaN": GOOD.replace('"passes": 0', '"passes": NaN'),
    "infinite": GOOD.replace('"passes": 0', '"passes": -1e999'),
    "endless": GOOD.replace('"passes": 0', f'"passes": 1{"0" * 20}'),
    "surrogate": GOOD.replace("--evidence none", r"\udc00"),
    "control": GOOD.replace("--evidence none", "\x01"),
    "deep": GOOD.replace('"passes": 0', f'"passes": {"[" * 100_000}'),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_spoiled_files_are_refused_in_one_line(tmp_path, kind):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(GOOD)
    bad.write_text(SPOILED[kind])
    for paths in ((good, bad), (bad, good)):
        done = compare(*paths)
        assert (done.returncode, done.stdout) == (2, "") and len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith(f"offload-results compare: {bad}: ")


def test_samples_that_are_not_times_are_refused_only_where_they_count(tmp_path):
    endless = build.case(policy="pinned_copy", samples=[1e90] * 3)
    assert "a sample that is not a time" in compare_runs(
        tmp_path, build.run([case()]), build.run([endless])).stderr
    endless.update(failure="wrong result")
    done = compare_runs(tmp_path, build.run([case()]), build.run([endless]))
    assert done.returncode == 1 and "wrong result" in done.stdout


def test_without_scipy_it_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "without").mkdir()
    (tmp_path / "without/scipy.py").write_text("raise ImportError('no such module')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    path = build.write(tmp_path / "a.json", build.run([case()]))
    done = subprocess.run([sys.executable, ROOT / "scripts/offload-results", "compare", path, path],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "") and len(done.stderr.splitlines()) == 1
    for way in ("apt-get install python3-scipy", "pip install scipy", "uv run"):
        assert way in done.stderr


def test_case_twice(tmp_path):
    done = compare_cases(tmp_path, [case(), case()], [case()])
    assert done.returncode == 2 and "twice" in done.stderr
