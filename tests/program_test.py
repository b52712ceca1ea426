# SPDX-License-Identifier: Apache-2.0
"""The program as a user and a CI job meet it: exit codes, one clear line for bad input, and a valid
file of what was finished whatever ends the run.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""

import json
import os
import signal
import subprocess
import time

import pytest

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

# Measured on every machine, in a fraction of a second.
SMALL = ["--policies", "host_compute", "--sizes", "64KiB", "--workloads", "stream_read", "--samples", "3"]


def run(*arguments, **options):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize(
    "arguments,mentions",
    [
        (["--policies", "pinned_zerocopy"], "pinned_zero_copy"),
        (["--polices", "pinned_copy"], "--policies"),
        (["--sizes", "0"], "0"),
        (["--sizes", "64MB"], "MiB"),
        (["--sizes", "900000GiB"], "900000GiB"),
        (["--workloads", "gemv", "--tensor", "x:16x16:u8"], "u8"),
        (["--tensor", "x:16x16:int4"], "int4"),
        (["--output", "/no/such/folder/x.json"], "/no/such/folder"),
        (["--gpu", "-1"], "--gpu"),
        (["--benchmark_filtre=x"], "--benchmark_filtre"),
        (["unexpected"], "unexpected"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments, mentions):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("offload_bench: ")
    assert mentions in lines[0]


def test_nothing_matched():
    assert run(*SMALL, "--benchmark_filter=no_such_case").returncode == 3


def test_strict_tells_of_skips(tmp_path):
    # A dtype the gemv cannot read is skipped when the suite, not the user, chose the workload.
    arguments = [*SMALL[:2], "--tensor", "x:64x64:u8", "--samples", "2"]
    assert run(*arguments).returncode == 0
    assert run(*arguments, "--strict").returncode == 4


def test_stock_flags_behave_as_stock():
    listed = run(*SMALL, "--benchmark_list_tests")
    assert listed.returncode == 0
    assert listed.stdout == "stream_read/host_compute/64KiB/steady/manual_time\n"
    stock = json.loads(run(*SMALL, "--benchmark_format=json").stdout)
    assert {"context", "benchmarks"} == set(stock)
    fewer = json.loads(run(*SMALL, "--benchmark_repetitions=2", "--output", "-").stdout)
    assert len(fewer["offload_bench"]["cases"][0]["samples_s"]) == 2


def test_one_repetition_is_one_sample(tmp_path):
    output = tmp_path / "run.json"
    assert run(*SMALL, "--output", str(output)).returncode == 0
    document = json.loads(output.read_text())
    (case,) = document["offload_bench"]["cases"]
    rows = [row for row in document["benchmarks"] if row["run_type"] == "iteration"]
    assert len(rows) == len(case["samples_s"]) == 3
    for row, sample in zip(rows, case["samples_s"]):
        assert row["iterations"] == 1
        assert row["real_time"] == pytest.approx(sample * 1e6, rel=1e-6)
        assert row["bytes_per_second"] == pytest.approx(65536 / sample, rel=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_what_was_finished(tmp_path, number):
    output = tmp_path / "run.json"
    journal = tmp_path / "run.json.journal"
    arguments = ["--policies", "host_compute", "--workloads", "stream_read", "--sizes",
                 "64KiB,1GiB", "--samples", "40", "--output", str(output)]
    # A shell's background jobs, and so perhaps this test, ignore SIGINT, and the program honours that.
    heed = lambda: signal.signal(number, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen([BENCH, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, preexec_fn=heed) as process:
        deadline = time.monotonic() + 60
        # A header, then a line for each finished case.
        while not journal.exists() or len(journal.read_text().splitlines()) < 2:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert signal.Signals(number).name in errors
    record = json.loads(output.read_text())["offload_bench"]
    assert record["complete"] is False
    assert number.name in record["incomplete_reason"]
    assert record["cases"][0]["complete"] is True
    assert not journal.exists()


def test_list_is_quick():
    run("--list")  # into the page cache
    started = time.monotonic()
    assert run("--list").returncode == 0
    assert time.monotonic() - started < 2  # 0.1 s where nothing else runs
