# SPDX-License-Identifier: Apache-2.0
"""Cases as lines and as rows of a database.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""
import contextlib
import csv
import io
import json
import os
import sqlite3
import subprocess

import pytest

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

CASES = ["--workloads", "stream_read", "--policies", "host_compute,pinned_copy"]
SMALL = [*CASES, "--sizes", "64KiB", "--samples", "3"]
HIDDEN = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}  # the CPU's case runs, the other is skipped


def run(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=120, env=HIDDEN)


def test_each_case_and_each_skipped_one_is_a_line():
    done = run(*SMALL, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    by_kind = {line["kind"]: line for line in lines}
    assert len(lines) == 2 and by_kind.keys() == {"case", "skipped"}
    assert by_kind["skipped"]["policy"] == "pinned_copy" and "GPU" in by_kind["skipped"]["reason"]
    case = by_kind["case"]
    assert case["policy"] == "host_compute" and len(case["samples_s"]) == 3 and case["failure"] is None
    assert case["run"] == by_kind["skipped"]["run"] and case["run"]["version"] in run("--version").stdout


def test_a_line_is_there_before_the_next_case():
    """The second case takes longer than it takes to see the first."""
    with subprocess.Popen([BENCH, "--workloads", "stream_read", "--policies", "host_compute", "--sizes", "64KiB,512MiB",
                           "--samples", "50", "--evidence", "none", "--format", "jsonl"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=HIDDEN) as process:
        first = json.loads(process.stdout.readline())
        assert process.poll() is None and first["weights"]["name"] == "64KiB"
        process.kill()


def test_lines_are_those_of_the_file(tmp_path):
    done = run(*SMALL, "--format", "jsonl", "--output", tmp_path / "run.json")
    ours = json.loads((tmp_path / "run.json").read_text())["offload_bench"]
    [line] = [json.loads(text) for text in done.stdout.splitlines() if '"kind":"case"' in text]
    assert {name: value for name, value in line.items() if name not in ("kind", "run")} == \
        {**ours["cases"][0], "run_name": None, "standing": None}
    assert line["run"]["started_at"] == ours["started_at"] and ours["options"]["format"] == "jsonl"


def test_a_reader_that_leaves_loses_no_results(tmp_path):
    output = tmp_path / "run.json"
    with subprocess.Popen([BENCH, *SMALL, "--sizes", "128KiB", "--format", "jsonl", "--output", output],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=HIDDEN) as process:
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=120) == 1
    assert "cannot write to standard output" in errors and "Traceback" not in errors
    assert json.loads(output.read_text())["offload_bench"]["complete"] is False


def test_a_run_is_rows_of_a_database_and_so_is_the_next(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "all.db")) as database:
        for _ in range(2):
            done = run(*SMALL, "--format", "sql")
            assert done.returncode == 0, done.stderr
            database.executescript(done.stdout)
        cases = database.execute("SELECT policy, median_s > 0, typeof(median_s), typeof(samples), complete, failure, gpu "
                                 "FROM offload_cases").fetchall()
        assert cases == [("host_compute", 1, "real", "integer", 1, None, None)] * 2
        assert database.execute("SELECT policy FROM offload_skipped").fetchall() == [("pinned_copy",)] * 2
        columns = [row[1] for row in database.execute("PRAGMA table_info(offload_cases)")]
    header = next(csv.reader(io.StringIO(run(*SMALL, "--format", "csv").stdout)))
    assert columns[-len(header):] == header


@pytest.mark.parametrize("command", [[], ["doctor"], ["memory-cost"], ["advise"]], ids=str)
def test_an_unknown_format_gets_one_clear_line(command):
    done = run(*command, "--format", "xml")
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("offload_bench: --format: unknown format 'xml': known are table, md, ")
