# SPDX-License-Identifier: Apache-2.0
"""Silence, and colors: what people see, and what programs must not.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""
import contextlib
import json
import os
import pty
import re
import subprocess

import pytest

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

SMALL = ["--workloads", "stream_read", "--policies", "host_compute", "--sizes", "64KiB", "--samples", "3"]
HIDDEN = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
ESCAPE = re.compile(r"\x1b\[\d*m")


def run(*arguments, env=None):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=120, env={**HIDDEN, **(env or {})})


def test_quiet_says_nothing_but_errors(tmp_path):
    done = run(*SMALL, "--quiet", "--output", "-")
    assert done.returncode == 0 and done.stderr == "" and json.loads(done.stdout)
    # A model's other name is a note, and so is what a run left that did not end.
    asked = ("advise", "--model", "llama3.3-70b", "--platform", "rtx-4090", "--gpu-memory", "8GiB",
             "--host-memory", "256GiB")
    assert "note: " in run(*asked).stderr and run(*asked, "-q").stderr == ""
    for quiet, says in (([], 1), (["-q"], 0)):
        (tmp_path / "run.json.journal").write_text("{}\n")
        assert run(*SMALL, *quiet, "--output", tmp_path / "run.json").stderr.count("note: an earlier run") == says
    refused = run("-q", "--samples", "0")
    assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1


def on_a_terminal(*arguments, env=None):
    """What it writes to a terminal that is its stdout."""
    ours, its = pty.openpty()
    process = subprocess.Popen([BENCH, *arguments], stdout=its, stderr=subprocess.DEVNULL,
                               env={**HIDDEN, "TERM": "xterm", **(env or {})})
    os.close(its)
    written = b""
    with contextlib.suppress(OSError):  # how a terminal ends whose other side is closed
        while chunk := os.read(ours, 4096):
            written += chunk
    os.close(ours)
    process.wait(timeout=120)
    return written.decode().replace("\r\n", "\n")


def test_colors_are_for_terminals():
    environment = {"NO_COLOR": ""}
    seen = on_a_terminal("doctor", env=environment)
    assert "\x1b[32mok\x1b[0m" in seen
    assert not ESCAPE.search(run("doctor", env=environment).stdout)
    for unwanted in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert not ESCAPE.search(on_a_terminal("doctor", env={**environment, **unwanted}))
    assert not ESCAPE.search(on_a_terminal("doctor", "--color", "never", env=environment))
    for format in ("md", "csv", "json"):
        assert "\x1b" not in run("doctor", "--format", format, "--color", "always").stdout


def test_colors_can_be_forced_and_change_no_text():
    plain = run("doctor", "--color", "never").stdout
    forced = run("doctor", "--color", "always", env={"NO_COLOR": "1"}).stdout

    def words(text):  # figures are measured anew
        return [re.sub(r"[\d.]+", "0", line).split() for line in text.splitlines()][1:4]
    assert ESCAPE.search(forced) and words(ESCAPE.sub("", forced)) == words(plain)


def test_colors_go_where_the_summary_goes():
    done = run(*SMALL, "--output", "-", "--color", "always")
    assert ESCAPE.search(done.stderr) and "\x1b" not in done.stdout


def test_a_name_cannot_bring_colors_of_its_own(tmp_path):
    model = tmp_path / "x\x1b[31my"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 128, "torch_dtype": "bfloat16", "tie_word_embeddings": False}))
    done = run("--suite", "decode", "--model", str(model), "--tokens", "1", "--policies", "host_compute", "--samples", "3",
               "--color", "always")
    assert done.returncode == 0, done.stderr
    assert "\x1b[1m" in done.stdout and "\x1b[31m" not in done.stdout


@pytest.mark.parametrize("arguments,mentions", [
    (["--color", "blue"], "known are auto, always, never"), (["-q", "--progress", "always"], "leave out --progress always")])
def test_bad_input_gets_one_clear_line(arguments, mentions):
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("offload_bench: ") and mentions in done.stderr
