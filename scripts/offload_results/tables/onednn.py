# SPDX-License-Identifier: Apache-2.0
"""Products by oneDNN (scripts/cpu_library.py) beside those of host_compute, as a table in Markdown."""
from ..results import BadInput
from ..text import rough, row, two_digits
from . import printed
from .cells import gigabytes_per_second, milliseconds


def render(path, runs):
    """`path` is what the script printed, `runs` are this program's on the same machine."""
    document = printed.by("cpu_library", path)
    for run in runs:
        check_same_machine(document["machine"], run, path)
    by_tokens = {}
    for of_library in document["rows"]:
        by_tokens.setdefault(of_library["tokens"], {})[of_library["layout"]] = of_library
    library = f"oneDNN {document['torch']['onednn']}"
    lines = [row(["tokens", "`host_compute`, GB/s", "`host_compute`, ms", f"{library}, weight in place, ms",
                  f"{library}, prepacked, ms", "`host_compute` / the faster of oneDNN's"]),
             "|---:|---:|---:|---:|---:|---:|"]
    for tokens, layouts in sorted(by_tokens.items()):
        if layouts.keys() != {"plain", "prepacked"}:
            raise BadInput(f"{path}: {tokens} tokens were not measured in both layouts")
        case = twin(layouts["plain"], document["weight"], runs)
        faster = min(of_layout["median_s"] for of_layout in layouts.values())
        lines.append(row([
            str(tokens), gigabytes_per_second(case), milliseconds(case),
            ranged(layouts["plain"]), ranged(layouts["prepacked"]),
            two_digits(case["summary"]["median_s"] / faster)]))
    return "\n".join(lines)


def check_same_machine(machine, run, path):
    """As far as both sides tell."""
    here = {"cpu": run["platform"]["host"]["cpu"], "threads": run["host_workers"]["threads"]}
    for name, value in here.items():
        if machine[name] != value:
            raise BadInput(f"{path}: another machine: {name} is {machine[name]} there and {value} here")


def twin(of_library, weight, runs):
    """The case of host_compute that makes the same product."""
    def does_the_same(case, _):
        same_weight = [{name: tensor[name] for name in weight} for tensor in case["weights"]["tensors"]] == [weight]
        return (case["workload"] == "gemm" and case["policy"] == "host_compute" and not case["captured"]
                and case["tokens"] == of_library["tokens"] and same_weight)

    return printed.twin(of_library, runs, does_the_same)


def ranged(of_library):
    """As cases of the CPU are written: two digits, and the least and the most of the samples."""
    samples = of_library["samples_s"]
    return rough(of_library["median_s"] * 1e3, min(samples) * 1e3, max(samples) * 1e3)
