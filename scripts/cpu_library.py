#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["torch>=2.11", "numpy"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Time products of a bf16 weight in CPU memory by oneDNN, the library that PyTorch calls for them, for
comparison with host_compute of this project on the same machine. Writes JSON; needs PyTorch, no GPU."""
import datetime
import importlib
import json
import os
import re
import sys

from offload_results import command
from offload_results.results import BadInput
from offload_results.text import from_to, list_from_to
from offload_results.text import seconds
from torch_linear import host, rows

EPILOG = """Two rows for each number of tokens: plain is torch.nn.functional.linear with the weight as a
checkpoint has it, prepacked the same product with the weight in the layout that oneDNN asks for, made
outside the clock, which takes the weight's memory once more. The two are timed in turn, pass by pass, as
offload_bench times its own: as many threads, the last-level caches flushed before each pass by reading
twice their size, a sample the mean of the passes that make 60 ms. Threads stay where the system puts
them unless OMP_PROC_BIND=true is set, which the output says. Before that, results are compared with a
product in fp32, and oneDNN says which of its implementations run. Times are in seconds, sizes in bytes.
Paths keep their last component.
exit codes: 0 all rows were measured, 1 a row was not and says why, 2 bad input, or no PyTorch with oneDNN
and bf16."""

# Whatever of the environment bears on it.
BEARS = re.compile("(OMP|GOMP|KMP|ONEDNN|DNNL|MKL|ATEN|MALLOC)_[A-Z_]+|THP_MEM_ALLOC_ENABLE|GLIBC_TUNABLES|LD_PRELOAD")


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("--rows", type=from_to(1, 1_000_000), default=28672, metavar="N",
                        help="of the weight: outputs [default: 28672]")
    parser.add_argument("--cols", type=from_to(1, 1_000_000), default=8192, metavar="N",
                        help="of the weight: inputs [default: 8192]")
    parser.add_argument("--tokens", type=list_from_to(1, 65536), default=[16, 64, 256], metavar="N,...",
                        help="in this order [default: 16,64,256]")
    parser.add_argument("--samples", type=from_to(1, 1000), default=20, metavar="N",
                        help="of each row [default: 20]")
    parser.add_argument("--threads", type=from_to(1, 4096), metavar="N",
                        help="[default: one for each CPU that the process may use]")
    parser.add_argument("--output", metavar="FILE", help="[default: standard output]")
    arguments = parser.parse_args()

    machine = host.facts()
    if arguments.threads:
        machine["threads"] = arguments.threads
    shape = rows.weight(arguments.rows, arguments.cols)
    document = {
        "program": "cpu_library",
        "started_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "argv": [word.rpartition("/")[2] for word in sys.argv],
        "weight": shape,
        "machine": machine,
    }
    document |= measured(arguments, shape, machine)
    text = json.dumps(document, indent=1)
    if arguments.output:
        command.write_whole(arguments.output, text + "\n")
    else:
        print(text)
    return command.FINDING if any(row["error"] for row in document["rows"]) else 0


def measured(arguments, shape, machine):
    environment = {name: value.rpartition("/")[2] for name, value in sorted(os.environ.items())
                   if BEARS.fullmatch(name)}
    torch = imported_torch()
    products = importlib.import_module("torch_linear.products")
    results, library = [], None
    try:
        for library, of_tokens in products.measure(shape, arguments.tokens, arguments.samples, machine):
            for row in of_tokens:
                print(f"{row['row']}: {row['error'] or seconds(row['median_s'])}", file=sys.stderr)
            results += of_tokens
    except (RuntimeError, MemoryError) as error:  # PyTorch has one for all it cannot allocate
        raise BadInput(f"cannot be measured: {products.reason(error)}; a smaller --rows or --cols?") from None
    return {
        "environment": environment,
        "torch": {"version": torch.__version__, "onednn": rows.onednn_version(torch.__config__.show()),
                  "instruction_set": library.instruction_set},
        "rows": results,
    }


def imported_torch():
    try:
        import torch
    except ImportError as error:
        raise BadInput(f"needs PyTorch: pip install torch ({error})") from None
    if not torch.backends.mkldnn.is_available():
        raise BadInput(f"PyTorch {torch.__version__} is built without oneDNN: pip install torch has it")
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise BadInput("oneDNN has no bf16 on this CPU: it takes AVX-512, or bf16 of Arm")
    return torch


if __name__ == "__main__":
    command.run(main)
