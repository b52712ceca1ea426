#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print a table for the documentation from committed results, in Markdown, or put the tables of
documents up to date.

usage: scripts/readme_table.py RESULTS.json... WHAT
       scripts/readme_table.py results/platforms platforms
       scripts/readme_table.py tests/data/models/oracle oracle
       scripts/readme_table.py --update DOCUMENT...

WHAT  machine              what the run was made on, in one line
      LABEL                what reading weights costs by policy: gemv, gemm/tokens:512
      gemm[:POLICY,...]    milliseconds by policy and tokens; only these policies
      models[:LABEL,...]   tokens/s by policy and what the machine allows, a column per label and model of
                           all files; of what an engine cannot stay in, the time of the first pass
      answer               three sentences; of a run with gemv
      answer:POLICY,...    gemv of the first file, and one token of the model in the second
      engines              the flags of engines that select a policy
      limits               the distance to the limits
      predictions          by policy, how far cases of all files lie from what was predicted of them
      vllm                 what scripts/vllm_offload.py printed, the first file, beside the cases of the others
      onednn               what scripts/cpu_library.py printed, likewise
      accuracy[:models]    of what scripts/prediction_accuracy.py wrote: errors by policy; by model
      winners              of the same: how often the least predicted time is that of the fastest
      evidence:LABEL[,WEIGHTS]   what driver and hardware did, by policy
      rates:WORKLOAD[,WEIGHTS]   GB/s by policy, a column per parameter (chunk, skew) or weights
      series:LABEL[,WEIGHTS]     time of the n-th consecutive pass, and what it moved
      setup:LABEL                set-up and read apart
      memory_costs               what each allocator took, tensor by tensor
      threads:LABEL[,WEIGHTS]    time that each of the driver's threads runs in a pass
      platforms[:ranges|:sources|:unknown]   what others published of machines, from profiles or a folder
                           of them; the least and the most of what bears on the link; every figure with its
                           source; how often each rate is known
      machines             the machines of a folder of results
      times                what was typed for each of the files, and how long it took
      oracle[:counts|:quantised|:vllm]   the architectures whose files are read, from a folder; how many
                           they are; the quantised forms that are read; what becomes of vLLM's

Of a merged file the figures are those of the middle run, and ranges go from the fastest to the slowest.

--update rewrites everything between `<!-- scripts/readme_table.py RESULTS.json... WHAT -->` and
`<!-- end -->`; paths in there start at the root of the repository.
"""
import pathlib
import re
import sys

import accuracy_table
import engine_table
import library_table
import machine_table
import model_table
import platform_table
import prediction_table
import readme_answer
from evidence_tables import tables as evidence_tables
from offload_results import command
from offload_results.case_figures import (
    gigabytes_per_second, median, milliseconds, model_figure, over_runs)
from offload_results.figures import caption
from offload_results.json_reader import BadInput, read_text
from offload_results.markdown_text import row
from offload_results.results import label_of, lasts, parameter_of, version_of
from offload_results.results import load as shared_load
from offload_results.text import count, percent, ratio_text, size, three_digits

block = re.compile(r"(<!-- scripts/readme_table\.py ([^\n]+) -->\n)(.*?)(\n?<!-- end -->)", re.DOTALL)


def load(path):
    whole = shared_load(path, empty_allowed=True)  # allocators are measured without cases
    results = whole.run
    if not results["complete"]:
        raise BadInput(f"{path}: an incomplete run: {results['incomplete_reason']}")
    if "sources" in results:
        machines = {caption.machine_of(run) for run in whole.runs}
        if len(machines) > 1:
            raise BadInput(f"{path}: runs of several machines: a table is of one")
        return {**results, "cases": [over_runs(runs) for runs in whole.by_key().values()]}
    return results


def usable(results, label):
    """The passed cases of `label` that read weights from the host, and the bound: weights that never
    leave the GPU. A policy that migrates offloads from cold only: warm, it has them on the GPU."""
    cases = [
        case
        for case in results["cases"]
        if label_of(case) == label and case["failure"] is None and case["summary"]
        and (case["path"] != "device_memory" or case["start"] == "steady")
    ]
    if not cases:
        raise BadInput(f"no case of {label} has passed")
    names = sorted({case["weights"]["name"] for case in cases})
    if len(names) > 1:
        raise BadInput(f"{label} read more than one set of weights: {', '.join(names)}")
    return sorted(cases, key=lambda case: case["summary"]["median_s"])


def labels(results):
    return list(dict.fromkeys(label_of(case) for case in results["cases"]))


def best_starts(results, label):
    """The fastest usable case of each policy."""
    best = {}
    for case in usable(results, label):
        best.setdefault(case["policy"], case)
    return best


def policy_rows(columns, cell, chosen=()):
    """A list of cells per policy, the bound first, then by the last column, then by the one before,
    and then a model's first passes; `columns` are {policy: case}."""
    policies = {policy: case for column in columns for policy, case in column.items()}
    missing = [policy for policy in chosen if policy not in policies]
    if missing:
        raise BadInput(f"no case has passed under {', '.join(missing)}")

    def order(policy):
        times = [
            column[policy]["summary"]["median_s"] if policy in column else float("inf")
            for column in reversed(columns)
        ]
        case = policies[policy]
        first_pass = bool(case.get("model")) and not lasts(case)
        return (case["path"] != "device_memory", first_pass, times)

    for policy in sorted(chosen or policies, key=order):
        yield policy, [cell(column[policy]) if policy in column else "-" for column in columns]


def machine(results, _):
    """Of the rates those that were calibrated: without a GPU that is the CPU's alone."""
    host, calibration = results["platform"]["host"], results["calibration"]
    rates = ", ".join(
        f"{what} {three_digits(calibration[f'{name}_bytes_per_second'] / 1e9)} GB/s"
        for what, name in (("the copy engine moves", "copy_h2d"),
                           ("SMs read pinned memory at", "sm_read_pinned"),
                           ("the CPU reads its own at", "host_read"))
        if calibration[f"{name}_bytes_per_second"])
    line = f"{caption.gpu(results)}; {host['cpu']}, {count(host['logical_cpus'], 'CPU')}."
    return f"{line} {rates[0].upper()}{rates[1:]}." if rates else line


def workload_table(results, label):
    lines = [
        "| policy | start | median | GB/s | of the link | how the GPU gets the weights |",
        "|---|---|---:|---:|---:|---|",
    ]
    for case in usable(results, label):
        share = case["share_of_link"]
        lines.append(row([
            f"`{case['policy']}`", case["start"], median(case), gigabytes_per_second(case),
            percent(share) if share else "-", case["mechanism"],
        ]))
    return "\n".join(lines)


BOUNDS = {"host_memory": "DRAM", "device_memory": "HBM"}


def model_cell(case):
    """Tokens/s by the kernels measured and, in files that have it, by the machine's bound."""
    text, bound = model_figure(case), case["model"].get("bound")
    if bound and bound["tokens_per_second"]:
        text += f" ({three_digits(bound['tokens_per_second'])} {BOUNDS.get(bound['by'], bound['by'])})"
    return text


def gemm_table(results, chosen):
    shown = list(dict.fromkeys(
        (parameter_of(case)[1], label_of(case)) for case in results["cases"]
        if case["workload"] == "gemm"))
    if not shown:
        raise BadInput("no case of gemm")
    shown.sort()
    lines = [
        row(["ms by policy and tokens"] + [f"{tokens:.0f}" for tokens, _ in shown]),
        "|---|" + "---:|" * len(shown),
    ]
    columns = [best_starts(results, label) for _, label in shown]
    for policy, cells in policy_rows(columns, milliseconds, chosen):
        lines.append(row([f"`{policy}`"] + cells))
    return "\n".join(lines)


def offload_note(model):
    text = f"{model['name']}: {size(model['offloaded_bytes'])} offloaded"
    if model["resident_bytes"]:
        text += f", {size(model['resident_bytes'])} resident"
    return text


def slice_notes(models):
    """By model: what of it is offloaded, and how many of its layers each run measured."""
    notes = {}
    for model in models:
        note, counts = notes.setdefault(model["name"], (offload_note(model), []))
        if note != offload_note(model):
            raise BadInput(f"{model['name']} is offloaded in two ways: {note}; {offload_note(model)}")
        if model["layers_measured"] not in counts:
            counts.append(model["layers_measured"])
    layers = {model["name"]: model["layers"] for model in models}
    return [
        note if counts == [layers[name]]
        else f"{note}, {' or '.join(map(str, counts))} of {layers[name]} layers measured"
        for name, (note, counts) in notes.items()
    ]


def models_table(files, chosen):
    columns = {}  # {policy: case} by (label, model)
    models = []
    for results in files:
        for label in labels(results):
            if chosen and label not in chosen:
                continue
            column = best_starts(results, label)
            model = next(iter(column.values())).get("model")
            if model is None:
                raise BadInput(f"{label} does not walk a model")
            if (label, model["name"]) in columns:
                raise BadInput(f"{label} of {model['name']} is in two files")
            columns[label, model["name"]] = column
            models.append(model)
    missing = [label for label in chosen if label not in {label for label, _ in columns}]
    if missing or not columns:
        raise BadInput(f"no case of {', '.join(missing) or 'a model'}")

    notes = slice_notes(models)
    first = next(model for _, model in columns)
    device = {
        policy: case["model"]["memory_bytes"]["device"]
        for (_, model), column in reversed(columns.items()) if model == first
        for policy, case in column.items()
    }
    lines = [
        row(["tokens/s by policy"] + [f"{label} {model}" for label, model in columns]
            + [f"HBM for {first}"]),
        "|---|" + "---:|" * (len(columns) + 1),
    ]
    # The first column, which is the order a reader looks for, decides: it comes last for the sort.
    backwards = list(columns.values())[::-1]
    for policy, cells in policy_rows(backwards, model_cell):
        memory = size(device[policy]) if policy in device else "-"
        lines.append(row([f"`{policy}`"] + cells[::-1] + [memory]))
    return "\n".join(lines + ["", f"<sub>{'; '.join(notes)}.</sub>"])


def one_token(results, workload):
    """The best case of each policy in `workload`, with the fewest tokens there are."""
    cases = [case for case in results["cases"] if case["workload"] == workload]
    if not cases:
        raise BadInput(f"no case of {workload}")
    return best_starts(results, label_of(min(cases, key=lambda case: case.get("tokens") or 1)))


def answer(files, policies):
    product = one_token(files[0], "gemv")
    if not policies:
        return readme_answer.sentences(product, files[0])
    if len(files) != 2:
        raise BadInput("answer:POLICY,... is made from two files: gemv and decode")
    return readme_answer.table(product, one_token(files[1], "decode"), policies)


def limits_table(results, _):
    if not results["limits"]:
        raise BadInput("the run was made without --limits")
    lines = ["| limit | what is compared | ratio | goal | met |", "|---|---|---:|---:|---|"]
    for limit in results["limits"]:
        sign = ">=" if limit["at_least"] else "<="
        met = limit["ratio"] >= limit["goal"] if limit["at_least"] else limit["ratio"] <= limit["goal"]
        lines.append(row([
            f"`{limit['id']}`", limit["description"],
            ratio_text(limit["ratio"], limit["goal"]),
            f"{sign} {ratio_text(limit['goal'])}", "yes" if met else "no",
        ]))
    return "\n".join(lines)


# What another program's code takes, beside the same done here.
BESIDE = {"vllm": engine_table, "onednn": library_table}
# What is made of other files than results, by the part after the colon.
OF_OTHERS = {"platforms": platform_table.render, "accuracy": accuracy_table.accuracy,
             "winners": accuracy_table.winners, "oracle": model_table.render,
             "machines": machine_table.render_machines, "times": machine_table.render_times}


def render(paths, what):
    """The text that stands for `what` in a document; raises BadInput."""
    if what in BESIDE:
        return BESIDE[what].render(paths[0], [load(path) for path in paths[1:]])
    name, _, names = what.partition(":")
    if name in OF_OTHERS:
        return OF_OTHERS[name](paths, names)
    files = [load(path) for path in paths]
    chosen = names.split(",") if names else []
    if name == "models":
        return models_table(files, chosen)
    if name == "answer":
        return answer(files, chosen)
    if name == "predictions":
        return prediction_table.render(files)
    if len(files) != 1:
        raise BadInput(f"{what} is made from one file")
    of_one = {"machine": machine, "gemm": gemm_table, "limits": limits_table,
              "engines": readme_answer.engines, **evidence_tables}
    try:
        if name in of_one:
            return of_one[name](files[0], chosen)
        return workload_table(files[0], what)
    except BadInput as error:
        raise BadInput(f"{paths[0]}: {error}") from None
    except (KeyError, TypeError):
        if version_of(files[0]) >= (2, 0):
            raise
        raise BadInput(f"{paths[0]}: lacks what {what} is made from: it is of schema version "
                       f"{files[0]['schema_version']}") from None


def blocks(text):
    """(arguments, what is shown) of every marked place."""
    return [(match[2].split(), match[3]) for match in block.finditer(text)]


def update(text, root):
    def replace(match):
        *paths, what = match[2].split()
        return f"{match[1]}{render([root / path for path in paths], what)}\n<!-- end -->"

    return block.sub(replace, text)


def main():
    arguments = sys.argv[1:]
    if {"-h", "--help"}.intersection(arguments):
        print(__doc__.strip())
        return 0
    if len(arguments) < 2:
        raise BadInput("needs RESULTS.json... WHAT, or --update DOCUMENT...; --help says what there is")
    if arguments[0] != "--update":
        print(render(arguments[:-1], arguments[-1]))
        return 0
    root = pathlib.Path(__file__).resolve().parent.parent
    for document in map(pathlib.Path, arguments[1:]):
        updated = update(read_text(document), root)
        command.write_whole(document, updated)
    return 0


if __name__ == "__main__":
    command.run(main)
