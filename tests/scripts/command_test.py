# SPDX-License-Identifier: Apache-2.0
"""What every command of the scripts has in common. Needs pytest."""
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

import forked
import results_builder as build

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RUN = ROOT / "results/epyc-2vcpu/quick.json"


PRINTING = pytest.mark.parametrize(
    "command", [["offload-results", "compare", RUN, RUN], ["offload-results", "validate", RUN], ["offload-results", "table", RUN, "engines"],
                ["offload-results", "report", RUN, "--output", "-"], ["offload-results", "report", "--help"]],
    ids=lambda command: f"{command[1]}{'-help' if '--help' in command else ''}")


def with_closed(number, script, *arguments):
    return subprocess.run(["sh", "-c", f'exec "$@" {number}>&-', "sh", sys.executable,
                           ROOT / "scripts" / script, *arguments], capture_output=True, text=True)


@PRINTING
def test_a_full_disk_behind_stdout_is_one_line_and_no_finding(command):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, ROOT / "scripts" / command[0], *command[1:]],
                              stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2  # 1 is a regression, or a finding
    assert done.stderr == f"{forked.name_of(command)}: cannot write to standard output: No space left on device\n"


@PRINTING
def test_a_closed_stdout_is_one_line_and_no_finding(command):
    done = with_closed(1, *command)
    assert (done.returncode, done.stderr) == (
        2, f"{forked.name_of(command)}: cannot write to standard output: Bad file descriptor\n")


def piped_to_nobody(script, *arguments):
    """Its stdout is a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, ROOT / "scripts" / script, *arguments], stdout=writer,
                          stderr=subprocess.PIPE, text=True)
    os.close(writer)
    return done.returncode, done.stderr


def test_the_verdict_is_the_same_when_nobody_reads_on(tmp_path):
    old = build.write(tmp_path / "old.json", build.run([build.case()]))
    slow = build.write(tmp_path / "slow.json", build.run([build.case(samples=[2e-3] * 5)]))
    bad = build.write(tmp_path / "bad.json", build.run([{**build.case(), "gb_per_s": 99.0}]))
    assert piped_to_nobody("offload-results", "compare", old, slow) == (1, "")
    assert piped_to_nobody("offload-results", "compare", old, old) == (0, "")
    assert piped_to_nobody("offload-results", "validate", bad) == (1, "")
    assert piped_to_nobody("offload-results", "validate", old) == (0, "")


@pytest.mark.parametrize("command,mentions", [
    (["offload-results", "compare", RUN, RUN, "--threshold", "\x1b[31m\n"], "--threshold: '\\x1b[31m\\n' is not a number"),
    (["offload-results", "compare", RUN], "give candidates, or none with --tolerances or --plan"),
    (["offload-results", "merge", RUN], "--output"), (["offload-results", "plot", RUN, "--kind", "nope"], "bandwidth, batch"),
    (["offload-results", "report"], "RESULTS.json"), (["offload-results", "validate", "--\x1b[31m", RUN], "--\\x1b[31m"),
    (["cpu_library.py", "--rows", "x"], "a whole number"), (["model_oracle.py", "a"], "unrecognized"),
    (["prediction_accuracy.py", "--nope"], "--nope"), (["quantised_oracle.py", "a"], "unrecognized"),
    (["vllm_offload.py", "--samples"], "--samples"), (["offload-results", "table"], "RESULTS.json")],
    ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_wrong_command_line_is_one_line(command, mentions):
    done = forked.script(*command)
    [line] = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == ""
    assert line.startswith(f"{forked.name_of(command)}: ") and mentions in line and "--help" in line
    assert line.isprintable()


def test_an_interrupt_ends_a_script_without_a_traceback():
    text = "import os, signal, time; from offload_results import command; " \
           "command.run(lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(60))"
    # What starts the tests in the background may have them ignore it.
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT / "scripts", capture_output=True, text=True,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_what_prints_nothing_works_without_stdout(tmp_path):
    page = tmp_path / "page.html"
    done = with_closed(1, "offload-results", "report", RUN, "--output", page)
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 1
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


def test_bad_input_is_not_printed_where_results_go_when_stderr_is_closed(tmp_path):
    done = with_closed(2, "offload-results", "validate", tmp_path / "none.json")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("command", ["validate", "report", "plot"])
@pytest.mark.parametrize("seconds", ["1e308", "1e-320"])
def test_samples_that_no_arithmetic_takes_are_one_line_with_their_place(tmp_path, command, seconds):
    one = json.dumps(build.case(samples=[1.25e-3]))
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(build.run([build.case()])).replace(
        json.dumps(build.case()), one.replace("0.00125", seconds)))
    done = forked.script("offload-results", command, path, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"{seconds} is " in done.stderr and "in line 1, column " in done.stderr
