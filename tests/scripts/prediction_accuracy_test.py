# SPDX-License-Identifier: Apache-2.0
"""What scripts/prediction_accuracy.py asks the program for, what it keeps of it, and that neither a run that
fails nor one that does not end loses what others came to. Needs pytest."""
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import pytest

import forked

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from accuracy_runs import invocations, program  # noqa: E402
from offload_results.tables import condensed  # noqa: E402
from offload_results.results import BadInput  # noqa: E402

STAND_IN = pathlib.Path(__file__).parent / "accuracy_bench.py"
ALL = ["--policies", "device_resident,pinned_copy,pinned_zero_copy", "--budget-policies", "pinned_copy"]


def script(*arguments):
    return forked.script("prediction_accuracy.py", "--bench", STAND_IN, *ALL, *arguments)


def commands(*arguments):
    """The options of each command line, by name."""
    done = script("--dry-run", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [shlex.split(line) for line in done.stdout.splitlines()]
    return [dict(zip(line[1::2], line[2::2])) for line in lines]


def test_all_presets_and_budgets_are_asked_for():
    found = commands()
    assert [one["--model"] for one in found] == ["small", "large", "large"] + ["small", "large"] * 3
    assert [one.get("--cpu-offload-gb") for one in found[2:]] == [
        None, "6.000", "6.000", "4.000", "4.000", "2.000", "2.000"]
    assert found[0]["--tokens"] == "1,8,32,512,2048,8192" and found[3]["--tokens"] == "1,32,2048"
    assert {one["--workloads"] for one in found} == {"decode,prefill"}


def test_what_takes_too_long_is_asked_for_apart_or_not_at_all():
    others, again = commands("--models", "large", "--budgets", "0", "--policies",
                             "managed_demand,pinned_copy,pinned_zero_copy,managed_accessed_by")
    assert others["--policies"] == "pinned_copy" and others["--tokens"].endswith(",8192")
    assert again["--policies"] == "pinned_zero_copy,managed_accessed_by" and again["--tokens"] == "1,8,32,512"
    [whole] = commands("--models", "small", "--budgets", "0", "--policies", "managed_demand,pinned_copy")
    assert whole["--policies"] == "managed_demand,pinned_copy" and whole["--start"] == "steady,cold"


def test_what_takes_too_long_is_counted_as_skipped(tmp_path):
    output = tmp_path / "a.json"
    script("--models", "large", "--budgets", "0", "--policies", "managed_demand,pinned_copy,pinned_zero_copy",
           "--output", output)
    others, again = condensed.load(output)["runs"]
    assert {"reason": "a pass over the slice takes more than 0.25 s", "cases": 6 + 2} in others["skipped"]
    assert len(again["skipped"]) == 1


def test_a_model_that_prefill_cannot_read_is_only_decoded(tmp_path):
    [found] = commands("--models", "q4", "--budgets", "0")
    assert found["--workloads"] == "decode" and found["--tokens"] == "1,8,32"
    output = tmp_path / "a.json"
    assert script("--models", "q4", "--budgets", "0", "--output", output).returncode == 0
    [run] = condensed.load(output)["runs"]
    assert {"reason": "prefill cannot read q4", "cases": 9} in run["skipped"]


def test_what_is_kept_of_a_run(tmp_path):
    output = tmp_path / "a.json"
    done = script("--models", "small", "--budgets", "0.25", "--budget-policies", "device_resident,pinned_copy",
                  "--output", output)
    assert (done.returncode, done.stderr) == (0, "1 of 1: small, budget 0.25: 1 case\n")
    document = json.loads(output.read_text())
    assert document["machine"]["gpu"] == "Test GPU" and document["build"]["git_commit"] == "0123456789ab"
    [run] = document["runs"]
    assert run["command"].startswith("offload_bench --model small ") and "--cpu-offload-gb 6.000" in run["command"]
    assert (run["complete"], run["layers_measured"], run["resident_bytes"]) == (True, 2, 2 << 30)
    assert run["calibration"]["copy_h2d_bytes_per_second"] == 55e9
    assert run["failed"] == [{"reason": "wrong sum", "cases": 1}]
    assert run["skipped"] == [{"reason": "no such memory", "cases": 1}]
    assert run["cases"] == [{
        "label": "decode/tokens:1", "policy": "device_resident", "start": "steady", "captured": False,
        "contends": False, "predicted": {"seconds": 1.01e-3, "least_s": 0.9e-3, "most_s": 1.1e-3},
        "summary": {"median_s": 1e-3, "min_s": 1e-3, "max_s": 1e-3}}]


def test_a_run_that_takes_too_long_leaves_what_it_finished(tmp_path):
    output = tmp_path / "a.json"
    done = script("--models", "slow,large", "--budgets", "0.5", "--seconds-per-run", "2", "--output", output)
    slow, other = condensed.load(output)["runs"]
    assert done.returncode == 1 and other["complete"]
    assert (slow["complete"], slow["incomplete_reason"], len(slow["cases"])) == (False, "took more than 2 s", 1)


def test_of_a_run_that_had_to_be_killed_the_journal_is_read(monkeypatch):
    monkeypatch.setattr(program, "ENDING_S", 0.5)
    outcome = program.measured(str(STAND_IN), ["--model", "stubborn", "--policies", "a,b"], 1)
    assert outcome.reason == "took more than 1 s"
    assert [case["policy"] for case in outcome.run["cases"]] == ["a", "b"]


def test_a_run_that_fails_is_named_and_repeated(tmp_path):
    output = tmp_path / "a.json"
    arguments = ["--models", "damaged,large", "--budgets", "0.5", "--output", output]
    assert script(*arguments).returncode == 1
    damaged, other = condensed.load(output)["runs"]
    assert "not results of offload_bench" in damaged["incomplete_reason"] and damaged["cases"] == []
    done = script(*arguments, "--append")
    assert done.returncode == 1 and done.stderr.startswith("1 of 1: damaged, budget 0.5: 0 cases; ")
    assert [run["model"] for run in condensed.load(output)["runs"]] == ["large", "damaged"]
    assert condensed.load(output)["runs"][0] == other


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_measured_outlives_an_interruption(tmp_path, number):
    output = tmp_path / "a.json"
    arguments = [sys.executable, ROOT / "scripts/prediction_accuracy.py", "--bench", STAND_IN, *ALL, "--models",
                 "large,slow,small", "--budgets", "0.5", "--output", output]
    heed = lambda: signal.signal(number, signal.default_int_handler)  # noqa: E731
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, preexec_fn=heed,
                          env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        deadline = time.monotonic() + 60
        while not (output.exists() and list(tmp_path.glob("*/*.journal"))):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "Traceback" not in errors
    large, slow = condensed.load(output)["runs"]
    assert large["complete"] and slow["incomplete_reason"] == "interrupted" and len(slow["cases"]) == 1


@pytest.mark.parametrize("arguments,message", [
    ([], "give --output FILE, or --dry-run"),
    (["--dry-run", "--models", "unknown"], "unknown: unknown model 'unknown'"),
    (["--dry-run", "--bench", "/none"], "/none: no such program: build it and give --bench PATH"),
    (["--output", ROOT / "README.md"], f"{ROOT / 'README.md'}: is there already: --append goes on with it"),
])
def test_a_refusal_is_one_line(arguments, message):
    done = script(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"prediction_accuracy.py: {message}\n")


@pytest.mark.parametrize("option,rule", [
    ("--budgets=1", "'1' is not a share"), ("--budgets=0,0", "has something twice"),
    ("--workloads=gemm/tokens:1", "is not decode/tokens:N or prefill/tokens:N"),
    ("--workloads=decode/tokens:512", "must be a whole number from 1 to 256"), ("--models=a,", "nothing between"),
    ("--seconds-per-run=0", "must be a whole number from 1")])
def test_bad_options_are_refused(option, rule):
    done = script("--dry-run", option)
    assert done.returncode == 2 and rule in " ".join(done.stderr.split())


def test_two_machines_do_not_go_into_one_file(tmp_path):
    output = tmp_path / "a.json"
    done = script("--models", "large,foreign", "--budgets", "0.5", "--output", output)
    assert done.returncode == 2 and "another machine than that of the runs before" in done.stderr
    assert [run["model"] for run in condensed.load(output)["runs"]] == ["large"]


def test_figures_have_five_digits():
    assert condensed.rounded(1.23456789e-3) == 1.2346e-3 and condensed.rounded(None) is None
    assert condensed.rounded(13958643712) == 13958643712


@pytest.mark.parametrize("document,message", [
    ([], "not what scripts/prediction_accuracy.py writes"), ({"program": "prediction_accuracy"}, "\"runs\" is not a list"),
    ({"program": "prediction_accuracy", "runs": [{}]}, r"runs\[0\] is not a run"),
    ({"program": "prediction_accuracy", "runs": [{"model": "a", "command": "a", "complete": True, "budget": 0,
                                                  "cases": [{}]}]}, r"runs\[0\].cases\[0\] is not a case")])
def test_a_damaged_file_is_refused(tmp_path, document, message):
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(BadInput, match=message):
        condensed.load(tmp_path / "a.json")


def test_labels_are_read():
    assert invocations.tokens_of("prefill/tokens:2048") == ("prefill", 2048)
