# SPDX-License-Identifier: Apache-2.0
"""A model of one layer with its weights, as a checkpoint's folder holds it."""
import json
import pathlib
import random
import struct

HIDDEN, INNER = 64, 128
LAYER = "model.layers.0."
SHAPES = {
    LAYER + "input_layernorm.weight": (HIDDEN,),
    LAYER + "mlp.down_proj.weight": (HIDDEN, INNER),
    LAYER + "mlp.gate_proj.weight": (INNER, HIDDEN),
    LAYER + "mlp.up_proj.weight": (INNER, HIDDEN),
    LAYER + "self_attn.k_proj.weight": (HIDDEN, HIDDEN),
    LAYER + "self_attn.o_proj.weight": (HIDDEN, HIDDEN),
    LAYER + "self_attn.q_proj.weight": (HIDDEN, HIDDEN),
    LAYER + "self_attn.v_proj.weight": (HIDDEN, HIDDEN),
}


def bf16(count, source):
    """Values around 0 in the upper halves of floats."""
    return b"".join(struct.pack("<f", source.gauss(0, 0.02))[2:] for _ in range(count))


def write(folder):
    """`folder`, with model.safetensors in it."""
    source, header, data = random.Random(7), {}, b""
    for name, shape in SHAPES.items():
        tensor = bf16(shape[0] * (shape[1] if len(shape) > 1 else 1), source)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [len(data), len(data) + len(tensor)]}
        data += tensor
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder = pathlib.Path(folder)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    return folder
