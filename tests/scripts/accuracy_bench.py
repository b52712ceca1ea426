#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for offload_bench in tests of scripts/prediction_accuracy.py: as much of list, advise, plan and a run
as that asks for. What is special about a model is in its name."""
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from results_builder import case, gpu, run, skipped  # noqa: E402

GIB = 1 << 30
SLICE = {"small": 100 << 20, "large": 4 * GIB}
RESIDENT, COPY = "device_resident", "pinned_copy"


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


def refused(reason):
    print(f"offload_bench: {reason}", file=sys.stderr)
    sys.exit(2)


def main():
    model = option("--model") if "--model" in sys.argv else None
    if sys.argv[1] == "list":
        print("small.o_proj  1 1 bf16\nsmall.down_proj 1 1 bf16\nlarge.o_proj  1 1 bf16")
    elif model == "unknown":
        refused("unknown model 'unknown'")
    elif sys.argv[1] == "advise":
        print(json.dumps({"linear_weight_bytes": 8 * GIB}))
        sys.exit(3)
    elif model == "q4" and "prefill" in option("--workloads"):
        refused("prefill cannot read q4")
    elif sys.argv[1] == "plan":
        name = f"{option('--workloads')}/tokens:{option('--tokens')}/host_compute/{model}/steady"
        print(f"case,bytes\n{name},{SLICE.get(model, SLICE['small'])}")
    else:
        measure(model, pathlib.Path(option("--output")))


def cases_of(model):
    """Each policy takes a millisecond and is predicted to within 1 %; of small one case fails."""
    layers = {"name": model, "layers": 32, "layers_measured": 2, "offloaded_bytes": 6 * GIB,
              "resident_bytes": 2 * GIB}
    predicted = {"seconds": 1.01e-3, "least_s": 0.9e-3, "most_s": 1.1e-3}
    return [case("decode/tokens:1", policy, model, samples=[1e-3] * 3, model=layers, predicted=predicted,
                 path="device_memory" if policy == RESIDENT else "link",
                 failure="wrong sum" if model == "small" and policy == COPY else None)
            for policy in option("--policies").split(",")]


def measure(model, output):
    document = run(cases_of(model), gpu=gpu(name=f"GPU of {model}") if model == "foreign" else gpu(),
                   skipped=[skipped("decode/tokens:1", "x", model, "cold", "no such memory")])
    if model in ("slow", "stubborn"):
        interrupt(model, output, document)
    if model == "damaged":
        document = {"offload_bench": 1}
    output.write_text(json.dumps(document))
    sys.exit(int(model == "small"))


def interrupt(model, output, document):
    """As the program ends: slow with what it has, stubborn only when it is killed."""
    def write(*_):
        document["offload_bench"] |= {"complete": False, "incomplete_reason": "interrupted by SIGTERM"}
        output.write_text(json.dumps(document))
        sys.exit(130)
    signal.signal(signal.SIGTERM, write if model == "slow" else signal.SIG_IGN)
    ours = document["offload_bench"]
    header = {name: value for name, value in ours.items() if name not in ("cases", "skipped")}
    lines = map(json.dumps, [header, *ours["cases"]])
    pathlib.Path(f"{output}.journal").write_text("\n".join(lines) + "\nhalf a li")
    time.sleep(60)


if __name__ == "__main__":
    main()
