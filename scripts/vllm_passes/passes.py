# SPDX-License-Identifier: Apache-2.0
"""Passes over the linear weights of Llama-3.1-8B, offloaded and called as vLLM's model runner does
it (vllm/v1/worker/gpu/model_runner.py and cudagraph_utils.py in 0.33.0), each timed by CUDA events.
"""
import gc
import itertools
import os
import types

import torch
from torch import nn

from . import rows as row_module
from .rows import HIDDEN, INTERMEDIATE, LAYERS, LINEAR

DEVICE, DTYPE = "cuda", torch.bfloat16
# Of the result's length: far above what rounding to bf16 makes of 128 products in a row, and far
# below what a layer's weights in place of another's do.
MAX_DIFFERENCE = 0.1


class DecoderLayer(nn.Module):
    """The parameters of a layer, by vLLM's names and in its order, and its products. Norms are there
    because they are offloaded too, and not computed; nor are attention and the activation function:
    products take a part of what those before them gave."""

    def __init__(self, index):
        super().__init__()
        random = torch.Generator(DEVICE).manual_seed(index)

        def linear(name):
            outputs, inputs = LINEAR[name]
            module = nn.utils.skip_init(nn.Linear, inputs, outputs, bias=False, device=DEVICE,
                                        dtype=DTYPE)
            # So that results are neither large nor small after any number of layers.
            nn.init.normal_(module.weight, std=inputs ** -0.5, generator=random)
            return module

        self.self_attn = nn.Module()
        self.self_attn.qkv_proj = linear("self_attn.qkv_proj")
        self.self_attn.o_proj = linear("self_attn.o_proj")
        self.mlp = nn.Module()
        self.mlp.gate_up_proj = linear("mlp.gate_up_proj")
        self.mlp.down_proj = linear("mlp.down_proj")
        self.input_layernorm = nn.RMSNorm(HIDDEN, device=DEVICE, dtype=DTYPE)
        self.post_attention_layernorm = nn.RMSNorm(HIDDEN, device=DEVICE, dtype=DTYPE)
        self.requires_grad_(False)

    def forward(self, hidden_states):
        qkv = self.self_attn.qkv_proj(hidden_states)
        hidden_states = self.self_attn.o_proj(qkv[:, :HIDDEN])
        gate_up = self.mlp.gate_up_proj(hidden_states)
        return self.mlp.down_proj(gate_up[:, :INTERMEDIATE])


def measure(engine, rows, warmup, samples):
    """Gives one result after the other, in the order of `rows`. Neighbours of the same placement share
    it; between placements all memory is given back."""
    # As vLLM: not the default stream, which no graph can be captured on.
    with torch.cuda.stream(torch.cuda.Stream()):
        wanted = resident_results({row.tokens for row in rows})
        for placement, group in itertools.groupby(rows, key=lambda row: row.placement):
            yield from measure_placed(engine, placement, list(group), wanted, warmup, samples)
            engine.offloader.set_offloader(None)


def measure_placed(engine, placement, rows, wanted, warmup, samples):
    try:
        give_memory_back()
        layers, fields = placed(engine, placement)
    except Exception as error:
        return [row_module.as_json(row, error=reason(error)) for row in rows]
    return [result_of(engine, layers, row, wanted[row.tokens], warmup, samples, fields)
            for row in rows]


def result_of(engine, layers, row, wanted, warmup, samples, fields):
    try:
        return row_module.as_json(row, **fields, samples=times(
            passes(engine, layers, row, wanted), warmup, samples))
    except Exception as error:  # the rows after it can still be measured
        return row_module.as_json(row, **fields, error=reason(error))


def placed(engine, placement):
    """The layers, in the order in which vLLM makes them, and what is known of them."""
    os.environ["VLLM_WEIGHT_OFFLOADING_DISABLE_UVA"] = str(int(placement.backend == "copy"))
    offloader = engine.offloader.create_offloader(config_of(placement))
    engine.offloader.set_offloader(offloader)
    layers = offloader.wrap_modules(DecoderLayer(index) for index in range(LAYERS))
    offloader.post_init()
    torch.cuda.synchronize()
    offloaded = (offloader.total_offloaded_bytes if placement.backend == "prefetch"
                 else offloader.cpu_offload_bytes)
    return layers, {"op": engine.uva_op if placement.backend == "uva" else None,
                    "offloaded_bytes": offloaded}


def config_of(placement):
    """With the fields of vLLM's OffloadConfig."""
    return types.SimpleNamespace(
        offload_backend="prefetch" if placement.backend == "prefetch" else "uva",
        uva=types.SimpleNamespace(
            cpu_offload_gb=placement.cpu_offload_gb, cpu_offload_params=set()),
        prefetch=types.SimpleNamespace(
            offload_group_size=placement.group_size, offload_num_in_group=placement.num_in_group,
            offload_prefetch_step=placement.prefetch_step, offload_params=set()))


def passes(engine, layers, row, wanted):
    """A function that enqueues one pass, whose result has been checked."""
    hidden_states = input_of(row.tokens)

    def eager():
        return through(layers, hidden_states)

    one_pass = captured(engine.offloader.get_offloader(), eager) if row.captured else eager
    for _ in range(2):  # the second reads what the first has brought, as all others do
        check(one_pass(), wanted)
    return one_pass


@torch.inference_mode()
def through(layers, hidden_states):
    for layer in layers:
        hidden_states = layer(hidden_states)
    return hidden_states


def captured(offloader, forward):
    """As ModelCudaGraphManager.capture and run_fullgraph do it."""
    forward()
    graph = torch.cuda.CUDAGraph()
    offloader.sync_prev_onload()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        output = forward()
        offloader.join_after_forward()

    def replay():
        offloader.sync_prev_onload()
        graph.replay()
        return output

    return replay


def times(one_pass, warmup, samples):
    """Of each pass, in seconds, from the end of the one before it to its own. The host never waits
    before the last is enqueued, so what one pass leaves to the next counts as in an engine."""
    for _ in range(warmup):
        one_pass()
    ends = [torch.cuda.Event(enable_timing=True) for _ in range(samples + 1)]
    ends[0].record()
    for end in ends[1:]:
        one_pass()
        end.record()
    torch.cuda.synchronize()
    return [before.elapsed_time(after) / 1e3 for before, after in zip(ends, ends[1:])]


def input_of(tokens):
    random = torch.Generator(DEVICE).manual_seed(LAYERS)
    return torch.randn(tokens, HIDDEN, device=DEVICE, dtype=DTYPE, generator=random)


def resident_results(tokens):
    """Of a pass with each number of tokens. One layer after the other is in GPU memory."""
    results = {number: input_of(number) for number in tokens}
    for index in range(LAYERS):
        layer = DecoderLayer(index)
        results = {number: through([layer], states) for number, states in results.items()}
    return results


def check(result, wanted):
    difference = float((result.float() - wanted.float()).norm() / wanted.float().norm())
    if not difference <= MAX_DIFFERENCE:  # also if it is not a number
        raise RuntimeError(f"wrong result: off that of resident weights by {difference:.2g} of its "
                           "length")


def give_memory_back():
    """Of the GPU, and pinned: each placement finds what the first found."""
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch._C._host_emptyCache()


def reason(error):
    """In one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
