# SPDX-License-Identifier: Apache-2.0
"""A model's plan is the same from each of its forms: config.json alone, the safetensors, their index, GGUF. The
models are those that transformers builds, of which the GGUF files have the tensors that llama.cpp's converter writes.

Needs pytest. OFFLOAD_BENCH names the benchmark.
"""
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys

import pytest

from committed import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from meta_models.names import meant  # noqa: E402

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")

ORACLE = ROOT / "tests/data/models/oracle"
models = {model["name"]: model for model in json.loads((ORACLE / "models.json").read_text())["models"]}
ggufs = {model["name"]: model for model in json.loads((ORACLE / "gguf.json").read_text())["models"]}
FLOATS = ("e_score_correction_bias", "exp_probs_b.bias")
BYTES = {"BF16": 2, "F32": 4, "I32": 4, "I64": 8, "BOOL": 1}


def tensors_of(model):
    """In the types of published files: transformers keeps routers in floats while it runs, and llama.cpp all vectors;
    the plan is of one type."""
    return {name: (shape, dtype if name.endswith(FLOATS) else "BF16")
            for pattern, shape, dtype in model["names"] for name in sorted(meant(pattern))}


def write_safetensors(path, tensors):
    """The header alone, as all readers of shapes need."""
    header, end = {}, 0
    for name, (shape, dtype) in tensors.items():
        begin, end = end, end + math.prod(shape) * BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def counted(text):
    return struct.pack("<Q", len(text)) + text.encode()


def write_gguf(path, file, model):
    architecture = file["architecture"]
    fields = {"block_count": file["block_count"]}
    if model["experts"]:
        fields |= {"expert_count": model["experts"], "expert_used_count": model["experts_per_token"]}
    tensors = tensors_of(file)
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(fields) + 1),
             counted("general.architecture"), struct.pack("<I", 8), counted(architecture)]
    for name, value in fields.items():
        parts += [counted(f"{architecture}.{name}"), struct.pack("<II", 4, value)]
    offset = 0
    for name, (shape, dtype) in tensors.items():
        parts += [counted(name), struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape)),
                  struct.pack("<IQ", {"F32": 0, "BF16": 30}[dtype], offset)]
        offset += -(-math.prod(shape) * BYTES[dtype] // 32) * 32
    path.write_bytes(b"".join(parts))


def write_forms(folder, name):
    """A folder for each form, all of one name, which the plan has."""
    model, config = models[name], ORACLE / name / "config.json"
    for form in ("config", "safetensors", "index", "gguf"):
        (folder / form / name).mkdir(parents=True)
        if form != "gguf":
            shutil.copy(config, folder / form / name)
    tensors = tensors_of(model)
    write_safetensors(folder / "safetensors" / name / "model.safetensors", tensors)
    shards = [dict(list(tensors.items())[part::2]) for part in (0, 1)]
    files = [f"model-0000{part}-of-00002.safetensors" for part in (1, 2)]
    for file, shard in zip(files, shards):
        write_safetensors(folder / "index" / name / file, shard)
    weight_map = {tensor: file for file, shard in zip(files, shards) for tensor in shard}
    (folder / "index" / name / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    write_gguf(folder / "gguf" / name / f"{name}.gguf", ggufs[name], model)


def plan(path, *flags):
    """Without what another program may have taken of this machine's memory."""
    command = [BENCH, "plan", "--suite", "decode", "--model", str(path), "--slice", "1KiB", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 3), done.stderr  # 3: of so large a model this machine would measure nothing
    return re.sub(r"\([^()]* available\)|and only .* can be taken", "", " ".join(done.stdout.split()))


def placement(text):
    """Which layers, and what bytes of them where. llama.cpp's matrices have names of their own, and are not joined as
    vLLM's are: of how much is read at once this says nothing."""
    layers, found, _ = text.partition("and not read here")
    assert found
    return re.sub(r"(offloaded|resident) [^()]* \(", r"\1 (", layers)


DENSE = ["llama3.1-8b", "qwen2.5-7b", "gpt2"]
FUSED = ["phi3", "falcon"]
EXPERTS = ["mixtral-8x7b", "qwen2_moe", "llama4_text", "gpt-oss-20b"]
LATENT = ["deepseek_v2", "deepseek-v3"]
HYBRID = ["jamba", "mamba2", "qwen3_next", "falcon_h1", "granitemoehybrid", "nemotron_h", "kimi_linear"]


@pytest.mark.parametrize("name", DENSE + FUSED + EXPERTS + LATENT + HYBRID)
def test_a_plan_is_the_same_from_each_form(tmp_path, name):
    write_forms(tmp_path, name)
    config, safetensors, index, gguf = (tmp_path / form / name for form in ("config", "safetensors", "index", "gguf"))
    whole = plan(config)
    assert plan(safetensors) == plan(index) == whole
    assert placement(plan(gguf)) == placement(whole)
    within_a_layer = ("--cpu-offload-gb", "1.5")
    assert plan(safetensors, *within_a_layer) == plan(config, *within_a_layer)
    of_llama_cpp = ("--n-cpu-moe", "2") if models[name]["experts"] else ("-ngl", "3")
    assert placement(plan(gguf, *of_llama_cpp)) == placement(plan(config, *of_llama_cpp))
