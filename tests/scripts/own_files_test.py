# SPDX-License-Identifier: Apache-2.0
"""A model's own weights, as a user measures them: from the files, under policies that need no GPU, and
what is said of files that cannot be measured.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

import small_model

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "scripts"))
from offload_results import schema  # noqa: E402

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

BY_CPU = ["--policies", "file_host_compute,host_compute", "--samples", "3", "--threads", "2"]


def run(*arguments, **options):
    return subprocess.run([BENCH, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


@pytest.fixture(name="model")
def a_model(tmp_path):
    folder = tmp_path / "secret" / "small"
    folder.mkdir(parents=True)
    return small_model.write(folder)


def test_own_files_are_measured_and_named(model, tmp_path):
    before = (model / "model.safetensors").read_bytes()
    done = run("--model", model, "--content", "model", "--workloads", "gemv,stream_read,decode", *BY_CPU,
               "--output", tmp_path / "run.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert schema.errors_in(document) == []
    ours = document["offload_bench"]
    assert ours["options"]["content"] == "model"
    assert ours["weight_files"] == [{"path": str(model / "model.safetensors"), "bytes": len(before)}]
    by_policy = {case["policy"] for case in ours["cases"]}
    assert by_policy == {"file_host_compute", "host_compute"}
    assert [case["name"] for case in ours["cases"] if case["failure"]] == []
    assert (model / "model.safetensors").read_bytes() == before


def test_generated_weights_name_no_files(model, tmp_path):
    done = run("--model", model, "--workloads", "gemv", *BY_CPU, "--output", tmp_path / "run.json")
    assert done.returncode == 0, done.stderr
    ours = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["offload_bench"]
    assert (ours["options"]["content"], ours["weight_files"]) == ("generated", [])


def test_redacted_results_keep_the_names_of_files_alone(model, tmp_path):
    done = run("--model", model, "--content", "model", "--workloads", "gemv", *BY_CPU, "--redact",
               "--output", tmp_path / "run.json")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert "secret" not in text
    assert json.loads(text)["offload_bench"]["weight_files"][0]["path"] == "model.safetensors"


def test_a_case_is_explained(model):
    done = run("explain", "gemv/file_host_compute/small.o_proj/warm", "--model", model, "--content", "model",
               "--samples", "3", "--threads", "2")
    assert done.returncode == 0, done.stderr
    assert "gemv/file_host_compute/small.o_proj/warm" in done.stdout


def test_the_plan_says_where_the_weights_are_and_takes_nothing(model):
    done = run("plan", "--model", model, "--content", "model", "--workloads", "row_gather,gemv", "--chunks", "512",
               *BY_CPU)
    assert done.returncode == 0, done.stderr
    flat = " ".join(done.stdout.split())
    assert "the weights are those in 1 file of " in flat
    assert "row_gather needs tensors whole, and model.safetensors holds qkv_proj in 3 parts" in flat
    assert "the weights are those" not in run("plan", "--model", model, "--workloads", "gemv", *BY_CPU).stdout


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def headers_alone(folder):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:8 + int.from_bytes(content[:8], "little")])


def config_alone(folder):
    (folder / "model.safetensors").unlink()
    (folder / "config.json").write_text(json.dumps({
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1,
        "num_attention_heads": 4, "vocab_size": 32}), encoding="utf-8")


def nothing(folder):
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("change,mentions", [
    (cut, "model.safetensors: ends at byte"),
    (headers_alone, "download it again"),
    (config_alone, "has no safetensors beside it"),
    (nothing, "holds no config.json, no safetensors and no GGUF file"),
])
def test_files_that_do_not_hold_the_weights_are_refused(model, change, mentions):
    change(model)
    for command in ([], ["plan"]):
        done = run(*command, "--suite", "decode", "--model", model, "--content", "model")
        assert done.returncode == 2
        assert mentions in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments,mentions", [
    (["--suite", "decode", "--model", "llama3.1-8b"], "of llama3.1-8b no more than shapes is here"),
    (["--workloads", "gemv", "--model", "llama3.1-8b"], "of llama3.1-8b no more than shapes is here"),
    ([], "give --model their path"),
    (["--model", ".", "--sizes", "1MiB"], "has no files"),
])
def test_what_has_no_files_is_refused(arguments, mentions):
    done = run("--content", "model", *arguments)
    assert done.returncode == 2
    assert mentions in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_cut_while_it_is_measured_fails_its_cases_and_keeps_the_run(model, tmp_path):
    """The file is cut as soon as the journal holds a case that is finished."""
    output = tmp_path / "run.json"
    journal = tmp_path / "run.json.journal"
    with subprocess.Popen([BENCH, "--model", model, "--content", "model", "--workloads", "gemv,stream_read",
                           "--policies", "file_host_compute", "--samples", "200", "--threads", "2",
                           "--output", output], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and (not journal.exists() or not journal.stat().st_size):
            time.sleep(0.005)
        os.truncate(model / "model.safetensors", 4096)
        errors = process.communicate(timeout=120)[1]
    assert process.returncode == 1, errors
    assert "model.safetensors was cut short, from " in errors
    cases = json.loads(output.read_text(encoding="utf-8"))["offload_bench"]["cases"]
    assert not cases[0]["failure"]
    assert "was cut short" in cases[-1]["failure"]
