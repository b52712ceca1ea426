# SPDX-License-Identifier: Apache-2.0
"""A policy is one file and a workload is one file: with those in tests/data/toys the program is linked
again (offload_bench_with_toys), and they are listed, planned, measured, written and drawn. Nothing
else in the repository knows of them.

Needs pytest, jsonschema and matplotlib. OFFLOAD_BENCH names the benchmark.
"""
import csv
import io
import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("jsonschema", reason="needs python3-jsonschema")
pytest.importorskip("matplotlib", reason="needs python3-matplotlib")

root = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(root / "scripts"))
from offload_results import plot  # noqa: E402
from offload_results.figures import styles  # noqa: E402

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

POLICY, WORKLOAD = "toy_host_copy", "toy_row_sums"
TOYS = {root / "tests/data/toys/policies/toy_policy.cpp", root / "tests/data/toys/workloads/toy_workload.cpp"}
CASES = {f"{workload}/{policy}/{size}/steady" for size in ("64KiB", "256KiB")
         for policy in ("host_compute", POLICY) for workload in ("stream_read", WORKLOAD)}
SMALL = ["--policies", f"{POLICY},host_compute", "--workloads", f"stream_read,{WORKLOAD}",
         "--sizes", "64KiB,256KiB", "--samples", "3"]


def run(*arguments):
    program = pathlib.Path(BENCH).parent / "tests/offload_bench_with_toys"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def script(name, *arguments):
    done = subprocess.run([sys.executable, "-B", root / "scripts" / name, *map(str, arguments)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """(the results file, what the program printed)"""
    path = tmp_path_factory.mktemp("toys") / "toys.json"
    done = run(*SMALL, "--output", path)
    assert done.returncode == 0, done.stderr
    return path, done.stdout


@pytest.fixture
def results(measured):
    return measured[0]


@pytest.fixture
def cases(results):
    found = json.loads(results.read_text(encoding="utf-8"))["offload_bench"]["cases"]
    return {case["name"]: case for case in found}


def test_only_their_own_files_name_them():
    named = subprocess.run(["git", "-C", root, "grep", "-lE", f"{POLICY}|{WORKLOAD}"],
                           capture_output=True, text=True, check=False).stdout.split()
    assert {root / path for path in named} <= TOYS | {pathlib.Path(__file__).resolve()}


def test_they_are_not_in_the_program():
    listed = subprocess.run([BENCH, "list"], capture_output=True, text=True, check=True).stdout
    assert POLICY not in listed and WORKLOAD not in listed


def test_they_are_listed():
    listed = run("list")
    assert listed.returncode == 0, listed.stderr
    assert POLICY in listed.stdout and WORKLOAD in listed.stdout


def test_they_are_planned():
    planned = run("plan", *SMALL)
    assert planned.returncode == 0, planned.stderr
    assert all(case in planned.stdout for case in CASES)


def test_they_are_planned_unasked():
    planned = run("plan", "--sizes", "64KiB", "--workloads", f"stream_read,{WORKLOAD}")
    assert planned.returncode == 0, planned.stderr
    assert f"stream_read/{POLICY}/64KiB/steady" in planned.stdout


def test_they_are_measured_and_written(cases):
    assert set(cases) == CASES
    for case in cases.values():
        assert case["complete"] and case["standing"], case["name"]
    one = cases[f"{WORKLOAD}/{POLICY}/64KiB/steady"]
    assert (one["policy"], one["workload"], one["family"]) == (POLICY, WORKLOAD, "cpu")


def test_they_are_in_the_tables_of_the_program(measured):
    done = run(*SMALL, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert {row["name"] for row in csv.DictReader(io.StringIO(done.stdout))} >= CASES
    _, table = measured
    assert POLICY in table and WORKLOAD in table


def test_the_results_are_valid(results):
    script("offload-results", "validate", results)


def test_they_are_drawn(results, cases, tmp_path):
    looks = styles.of_cases(cases.values())
    assert looks[POLICY].colour == looks["host_compute"].colour
    assert looks[POLICY].marker != looks["host_compute"].marker
    drawn = dict(plot.data_of([results], None))
    assert POLICY in {curve.policy for panel in drawn["bandwidth"].panels for curve in panel.curves}
    assert POLICY in {row.policy for row in drawn[f"rates-{WORKLOAD}"].rows}
    files = script("offload-results", "plot", results, "--output-dir", tmp_path).stdout.split()
    assert {f"{tmp_path}/bandwidth.svg", f"{tmp_path}/rates-{WORKLOAD}.svg"} <= set(files)


def test_they_are_in_the_report(results, tmp_path):
    script("offload-results", "report", results, "--output", tmp_path / "toys.html")
    page = (tmp_path / "toys.html").read_text(encoding="utf-8")
    assert POLICY in page and WORKLOAD in page


def test_they_are_in_tables_for_documents(results):
    assert POLICY in script("offload-results", "table", results, f"rates:{WORKLOAD}").stdout
