# SPDX-License-Identifier: Apache-2.0
"""`offload_bench advise` as a user meets it, on a machine that needs no GPU for it."""
import json
import os
import pathlib
import shlex
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")
SCHEMA = json.loads((ROOT / "results/schema/advice-1.json").read_text())
RESULTS = ROOT / "results/h200-sxm-pcie5/quick.json"
MACHINE = ("--link", "25GB/s", "--host-read", "60GB/s", "--hbm", "1008GB/s", "--tflops", "165",
           "--host-memory", "64GiB")
BY_HAND = (*MACHINE, "--gpu-memory", "12GiB")


def advise(*arguments, model="llama3.1-8b", **changes):
    return subprocess.run([BENCH, "advise", "--model", model, *arguments], capture_output=True,
                          text=True, check=False, **changes)


def advice(*arguments, **changes):
    done = advise(*arguments, "--format", "json", **changes)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def test_rates_by_hand_give_an_engine_its_command_line():
    found = advice(*BY_HAND)
    best = found["configurations"][found["best_of_engines"]]
    assert best["engine_flags"] and best["device_bytes"] <= 12 * 2**30
    steps = [one["step"]["seconds"] for one in found["configurations"]]
    assert steps == sorted(steps) and not found["all_fits"]
    # What lies in host memory cannot be read faster than by link and CPU together.
    for one in found["configurations"]:
        assert one["offloaded_bytes"] / one["step"]["seconds"] < 85e9, one["policy"]


def test_gpus_that_share_a_model_share_the_host_too():
    """Each holds a quarter of the weights; eight of them have an eighth of the host each."""
    whole = advice(*BY_HAND)
    share = advice(*BY_HAND, "--tensor-parallel", "4", "--gpu-count", "8")
    assert share["model"] == "llama3.1-8b.tp4"
    assert share["linear_weight_bytes"] * 4 == whole["linear_weight_bytes"]
    assert share["question"]["tensor_parallel"] == 4 and share["question"]["gpus"] == 8
    assert share["question"]["host_memory_bytes"] * 8 == whole["question"]["host_memory_bytes"]
    assert any(text.startswith("All 8 GPUs are at work") for text in share["assumed"])
    small = advice(*MACHINE, "--gpu-memory", "3GiB", "--tensor-parallel", "4")
    best = small["configurations"][small["best_of_engines"]]
    assert "--tensor-parallel-size 4" in best["command_line"] or "--tp-size 4" in best["command_line"]
    assert not any((one["engine_flags"] or "").startswith("llama.cpp") for one in small["configurations"])


def test_gpus_that_do_not_go_together_are_refused():
    for arguments, text in (
            (("--tensor-parallel", "4", "--gpu-count", "6"), "--gpu-count 6 is no multiple of the 4 GPUs"),
            (("--tensor-parallel", "3"), "--tensor-parallel 3: llama3.1-8b: 32 heads cannot be shared evenly")):
        done = advise(*BY_HAND, *arguments)
        assert done.returncode == 2 and text in done.stderr and done.stderr.count("\n") == 1


def test_more_gpu_memory_is_never_slower():
    speeds = [advice(*MACHINE, "--gpu-memory", size)["configurations"][0]["tokens_per_second"]
              for size in ("6GiB", "9GiB", "12GiB", "20GiB")]
    assert speeds == sorted(speeds) and speeds[-1] > 3 * speeds[0]


def test_a_results_file_and_a_shipped_machine_have_rates():
    measured = advice("--platform", str(RESULTS), "--gpu-memory", "8GiB")
    assert "measured" in measured["rates_from"]
    published = advice("--platform", "rtx-4090", "--gpu-memory", "8GiB", "--host-memory", "64GiB")
    assert published["rates_from"].startswith("published figures")
    assert published["unknown"]
    # An Ada GPU has no clusters that share tiles.
    assert all(one["policy"] != "pinned_read_once" or one["first_token"] is None
               for one in published["configurations"])


def test_an_engine_is_kept_to():
    found = advice(*BY_HAND, "--engine", "vllm")
    assert found["configurations"]
    assert all(one["engine_flags"].startswith("vLLM") for one in found["configurations"])


def test_policies_are_kept_to():
    found = advice(*BY_HAND, "--policies", "copy")
    assert {one["policy"] for one in found["configurations"]} >= {"pinned_copy", "pinned_ring_copy"}
    assert not any("zero_copy" in one["policy"] for one in found["configurations"])


def test_what_fits_is_not_offloaded():
    found = advice(*MACHINE, "--gpu-memory", "24GiB")
    assert found["all_fits"] and found["configurations"][0]["offloaded_bytes"] == 0


def test_what_cannot_fit_says_by_how_much_and_fails():
    done = advise(*MACHINE, "--gpu-memory", "1GiB")
    assert done.returncode == 3
    assert "Nothing fits" in done.stdout and "more than there is" in done.stdout


def test_the_text_says_what_to_type(tmp_path):
    output = tmp_path / "advice.json"
    done = advise(*BY_HAND, "--output", str(output))
    assert done.returncode == 0
    assert "Type: " in done.stdout and "tokens/s" in done.stdout
    assert done.stdout.startswith("given by hand")
    jsonschema.validate(json.loads(output.read_text()), SCHEMA)


def typed(*arguments, **changes):
    found = advice(*arguments, **changes)
    return found["configurations"][found["best_of_engines"]]["command_line"]


def test_what_to_type_is_one_whole_command_line(tmp_path):
    # A GPU whose memory is known, in part: of 24 GB a third.
    known = ("--platform", "rtx-4090", "--gpu-memory", "8GiB", "--host-memory", "64GiB",
             "--context", "8192")
    command = shlex.split(typed(*known, "--engine", "vllm"))
    assert command[:3] == ["vllm", "serve", "meta-llama/Llama-3.1-8B"]
    assert command[command.index("--max-model-len") + 1] == "8192"
    assert 0.2 < float(command[command.index("--gpu-memory-utilization") + 1]) <= 0.34
    assert "--gpu-memory-utilization" not in typed(*BY_HAND, "--engine", "vllm")
    assert advise(*BY_HAND).stdout.count(f"Type: {typed(*BY_HAND)}\n") == 1
    assert typed(*BY_HAND, "--policies", "pinned_copy", "--engine", "vllm").startswith(
        "VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 vllm serve ")
    assert typed(*BY_HAND, "--engine", "sglang").startswith(
        "python3 -m sglang.launch_server --model-path meta-llama/Llama-3.1-8B --cpu-offload-gb ")
    assert typed(*BY_HAND, "--engine", "llama.cpp").startswith(
        "llama-server -m Llama-3.1-8B.gguf -ngl ")
    # An engine takes the directory of a model that was given by its config.
    directory = tmp_path / "my model"
    directory.mkdir()
    preset = (ROOT / "bench/models/presets/llama3.1-8b.json").read_text()
    (directory / "config.json").write_text(preset)
    command = shlex.split(typed(*BY_HAND, "--engine", "vllm", model=str(directory / "config.json")))
    assert command[2] == str(directory)


def test_llama_cpp_is_given_no_fp8_weights():
    found = advice("--platform", "gh200-144gb", "--gpu-memory", "136GiB", "--host-memory", "480GiB",
                   model="Qwen/Qwen3-235B-A22B-FP8")
    assert found["model"] == "qwen3-235b-a22b-fp8"
    assert not any((one["engine_flags"] or "").startswith("llama.cpp")
                   for one in found["configurations"])
    assert any("no type for fp8" in one["reason"] for one in found["misfits"])


@pytest.mark.parametrize("arguments,words", [
    ((), "--platform FILE"),  # neither rates nor a GPU
    (("--platform", "nowhere"), "unknown machine 'nowhere'"),
    (("--platform", str(ROOT / "README.md")), "README.md"),
    ((*BY_HAND, "--engine", "foo"), "unknown engine 'foo'"),
    ((*MACHINE, "--gpu-memory", "0"), "--gpu-memory"),
    (("--link", "25", "--gpu-memory", "8GiB"), "no machine is as slow"),
    ((*BY_HAND, "--prompt", "9000"), "longer than --context 4096"),
    ((*BY_HAND, "--verify"), "--verify measures this machine"),
    ((*BY_HAND, "--recalibrate"), "--recalibrate measures this machine"),
    (("--link", "25GB/s"), "--gpu-memory"),
    (("--platform", "rtx-4090", "--gpu-memory", "48GiB", "--host-memory", "64GiB"),
     "--gpu-memory 48 GiB is more than the 24 GiB that NVIDIA GeForce RTX 4090 has"),
    ((*BY_HAND, "--format", "csv"), "--format: unknown format 'csv': known are table, md, json"),
    ((*BY_HAND, "--context", "131073"),
     "--context 131073 is more than the 131072 tokens that llama3.1-8b was made for"),
])
def test_bad_questions_get_one_line(arguments, words):
    done = advise(*arguments, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 2, done.stdout
    assert words in done.stderr and done.stderr.count("\n") == 1


def test_a_model_of_short_sequences_is_asked_for_no_longer_ones(tmp_path):
    short = tmp_path / "config.json"
    short.write_text(json.dumps({
        "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 4, "num_attention_heads": 16, "vocab_size": 32000,
        "max_position_embeddings": 2048}))
    assert advice(*BY_HAND, model=str(short))["question"]["context_tokens"] == 2048
    assert advice(*BY_HAND, "--context", "1024",
                  model=str(short))["question"]["context_tokens"] == 1024
    done = advise(*BY_HAND, "--context", "5000", model=str(short))
    assert done.returncode == 2 and "2048 tokens" in done.stderr and done.stderr.count("\n") == 1


def test_a_model_is_needed():
    done = subprocess.run([BENCH, "advise"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--model NAME" in done.stderr


def documented():
    """(command, text) of docs/advise.md: what a command there says stands below it."""
    page = (ROOT / "docs/advise.md").read_text()
    for part in page.split("```sh\n")[1:]:
        command, _, rest = part.partition("\n```\n")
        if rest.lstrip().startswith("<!-- advise -->"):
            yield command, rest.partition("```text\n")[2].partition("```")[0]


@pytest.mark.parametrize("command,text", documented(),
                         ids=[one[0] for one in documented()])
def test_the_page_shows_what_the_program_says(command, text):
    name, *arguments = shlex.split(command)
    assert name == "offload_bench"
    done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == text


def test_the_page_has_its_questions():
    assert len(list(documented())) == 2
