# SPDX-License-Identifier: Apache-2.0
"""What a case takes of the GPU's memory."""
from ..figures.evidence import found


def on_gpu(case, moving):
    """Bytes: of the whole model where the case is a pass over one; else slots and buffers, and the
    weights if the driver moves them there. None where it is not known whether it does."""
    if case.get("model"):
        return case["model"]["memory_bytes"]["device"]
    footprint = case["footprint"]
    movable = footprint["managed"] + (footprint["pageable"] if may_move(case) else 0)
    if case["path"] == "device_memory":
        return footprint["device"] + movable
    if not movable or not may_move(case):
        return footprint["device"]
    moved = moving.get(case["policy"])
    return None if moved is None else footprint["device"] + movable * moved


def may_move(case):
    """A policy for which cold and warm are the same leaves nothing on the GPU, and what the CPU
    reads stays with it."""
    return case["start"] != "steady" and case["path"] != "host_memory"


def moving(cases):
    """{policy: whether any pass of these cases was seen to move weights to the GPU}. Not all passes
    are counted: one stands for its policy."""
    seen = {}
    for case in cases:
        moved = moves(case)
        if moved is not None:
            seen[case["policy"]] = seen.get(case["policy"], False) or moved
    return seen


def moves(case):
    state, _, figures = found(case["evidence"], "um")
    if state == "zero by design":
        return False
    if state != "measured":
        return None
    moved = figures.get("to_device", figures.get("bytes_to_device"))
    return (moved["total"] if isinstance(moved, dict) else moved) > 0
