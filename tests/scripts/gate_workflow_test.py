# SPDX-License-Identifier: Apache-2.0
"""What .github/workflows/gpu.yml runs, run here as a runner would: its own bash, in a folder that looks like
a checkout, with a program that stands in for the GPU's, and with the real one on the CPU where OFFLOAD_BENCH
names it. docs/ci.md says what comes out. Needs pytest, bash."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import textwrap

import pytest

from forked import ROOT

WORKFLOW = ROOT / ".github/workflows/gpu.yml"
STEP = re.compile(r"^      - name: (.+)\n        run: \|\n((?:          .*\n|\n)+)", re.MULTILINE)
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # what `shell: bash` means to GitHub
BENCH = os.environ.get("OFFLOAD_BENCH")

STAND_IN = '''\
import argparse, os, sys
sys.path.insert(0, {tests!r})
import pathlib, results_builder as build
parser = argparse.ArgumentParser()
for option in "--suite", "--output", "--ci-json":
    parser.add_argument(option)
parser.add_argument("--redact", action="store_true")
given = parser.parse_args()
slowness, broken = float(os.environ.get("SLOWNESS", 1)), os.environ.get("BROKEN")
cases = [build.case(policy="pinned_copy", samples=[slowness * x for x in (1.3e-3, 1.301e-3, 1.302e-3)]),
         build.case(policy="pinned_zero_copy", failure="a wrong result" if broken else None,
                    samples=() if broken else (2e-3, 2.001e-3, 2.002e-3))]
gpu = build.gpu(name=os.environ.get("GPU", "Test GPU"))
number = int(pathlib.Path(given.output).stem.rpartition("-")[2])  # no two runs begin at once
build.write(pathlib.Path(given.output), build.run(cases, gpu=gpu,
                                                  started_at=f"2026-01-01T00:00:{{number:02}}Z"))
pathlib.Path(given.ci_json).write_text("{{}}")
sys.exit(1 if broken else 0)
'''
# Its run, made slower; who else works this machine while the tests run is not to be what is judged.
CPU_ONLY = '''\
import json, os, subprocess, sys
code = subprocess.run([{bench!r}, *sys.argv[1:], "--policies=host_compute", "--workloads=stream_read",
                       "--sizes=1MiB", "--samples=5", "--evidence=none"]).returncode
output = sys.argv[sys.argv.index("--output") + 1]
document = json.load(open(output))
document["context"]["load_avg"] = [0, 0, 0]
for case in document["offload_bench"]["cases"]:
    case["samples_s"] = [x * float(os.environ.get("SLOWNESS", 1)) for x in case["samples_s"]]
json.dump(document, open(output, "w"))
sys.exit(code)
'''


def steps():
    return {name: textwrap.dedent(text) for name, text in STEP.findall(WORKFLOW.read_text())}


class Checkout:
    """A folder to run the workflow's steps in. `program` is Python."""

    def __init__(self, folder, program):
        self.folder, self.summary = folder, folder / "summary.md"
        (folder / "scripts").symlink_to(ROOT / "scripts")
        self.executable("build/release/offload_bench", program)
        self.executable("bin/python3", None)

    def executable(self, name, program):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if program is not None:
            path.with_suffix(".py").write_text(program)
        script = "" if program is None else f" {shlex.quote(str(path.with_suffix('.py')))}"
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{script} "$@"\n')
        path.chmod(0o755)

    def run(self, step, **environment):
        self.summary.write_text("")
        known = {"BASELINE": "baseline.json", "RUNS": "2", "GITHUB_STEP_SUMMARY": str(self.summary),
                 "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([*BASH, "-c", steps()[step]], cwd=self.folder, capture_output=True, text=True,
                              env={**os.environ, **known, **environment}, check=False)

    def measure(self, **environment):
        done = self.run("Measure", **environment)
        assert done.returncode == 0, done.stderr
        return self.folder / "build/gate/candidate.json"

    def gate(self, **environment):
        """(exit code, the job's summary) of a run against the baseline."""
        self.measure(**environment)
        done = self.run("Compare", **environment)
        return done.returncode, self.summary.read_text()


@pytest.fixture
def checkout(tmp_path):
    made = Checkout(tmp_path, STAND_IN.format(tests=str(pathlib.Path(__file__).parent)))
    made.measure().rename(tmp_path / "baseline.json")
    return made


def test_the_steps_are_those_that_are_run_here():
    assert list(steps()) == ["Check the inputs", "Build", "Measure", "Compare"]


@pytest.mark.parametrize("environment, told", [
    ({"RUNS": "0"}, "runs: a number"), ({"RUNS": "1; true"}, "runs: a number"), ({"RUNS": "100"}, "runs:"),
    ({"BASELINE": "none.json"}, "baseline: no such file: 'none.json'"), ({"BASELINE": ""}, "baseline:")])
def test_bad_inputs_stop_it(checkout, environment, told):
    done = checkout.run("Check the inputs", **environment)
    assert done.returncode == 2 and told in done.stdout
    assert checkout.run("Check the inputs").returncode == 0


def test_the_same_build_passes(checkout):
    code, summary = checkout.gate()
    assert code == 0 and summary.startswith("**No regression in 2 cases: 2 same.**")
    assert "| gpu | 2 |" in summary
    whole = json.loads((checkout.folder / "build/gate/candidate.json").read_text())
    assert len(whole["offload_bench"]["sources"]) == 2
    assert {"run-1.json", "ci-2.json", "comparison.md"} <= {
        path.name for path in (checkout.folder / "build/gate").iterdir()}


def test_a_slower_build_fails(checkout):
    code, summary = checkout.gate(SLOWNESS="1.1")
    assert code == 1 and summary.startswith("**Regression: 1 slower of 2 cases")
    assert "+10.0 %" in summary and "gemv/pinned_copy/w/steady" in summary


def test_a_case_that_fails_is_for_the_comparison_to_judge(checkout):
    code, summary = checkout.gate(BROKEN="yes")
    assert code == 1 and summary.startswith("**Regression: 1 failed of 2 cases")
    assert "a wrong result" in summary


def test_another_machine_ends_with_2_and_the_reason_in_the_summary(checkout):
    code, summary = checkout.gate(GPU="Other GPU")
    assert code == 2 and summary.startswith("```text\n") and summary.endswith("```\n")
    assert "GPU: Test GPU in the baseline, Other GPU in the candidate" in summary


def test_a_program_that_does_not_run_stops_it(checkout):
    checkout.executable("build/release/offload_bench", "import sys; sys.exit(2)")
    done = checkout.run("Measure")
    assert done.returncode == 1 and not (checkout.folder / "build/gate/candidate.json").exists()


@pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")
def test_the_real_program_on_the_cpu(tmp_path):
    """A baseline of this machine passes, and fails at 20 times its time."""
    checkout = Checkout(tmp_path, CPU_ONLY.format(bench=os.path.abspath(BENCH)))
    checkout.measure(RUNS="3").rename(tmp_path / "baseline.json")
    code, summary = checkout.gate()
    assert code == 0 and summary.startswith("**No regression in 1 case: ") and "| cpu | 1 |" in summary
    code, summary = checkout.gate(SLOWNESS="20")
    assert code == 1 and summary.startswith("**Regression: 1 slower of 1 case, most of all stream_read/")
