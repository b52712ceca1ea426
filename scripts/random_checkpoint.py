#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a checkpoint with the shapes of a Llama of 8B and made-up weights: something for --content model to
map where no model may be downloaded. A layer takes 436 MB.

    scripts/random_checkpoint.py DIRECTORY [--layers 4]
"""
import argparse
import json
import os
import pathlib
import struct
import sys

HIDDEN, INNER, KEYS = 4096, 14336, 1024  # Llama-3.1-8B, Llama-3-8B
SHAPES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (KEYS, HIDDEN), "self_attn.v_proj": (KEYS, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN), "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER)}
# Upper halves of bf16 of both signs, from 2^-10 to 2^-5: as large as weights of such layers are.
EXPONENTS = bytes((0x3a, 0x3b, 0x3c, 0xba, 0xbb, 0xbc)[code % 6] for code in range(256))


def bf16(count):
    values = bytearray(os.urandom(2 * count))
    values[1::2] = values[1::2].translate(EXPONENTS)
    return values


def shapes(layers):
    for layer in range(layers):
        for name, shape in SHAPES.items():
            yield f"model.layers.{layer}.{name}.weight", shape


def header(layers):
    """As safetensors have it: its length, and where each tensor lies behind it."""
    tensors, end = {}, 0
    for name, shape in shapes(layers):
        begin, end = end, end + 2 * shape[0] * shape[1]
        tensors[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=4, help="(default: 4)")
    given = parser.parse_args()
    if not 1 <= given.layers <= 32:
        parser.error("--layers: give 1 to 32")
    try:
        given.directory.mkdir(parents=True, exist_ok=True)
        with open(given.directory / "model.safetensors", "xb") as file:
            file.write(header(given.layers))
            for _, shape in shapes(given.layers):
                file.write(bf16(shape[0] * shape[1]))
    except OSError as error:
        sys.exit(f"random_checkpoint.py: {error}")


if __name__ == "__main__":
    main()
