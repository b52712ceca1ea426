# SPDX-License-Identifier: Apache-2.0
"""A checkpoint that nobody trained: its header names a Llama's tensors, and the program takes them."""
import importlib.util
import json
import math
import os
import pathlib
import struct
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "random_checkpoint.py"
SPEC = importlib.util.spec_from_file_location("random_checkpoint", SCRIPT)
random_checkpoint = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(random_checkpoint)


def test_values_are_numbers_of_a_weight_s_size():
    values = random_checkpoint.bf16(4096)
    numbers = [struct.unpack("<f", b"\0\0" + values[at:at + 2])[0] for at in range(0, len(values), 2)]
    assert all(2**-11 <= abs(number) < 2**-5 for number in numbers)
    assert abs(sum(numbers)) < 6 * math.sqrt(len(numbers)) * 2**-5, "of both signs"


def test_a_header_has_every_layer_side_by_side():
    header = random_checkpoint.header(2)
    length, = struct.unpack("<Q", header[:8])
    assert len(header) == 8 + length and length % 8 == 0
    tensors = json.loads(header[8:])
    ends = 0
    for tensor in tensors.values():
        begin, end = tensor["data_offsets"]
        assert begin == ends and end - begin == 2 * math.prod(tensor["shape"])
        ends = end
    assert ends == 2 * 2 * 218_103_808  # two layers of Llama-3.1-8B, two bytes each


@pytest.mark.skipif("OFFLOAD_BENCH" not in os.environ, reason="OFFLOAD_BENCH does not name the benchmark")
def test_the_program_maps_it(tmp_path):
    header = random_checkpoint.header(1)
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.write(header)
        file.truncate(len(header) + 2 * 218_103_808)  # zeros will do to plan
    done = subprocess.run([os.environ["OFFLOAD_BENCH"], "plan", "--model", str(tmp_path), "--content", "model", "--suite",
                           "decode", "--tokens", "1", "--policies", "file_host_compute"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "file_host_compute" in done.stdout


def test_bad_input_is_one_line(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    for arguments in ([str(tmp_path)], [str(tmp_path), "--layers", "0"], ["/dev/null/x"]):
        done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode != 0 and "Traceback" not in done.stderr
        assert done.stderr.strip().splitlines()[-1].startswith("random_checkpoint.py: ")
    assert (tmp_path / "model.safetensors").read_bytes() == b"", "nobody's file is written over"
