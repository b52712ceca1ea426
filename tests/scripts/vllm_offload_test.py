# SPDX-License-Identifier: Apache-2.0
"""What scripts/vllm_offload.py does before PyTorch and a GPU are needed. Needs pytest."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results.results import BadInput  # noqa: E402
from vllm_passes import rows, sources  # noqa: E402


def run(*arguments, **environment):
    return subprocess.run([sys.executable, ROOT / "scripts/vllm_offload.py", *arguments],
                          capture_output=True, text=True, env={**os.environ, **environment})


@pytest.fixture(name="no_torch")
def without_torch(tmp_path):
    """An environment in which PyTorch cannot be imported, whatever is installed."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("text", rows.DEFAULT)
def test_rows_are_spelled_as_they_are_read(text):
    assert str(rows.parsed(text)) == text


def test_rows_have_vllms_defaults():
    assert rows.parsed("prefetch:G=8:tokens=1:eager") == rows.parsed(
        "prefetch:G=8,N=1,S=1:tokens=1:eager")
    assert rows.parsed("prefetch:S=3,tokens=7,G=8,N=2:graph") == rows.Row(
        rows.Placement("prefetch", 8, 2, 3), 7, True)


@pytest.mark.parametrize("text,rule", [
    ("", "must begin with one of prefetch, uva, copy"),
    ("mmap:tokens=1:eager", "must begin with one of prefetch, uva, copy"),
    ("uva", "must end with :eager or :graph"),
    ("uva:tokens=1", "must end with :eager or :graph"),
    ("uva:eager", "needs tokens=T"),
    ("uva:tokens=:eager", "tokens must be a whole number from 1 to 65536, not ''"),
    ("uva:tokens=0:eager", "tokens must be a whole number from 1 to 65536, not '0'"),
    ("uva:tokens=1e3:eager", "tokens must be a whole number from 1 to 65536, not '1e3'"),
    ("uva:tokens=65537:eager", "tokens must be a whole number from 1 to 65536, not '65537'"),
    ("uva:tokens=1,tokens=2:eager", "has tokens twice"),
    ("uva:G=1:tokens=1:eager", "G, N and S are of prefetch only"),
    ("copy:tokens=1:graph", "must be eager: with UVA disabled vLLM needs --enforce-eager"),
    ("prefetch:tokens=1:eager", "needs G=, the layers in a group"),
    ("prefetch:G=1,N=2:tokens=1:eager", "N must be at most G"),
    ("prefetch:G=1,S=0:tokens=1:eager", "S must be a whole number from 1 to 64, not '0'"),
    ("prefetch:G=1,S=65:tokens=1:eager", "S must be a whole number from 1 to 64, not '65'"),
    ("prefetch:G=1,S=1000000:tokens=1:eager", "S must be a whole number from 1 to 64, not '1000000'"),
    ("prefetch:G=100001:tokens=1:eager", "G must be a whole number from 1 to 100000, not '100001'"),
    ("prefetch:G=33:tokens=1:eager", "offloads none of 32 layers"),
    ("prefetch:G=1,K=2:tokens=1:eager", "'K=2' is not one of G=, N=, S= and tokens="),
])
def test_other_rows_are_refused(text, rule):
    with pytest.raises(BadInput) as refused:
        rows.parsed(text)
    assert str(refused.value) == f"--rows: '{text}': {rule}; as in {rows.EXAMPLE}"


def test_flags_are_those_of_vllm():
    assert rows.parsed("prefetch:G=4,N=1,S=2:tokens=1:graph").engine_flags == (
        "--offload-backend prefetch --offload-group-size 4 --offload-num-in-group 1 "
        "--offload-prefetch-step 2")
    assert rows.parsed("uva:tokens=1:eager").engine_flags == (
        "--offload-backend uva --cpu-offload-gb 14 --enforce-eager")
    assert rows.parsed("copy:tokens=1:eager").engine_flags == (
        "VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 --offload-backend uva --cpu-offload-gb 14 "
        "--enforce-eager")


def test_the_model_is_that_of_the_preset():
    preset = json.loads((ROOT / "bench/models/presets/llama3.1-8b.json").read_text())
    hidden, inner = preset["hidden_size"], preset["intermediate_size"]
    heads = preset["num_attention_heads"] + 2 * preset["num_key_value_heads"]
    assert rows.LAYERS == preset["num_hidden_layers"]
    assert list(rows.LINEAR.values()) == [
        (heads * hidden // preset["num_attention_heads"], hidden), (hidden, hidden),
        (2 * inner, hidden), (hidden, inner)]
    norms = 2 * hidden * 2
    assert rows.LAYERS * (rows.LAYER_BYTES + norms) <= 2**30 * rows.Placement("uva").cpu_offload_gb


def test_a_result_says_what_is_known():
    row = rows.parsed("prefetch:G=4,N=1,S=2:tokens=2048:graph")
    result = rows.as_json(row, offloaded_bytes=123, samples=[0.5, 0.25, 0.2, 1.0])
    assert result == {
        "row": str(row), "engine_flags": row.engine_flags, "policy": "pinned_prefetch_copy",
        "backend": "prefetch", "group_size": 4, "num_in_group": 1, "prefetch_step": 2,
        "tokens": 2048, "captured": True, "op": None, "offloaded_bytes": 123,
        "samples_s": [0.5, 0.25, 0.2, 1.0], "median_s": 0.375, "tokens_per_s": 2048 / 0.375,
        "error": None}
    failed = rows.as_json(rows.parsed("uva:tokens=1:eager"), op="stand-in", error="out of memory")
    assert failed["error"] == "out of memory" and failed["op"] == "stand-in"
    assert failed["samples_s"] == [] and failed["median_s"] is failed["tokens_per_s"] is None
    assert failed["group_size"] is failed["num_in_group"] is failed["prefetch_step"] is None
    assert list(failed) == list(result)


def test_a_plan_needs_no_torch(no_torch):
    done = run("--plan", **no_torch)
    assert done.returncode == 0 and done.stderr == ""
    document = json.loads(done.stdout)
    assert [row["row"] for row in document["rows"]] == list(rows.DEFAULT)
    assert {row["median_s"] for row in document["rows"]} == {None}
    assert document["model"]["linear_bytes"] == 13958643712
    assert document["machine"] is document["vllm"] is None


@pytest.mark.parametrize("arguments,message", [
    ([], "needs PyTorch built for CUDA: pip install torch (No module named 'torch')"),
    (["--plan", "--rows", "prefetch:G=8:tokens=1:eager", "prefetch:G=8,N=1,S=1:tokens=1:eager"],
     "--rows: 'prefetch:G=8,N=1,S=1:tokens=1:eager': is there twice"),
    (["--rows", "uva:tokens=1:eager", "disk"],
     f"--rows: 'disk': must begin with one of prefetch, uva, copy; as in {rows.EXAMPLE}"),
])
def test_a_refusal_is_one_line(no_torch, arguments, message):
    done = run(*arguments, **no_torch)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"vllm_offload.py: {message}\n"


@pytest.mark.parametrize("option,limits", [
    ("--samples=0", "1 to 1000"), ("--samples=1001", "1 to 1000"), ("--samples=many", "1 to 1000"),
    ("--samples=" + "1" * 23, "1 to 1000"), ("--samples=" + "1" * 5000, "1 to 1000"),
    ("--warmup=1", "2 to 1000"), ("--warmup=1001", "2 to 1000")], ids=lambda text: text[:20])
def test_numbers_have_limits(option, limits):
    done = run("--plan", option)
    assert done.returncode == 2 and f": must be a whole number from {limits}, not " in done.stderr


def test_pinned_memory_is_what_pytorch_rounds_the_tensors_to(no_torch):
    rounded = sum(1 << (outputs * inputs * rows.ELEMENT_BYTES - 1).bit_length()
                  for outputs, inputs in rows.LINEAR.values())
    sizes = f"{rows.LAYERS * rows.LAYER_BYTES >> 30} GiB, take {rows.LAYERS * rounded >> 30} GiB of pinned"
    assert sizes in " ".join(run("--help", **no_torch).stdout.split())
    page = " ".join((ROOT / "docs/engines.md").read_text(encoding="utf-8").split())
    assert f"{rows.LAYERS * rounded >> 30} GiB of pinned memory" in page


def test_sources_are_found_in_a_folder_or_its_package(tmp_path):
    package = tmp_path / "vllm"
    module = package / "model_executor/offloader"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    assert sources.package_at(package) == sources.package_at(str(tmp_path)) == package
    assert sources.version_at(package) is None
    (package / "_version.py").write_text("__version__: str\n__version__ = version = '0.33.0'\n")
    assert sources.version_at(package) == "0.33.0"
    with pytest.raises(BadInput, match="none: has no model_executor/offloader: give the folder"):
        sources.package_at(tmp_path / "none")
