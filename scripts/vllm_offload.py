#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["torch>=2.11", "numpy"]
# ///
# SPDX-License-Identifier: Apache-2.0
"""Time passes over the linear weights of Llama-3.1-8B under vLLM's own offloaders, for comparison
with this project's figures of the same machine. Prints JSON; needs PyTorch and a GPU."""
import datetime
import json
import sys

from offload_results import command
from offload_results.results import BadInput
from offload_results.text import from_to
from offload_results.text import seconds
from vllm_passes import rows, sources

EPILOG = f"""A row is BACKEND:NUMBERS:eager or :graph, such as {rows.EXAMPLE}. Backends: prefetch,
of each G layers the last N, S layers ahead; uva; copy, which is uva with
VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1; the latter two of all layers. eager is a pass as with
--enforce-eager, graph one as a full CUDA graph. The result of a row is compared with that of
resident weights before it is timed. A sample is one pass, in seconds, in a chain in which the
host never waits; sizes are in bytes. All layers, 13 GiB, take 15 GiB of pinned memory: PyTorch
rounds each tensor up to a power of two. Without --vllm the installed package is used. Of its
sources only model_executor/offloader is read, as in the wheel of vLLM 0.33.0, and a few lines
stand in for what it imports, among them the compiled operator of uva: the output names them.
exit codes: 0 all rows were measured, 1 a row was not and says why, 2 bad input, no GPU or no
vLLM."""


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("--vllm", metavar="PATH", help="the folder of vLLM's Python sources")
    parser.add_argument("--rows", nargs="+", metavar="ROW", default=rows.DEFAULT,
                        help=f"what is measured, in this order [default: {' '.join(rows.DEFAULT)}]")
    parser.add_argument("--samples", type=from_to(1, 1000), default=8, metavar="N",
                        help="timed passes of each row [default: 8]")
    parser.add_argument("--warmup", type=from_to(2, 1000), default=2, metavar="N",
                        help="passes before them, without a pause between [default: 2]")
    parser.add_argument("--plan", action="store_true",
                        help="print the rows with vLLM's flags for them, and measure nothing")
    arguments = parser.parse_args()

    wanted = rows.all_parsed(arguments.rows)
    document = {
        "program": "vllm_offload",
        "started_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "model": {"name": "llama3.1-8b", "layers": rows.LAYERS,
                  "linear_bytes": rows.LAYERS * rows.LAYER_BYTES},
        "warmup_passes": arguments.warmup,
        "machine": None,
        "vllm": None,
        "rows": list(map(rows.as_json, wanted)),
    }
    if not arguments.plan:
        document |= measured(wanted, arguments)
    print(json.dumps(document, indent=1))
    return command.FINDING if any(row["error"] for row in document["rows"]) else 0


def measured(wanted, arguments):
    try:
        import torch
    except ImportError as error:
        raise BadInput(f"needs PyTorch built for CUDA: pip install torch ({error})") from None
    if not torch.cuda.is_available():
        raise BadInput("PyTorch sees no GPU here: run it where one is; --plan needs none")
    engine = sources.load(arguments.vllm)
    from vllm_passes import passes
    results = []
    for row in passes.measure(engine, wanted, arguments.warmup, arguments.samples):
        print(f"{row['row']}: {row['error'] or seconds(row['median_s'])}", file=sys.stderr)
        results.append(row)
    machine = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__,
               "cuda": torch.version.cuda}
    return {"machine": machine, "vllm": engine.as_json(), "rows": results}


if __name__ == "__main__":
    command.run(main)
