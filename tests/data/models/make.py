#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the model files in this directory with the formats' own libraries, so that the readers are
tested against files which nothing of this project wrote:

    pip install safetensors==0.8.0 gguf==0.19.0 && tests/data/models/make.py

The same versions write the same bytes. The tests hold the shapes below, not this script."""

import json
import pathlib

import gguf
import numpy
import safetensors

HERE = pathlib.Path(__file__).parent
Q = gguf.GGMLQuantizationType


def quantised(writer, name, shape, dtype):
    """`shape` is numpy's: outermost first."""
    block, size = gguf.GGML_QUANT_SIZES[dtype]
    rows = numpy.zeros((*shape[:-1], shape[-1] // block * size), dtype=numpy.uint8)
    writer.add_tensor(name, rows, raw_dtype=dtype)


def write_gguf():
    writer = gguf.GGUFWriter(HERE / "moe.gguf", "qwen3moe")
    writer.add_name("Tiny MoE")
    writer.add_custom_alignment(64)
    writer.add_block_count(2)
    writer.add_expert_count(4)
    writer.add_expert_used_count(2)
    writer.add_rope_freq_base(1000000.0)
    writer.add_token_list(["<s>", "a", "b"])
    writer.add_token_scores([0.0, -1.0, -2.0])
    writer.add_bool("tiny.flag", True)
    writer.add_int8("tiny.i8", -3)
    writer.add_float64("tiny.f64", 0.25)
    for layer in range(2):
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", numpy.zeros(256, numpy.float32))
        quantised(writer, block + "attn_q.weight", (4, 256), Q.Q4_K)
        quantised(writer, block + "attn_k.weight", (2, 256), Q.Q6_K)
        quantised(writer, block + "attn_v.weight", (2, 256), Q.IQ4_XS)
        writer.add_tensor(block + "attn_output.weight", numpy.zeros((8, 4), numpy.float16))
        writer.add_tensor(block + "ffn_gate_inp.weight", numpy.zeros((4, 8), numpy.float32))
        quantised(writer, block + "ffn_gate_exps.weight", (4, 2, 32), Q.MXFP4)
        quantised(writer, block + "ffn_up_exps.weight", (4, 2, 32), Q.Q8_0)
        quantised(writer, block + "ffn_down_exps.weight", (4, 2, 32), Q.Q5_1)
    quantised(writer, "token_embd.weight", (3, 32), Q.BF16)
    writer.add_tensor("output_norm.weight", numpy.zeros(32, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


ZEROS = numpy.zeros(256, dtype=numpy.uint8)


def tensor(dtype, shape, bits):
    """`shape` counts stored elements: of float4_e2m1fn_x2 pairs, which the library takes apart."""
    size = int(numpy.prod(shape)) * bits // 8
    assert size <= ZEROS.nbytes
    return safetensors.TensorSpec(
        dtype=dtype, shape=shape, data_ptr=ZEROS.ctypes.data, data_len=size)


def write_safetensors():
    first = {
        "model.embed_tokens.weight": tensor("bfloat16", [6, 8], 16),
        "model.layers.0.input_layernorm.weight": tensor("bfloat16", [8], 16),
        "model.layers.0.self_attn.q_proj.weight": tensor("float8_e4m3fn", [4, 8], 8),
        "model.layers.0.self_attn.q_proj.weight_scale_inv": tensor("float32", [1, 1], 32),
        "model.layers.0.mlp.gate.weight": tensor("float32", [2, 8], 32),
        "model.layers.0.mlp.experts.0.up_proj.weight": tensor("uint8", [4, 4], 8),
        "model.layers.0.mlp.experts.1.up_proj.weight": tensor("uint8", [4, 4], 8),
    }
    second = {
        "model.layers.1.self_attn.q_proj.weight": tensor("float16", [4, 8], 16),
        "model.layers.1.mlp.down_proj.weight": tensor("float4_e2m1fn_x2", [8, 2], 8),
        "model.norm.weight": tensor("bfloat16", [8], 16),
        "lm_head.weight": tensor("bfloat16", [6, 8], 16),
    }
    whole = HERE / "Whole"
    sharded = HERE / "Sharded"
    whole.mkdir(exist_ok=True)
    sharded.mkdir(exist_ok=True)
    metadata = {"format": "pt"}
    safetensors.serialize_file(first | second, str(whole / "model.safetensors"), metadata)
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    weight_map = {}
    for name, shard in zip(names, (first, second)):
        safetensors.serialize_file(shard, str(sharded / name), metadata)
        weight_map |= {key: name for key in shard}
    size = sum(spec.data_len for spec in (first | second).values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


write_gguf()
write_safetensors()
