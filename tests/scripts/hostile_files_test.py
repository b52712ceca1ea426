# SPDX-License-Identifier: Apache-2.0
"""Files that were made to be expensive: each is read or refused within a second of CPU time, and
64 MiB beyond what its header takes."""
import json
import os
import pathlib
import struct
import subprocess
import sys

import pytest

BENCH = os.environ.get("OFFLOAD_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="OFFLOAD_BENCH is not set")
ORACLE = pathlib.Path(__file__).parents[1] / "data" / "models" / "oracle"
MIB = 1 << 20
MOST_BYTES = 64 * MIB
MOST_SECONDS = 1


# In a process of its own: the peak of a process begins with that of the one that it was forked from.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime, done.returncode,
                  done.stdout.decode(errors="replace")]))
"""


def used(*arguments):
    """Bytes at the most and CPU seconds of a run of the program, its exit code, what it said."""
    done = subprocess.run([sys.executable, "-c", MEASURE, BENCH, *arguments], capture_output=True,
                          check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def started():
    """What a run takes that reads no file."""
    return used("list")[:2]


def check(started, header_bytes, *arguments, codes=(2,)):
    most_bytes, seconds, code, said = used(*arguments)
    assert code in codes, said
    if code == 2:
        assert said.count("\n") == 1, said
    assert (most_bytes - started[0] - header_bytes) / MIB < MOST_BYTES / MIB, said
    assert seconds - started[1] < MOST_SECONDS, said


def many(count, entry):
    return ",".join(entry(i) for i in range(count))


def safetensors(header):
    return struct.pack("<Q", len(header)) + header.encode()


def tensors(count, name):
    return "{%s}" % many(count, lambda i: '"%s":{"dtype":"F16","shape":[1],"data_offsets":[%d,%d]}'
                         % (name(i), 2 * i, 2 * i + 2))


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(tensor_count, key_count, *parts):
    return b"GGUF" + struct.pack("<IQQ", 3, tensor_count, key_count) + b"".join(parts)


def gguf_tensors(count):
    return [text(f"blk.{i // 1000}.{i}.weight") + struct.pack("<IQIQ", 1, 32, 0, 128 * i)
            for i in range(count)]


ARCHITECTURE = text("general.architecture") + struct.pack("<I", 8) + text("llama")
ARRAY = text("a") + struct.pack("<I", 9)

def long_pattern():
    """Each of 1024 layers looks its kind up in it."""
    config = json.loads((ORACLE / "nemotron-3-super-120b-a12b" / "config.json").read_text())
    return json.dumps(config | {"num_hidden_layers": 1024, "hybrid_override_pattern": "M*" * 2_000_000})


CONFIGS = {
    "ten MB": lambda: '{"a":"%s"}' % ("x" * 10_000_000),
    "lists": lambda: '{"a":[%s]}' % many(1_300_000, lambda i: "[]"),
    "objects": lambda: '{"a":[%s]}' % many(500_000, lambda i: '{"a":0}'),
    "names": lambda: "{%s}" % many(14_000, lambda i: f'"{i}":0'),
    "nested": lambda: "[" * 1_000_000,
    "text": lambda: '{"model_type":"%s"}' % ("\\u0000" * 600_000),
    "no end": lambda: '{"a":"' + "x" * 4_000_000,
    "a long pattern": long_pattern,
}

SAFETENSORS = {
    "a length of 2^60": lambda: struct.pack("<Q", 1 << 60) + b"{}",
    "a length that is not there": lambda: struct.pack("<Q", 99_000_000) + b"{}",
    "a million tensors": lambda: safetensors(tensors(1_000_000, str)),
    "as many tensors as are read": lambda: safetensors(
        tensors(110_000, lambda i: f"layers.{i // 1000}.a{i}")),
    "a long shape": lambda: safetensors('{"a":{"shape":[%s]}}' % many(900_000, lambda i: "1")),
    "metadata": lambda: safetensors('{"__metadata__":{%s}}' % many(900_000, lambda i: f'"{i}":""')),
    "nested": lambda: safetensors('{"a":' * 1_000_000),
}

GGUF = {
    "2^60 tensors": lambda: gguf(1 << 60, 0),
    "2^60 keys": lambda: gguf(0, 1 << 60),
    "a text of 2^60": lambda: gguf(1, 1, struct.pack("<Q", 1 << 60), bytes(64)),
    "a list of 2^60": lambda: gguf(1, 1, ARRAY, struct.pack("<IQ", 4, 1 << 60)),
    "nested lists": lambda: gguf(1, 1, ARRAY, struct.pack("<IQ", 9, 1) * 100_000),
    "a list of texts": lambda: gguf(1, 1, ARRAY, struct.pack("<IQ", 8, 2_000_000),
                                    *(text(f"t{i}") for i in range(2_000_000))),
    "a million tensors": lambda: gguf(1_000_000, 1, ARCHITECTURE, *gguf_tensors(1_000_000)),
    "as many tensors as are read": lambda: gguf(100_000, 1, ARCHITECTURE, *gguf_tensors(100_000)),
    "many keys": lambda: gguf(1, 60_000, *(text(f"k{i}") + struct.pack("<I", 8) + text("x" * 500)
                                           for i in range(60_000))),
}

MACHINES = {
    "lists": lambda: '{"offload_bench":{"platform":[%s]}}' % many(190_000, lambda i: "[]"),
    "too many lists": lambda: '{"offload_bench":{"platform":[%s]}}' % many(3_900_000, lambda i: "[]"),
    "cases": lambda: '{"offload_bench":{"cases":[%s]}}' % many(900_000, lambda i: '{"a":[1]}'),
    "nested": lambda: '{"offload_bench":' + "[" * 1_000_000,
    "spaces": lambda: '{"offload_bench":' + " " * 60_000_000 + "{}}",
    "too long": lambda: '{"offload_bench":' + " " * 70_000_000 + "{}}",
}

INDICES = {
    "a million names": lambda: '{"weight_map":{%s}}' % many(1_000_000,
                                                           lambda i: f'"{i}":"a.safetensors"'),
    "as many names as are read": lambda: '{"weight_map":{%s}}' % many(
        290_000, lambda i: f'"model.layers.{i}.mlp.weight":"a.safetensors"'),
    "a million files": lambda: '{"weight_map":{%s}}' % many(1_000_000,
                                                           lambda i: f'"{i}":"a{i}.safetensors"'),
    "metadata": lambda: '{"metadata":[%s],"weight_map":{}}' % many(290_000, lambda i: "[]"),
}


def plan(started, path, content, header_bytes=None, **more):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check(started, len(content) if header_bytes is None else header_bytes, "plan", "--suite", "decode",
          "--model", path, **more)


@pytest.mark.parametrize("kind", CONFIGS)
def test_config(started, kind, tmp_path):
    plan(started, tmp_path / "config.json", CONFIGS[kind]())


@pytest.mark.parametrize("kind", SAFETENSORS)
def test_safetensors(started, kind, tmp_path):
    plan(started, tmp_path / "model.safetensors", SAFETENSORS[kind]())


@pytest.mark.parametrize("kind", GGUF)
def test_gguf(started, kind, tmp_path):
    plan(started, tmp_path / "model.gguf", GGUF[kind]())


@pytest.mark.parametrize("kind", INDICES)
def test_index(started, kind, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(safetensors(tensors(1, str)))
    plan(started, tmp_path / "model.safetensors.index.json", INDICES[kind]())


@pytest.mark.parametrize("kind", MACHINES)
def test_machine(started, kind, tmp_path):
    path = tmp_path / "machine.json"
    path.write_text(MACHINES[kind]())
    check(started, path.stat().st_size, "advise", "--model", "llama3.1-8b", "--platform", path)


# Of a stored matrix four tensors, two, and one.
NVFP4 = {"quant_method": "modelopt", "quant_algo": "NVFP4"}
FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}


def largest(quantization, experts=384, wrapper=None):
    """A small file that stands for as many tensors as the largest model known has."""
    config = json.loads((ORACLE / "deepseek_v3" / "config.json").read_text())
    config.update(num_hidden_layers=61, first_k_dense_replace=1, n_routed_experts=experts)
    if wrapper:
        config = {"model_type": wrapper, "text_config": config}
    return json.dumps(config | {"quantization_config": quantization})


@pytest.mark.parametrize("wrapper", [None, "deepseek_vl"])  # whose tensors have the longest names
def test_as_many_experts_as_any_model_has(started, wrapper, tmp_path):
    plan(started, tmp_path / "config.json", largest(NVFP4, wrapper=wrapper), codes=(0, 3))


@pytest.mark.parametrize("quantization, most", [(NVFP4, 384), (FP8, 770), (None, 1545)])
def test_more_experts_than_any_model_has(started, quantization, most, tmp_path):
    plan(started, tmp_path / "config.json", largest(quantization, most), codes=(0, 3))
    plan(started, tmp_path / "config.json", largest(quantization, most + 10))


def test_many_names_of_modules_that_are_not_quantised(started, tmp_path):
    names = [f"layers.{i}.mlp" for i in range(100, 14_000)]
    plan(started, tmp_path / "config.json", largest(NVFP4 | {"exclude_modules": names}), codes=(0, 3))


def test_many_patterns_of_modules_that_are_not_quantised(started, tmp_path):
    names = [f"*e*e*e*x{i}" for i in range(14_000)]
    plan(started, tmp_path / "config.json", largest(NVFP4 | {"exclude_modules": names}))
