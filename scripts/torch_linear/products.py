# SPDX-License-Identifier: Apache-2.0
"""Products by torch.nn.functional.linear on the CPU, which are oneDNN's there, each checked and timed."""
import ctypes
import os
import sys
import tempfile

import torch

from . import rows, timing

DTYPE = torch.bfloat16
CHECKED_ROWS = 64
# Of the result's length: above what rounding each number to bf16 makes (0.002 of it at most), and far
# below what a wrong or a missing row does.
MAX_DIFFERENCE = 0.01
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MOST_FROM_HEAP = 32 << 20  # glibc takes no larger threshold


class Library:
    """What is the same for all rows: the weight, the tokens' source and the memory that is read to flush
    the caches."""

    def __init__(self, shape, flushed_bytes):
        self.shape = shape
        self.random = torch.Generator().manual_seed(20)
        self.weight = self.random_values(shape["rows"], shape["cols"])
        # Written, so that the pages are distinct memory and not one shared page of zeros.
        self.filler = torch.full((flushed_bytes // 4,), 0.5)
        self.instruction_set = None

    def random_values(self, *size):
        return torch.empty(size, dtype=DTYPE).uniform_(-1, 1, generator=self.random)

    def flush(self):
        self.filler.sum()

    def measure(self, tokens, samples):
        """A row per layout, timed in turn."""
        values = self.random_values(tokens, self.shape["cols"])
        calls, found = {}, {}
        for layout in rows.LAYOUTS:
            try:
                calls[layout] = self.call_of(layout, values)
                found[layout] = self.checked(calls[layout], values)
            except Exception as error:  # the other layout can still be measured
                calls.pop(layout, None)
                found[layout] = {"error": reason(error)}
        if calls:
            passes, times = timing.in_turn(list(calls.values()), self.flush, samples)
            for layout, of_layout in zip(calls, times):
                found[layout] |= {"samples": of_layout, "passes": passes}
        return [rows.as_json(layout, tokens, self.shape, **found[layout]) for layout in rows.LAYOUTS]

    def call_of(self, layout, values):
        """With the weight prepacked it is what torch.compile makes of a linear layer whose weights are
        frozen: the layout is the one that oneDNN asks for, for this number of tokens."""
        if layout == "plain":
            return lambda: torch.nn.functional.linear(values, self.weight)
        packed = torch.ops.mkldnn._reorder_linear_weight(self.weight, values.shape[0])
        return lambda: torch.ops.mkldnn._linear_pointwise(values, packed, None, "none", [], "")

    def checked(self, call, values):
        result, verbose = overheard(call)
        self.instruction_set = self.instruction_set or rows.instruction_set(verbose)
        found = rows.implementations(verbose)
        if not found:
            raise RuntimeError("PyTorch made the product without oneDNN")
        return {"implementations": found, "difference": self.difference(result, values)}

    def difference(self, result, values):
        """From the product in fp32 of rows from all over the weight, the first and the last included."""
        count = min(CHECKED_ROWS, self.shape["rows"])
        chosen = torch.linspace(0, self.shape["rows"] - 1, count, dtype=torch.float64).long()
        wanted = values.float() @ self.weight[chosen].float().T
        difference = float((result[:, chosen].float() - wanted).norm() / wanted.norm())
        if not difference <= MAX_DIFFERENCE:  # also if it is not a number
            raise RuntimeError(f"wrong result: off the product in fp32 by {difference:.2g} of its length")
        return difference


def measure(shape, tokens, samples, machine):
    """Gives the library and, one number of tokens after the other, its rows."""
    torch.set_num_threads(machine["threads"])
    keep_heap()
    with torch.inference_mode():
        library = Library(shape, machine["flushed_bytes"])
        for number in tokens:
            yield library, library.measure(number, samples)


def keep_heap():
    """Results and scratchpads are memory that the process has already, as are those of offload_bench:
    else glibc maps fresh pages in every call, and their faults are in its time."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    mallopt(M_MMAP_THRESHOLD, MOST_FROM_HEAP)
    mallopt(M_TRIM_THRESHOLD, 1 << 30)


def overheard(call):
    """(its result, what oneDNN prints meanwhile). It writes to the process's standard output."""
    sys.stdout.flush()
    flush = ctypes.CDLL(None).fflush
    flush(None)
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
                result = call()
        finally:
            flush(None)
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        return result, file.read().decode("utf-8", "replace")


def reason(error):
    """In one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
