# SPDX-License-Identifier: Apache-2.0
"""Tables of times and rates, by policy."""
from ..figures import caption
from ..results import BadInput, label_of, largest_set, lasts, parameter_of, weights_of
from ..text import count, percent, ratio_text, row, size, three_digits
from .cells import gigabytes_per_second, median, milliseconds, model_figure


def usable(results, label):
    """The passed cases of `label` that read weights from the host, and the bound: weights that never
    leave the GPU. A policy that migrates offloads from cold only: warm, it has them on the GPU."""
    cases = [
        case
        for case in largest_set(results["cases"])
        if label_of(case) == label and case["failure"] is None and case["summary"]
        and (case["path"] != "device_memory" or case["start"] == "steady")
    ]
    if not cases:
        raise BadInput(f"no case of {label} has passed")
    names = sorted({weights_of(case) for case in cases})
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
    shared = any(case["path"] == "one_memory" for case in results["cases"])
    lines = [
        f"| policy | start | median | GB/s | of the {'memory' if shared else 'link'} | how the GPU gets the weights |",
        "|---|---|---:|---:|---:|---|",
    ]
    for case in usable(results, label):
        share = case["share_of_memory" if shared else "share_of_link"]
        lines.append(row([
            f"`{case['policy']}`", case["start"], median(case), gigabytes_per_second(case),
            percent(share) if share else "-", case["mechanism"],
        ]))
    return "\n".join(lines)


BOUNDS = {"host_memory": "DRAM", "device_memory": "HBM", "one_memory": "DRAM"}


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
