# SPDX-License-Identifier: Apache-2.0
"""scripts/slurm/node.sbatch with a stand-in for the program, as Slurm runs it: a copy, elsewhere. Needs pytest."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

root = pathlib.Path(__file__).parent.parent.parent
SCRIPT = root / "scripts/slurm/node.sbatch"
# The tests of the program are told its place by what the script, too, asks for.
CLEAN = {name: value for name, value in os.environ.items() if name not in ("OFFLOAD_BENCH", "MODEL")}
# Writes down how it was called; `FAILS` says which call ends how.
PROGRAM = """#!/bin/bash
echo "$*" >> "$CALLS"
while (($# > 1)); do [[ $1 != --output ]] || echo '{}' > "$2"; shift; done
case "$(tail -n 1 "$CALLS")" in ${FAILS:-none}) exit "$STATUS" ;; esac
"""
VALIDATE = '#!/bin/sh\necho "$*" >> "$CALLS"\n'


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture(name="tree")
def a_tree(tmp_path):
    script(tmp_path / "tree/build/release/offload_bench", PROGRAM)
    script(tmp_path / "tree/scripts/offload-results", VALIDATE)
    shutil.copy(SCRIPT, tmp_path / "slurm_script")
    return tmp_path / "tree"


def job(tree, *arguments, **environment):
    calls = tree / "calls"
    done = subprocess.run(
        ["bash", tree.parent / "slurm_script", *arguments], capture_output=True, text=True, cwd=tree.parent, timeout=60,
        env={**CLEAN, "SLURM_SUBMIT_DIR": str(tree), "SLURM_JOB_ID": "42", "CALLS": str(calls), **environment})
    return done, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


def test_it_checks_measures_and_validates(tree):
    done, calls = job(tree, "gh200-120gb-cdmm")
    results = tree / "build/results/gh200-120gb-cdmm"
    assert (done.returncode, done.stderr) == (0, "")
    assert calls[0] == "platform --redact" and calls[1].startswith("doctor ")
    measured = [re.sub(r" --redact --output \S+", "", call) for call in calls[2:] if "validate" not in call]
    assert measured == [
        "--suite quick", "--suite gemm --limits", "--suite decode --model llama3.1-8b",
        "--suite prefill --model llama3.1-8b", "--suite micro", "--suite quick --host-numa local",
        "--suite quick --host-numa remote"]
    validated = {call.split("/")[-1] for call in calls if call.startswith("validate --reference")}
    assert validated == {path.name for path in results.glob("*.json")} - {"doctor.json"} and len(validated) == 7


def test_a_job_without_a_name_has_a_folder_of_its_own(tree):
    _, calls = job(tree, MODEL="mistralai/mixtral-8x7b")
    assert (f"--suite decode --model mistralai/mixtral-8x7b --redact "
            f"--output {tree}/build/results/42/decode-mixtral-8x7b.json") in calls


def test_one_failure_keeps_nothing_from_running(tree):
    done, calls = job(tree, FAILS="*gemm*", STATUS="1")
    assert done.returncode == 1 and done.stderr == "error: look at gemm (exit code 1)\n"
    assert any("--suite micro" in call for call in calls)


@pytest.mark.parametrize("call,status,code", [
    ("*remote*", "2", 0),  # there is no other node
    ("*remote*", "1", 1),
    ("*--suite?micro*", "2", 1),
])
def test_a_host_of_one_node_is_no_failure(tree, call, status, code):
    assert job(tree, FAILS=call, STATUS=status)[0].returncode == code


def test_what_doctor_finds_stops_nothing(tree):
    assert job(tree, FAILS="doctor*", STATUS="1")[0].returncode == 0


def test_another_program_can_be_named(tree):
    script(tree / "elsewhere/offload_bench", PROGRAM)
    (tree / "build/release/offload_bench").unlink()
    assert job(tree, OFFLOAD_BENCH=str(tree / "elsewhere/offload_bench"))[0].returncode == 0


def test_a_program_that_is_not_built_is_told(tree):
    (tree / "build/release/offload_bench").unlink()
    done, calls = job(tree)
    assert done.returncode == 1 and calls == []
    assert re.fullmatch(r"error: \S+/offload_bench is not there: build it first, or name it in OFFLOAD_BENCH\n", done.stderr)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck")
def test_shellcheck_finds_nothing():
    done = subprocess.run(["shellcheck", "-x", SCRIPT], capture_output=True, text=True)
    assert done.stdout == ""
