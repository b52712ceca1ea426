# SPDX-License-Identifier: Apache-2.0
"""Tokens per second of passes through whole models, by the kernels measured: one figure per batch, one column per
model."""
from ..results import label_of, lasts, passed, tokens_per_second
from . import caption
from .data import ABSENT, BarFigure, Cell, Column, NoData, Row
from .runs import measured, never_leaves_the_gpu, not_shown, offloads

NEEDS = "offloaded passes through a model: --suite decode or prefill, with --model"


def figures(runs, wanted=None):
    """Runs of one machine share a figure; one for each label, or for the one that is wanted."""
    groups = {}  # {(label, machine): {model: (run, cases)}}
    for run in runs:
        for case in run.cases:
            if case.get("model") is None and (
                    passed(case) or case["workload"] not in ("decode", "prefill")):
                continue
            if wanted not in (None, label_of(case)):
                continue
            columns = groups.setdefault((label_of(case), caption.machine(run)), {})
            columns.setdefault((case["weights"]["name"], run.name), (run, []))[1].append(case)
    found = [figure for (label, _), columns in groups.items()
             for figure in of_label(label, columns)]
    if not found:
        raise NoData(f"no {wanted or NEEDS}")
    return found


def of_label(label, columns):
    cases = [case for _, of_column in columns.values() for case in of_column]
    if not any(map(passed, cases)):
        return
    rows = rows_of(cases)
    if not rows:
        return
    yield BarFigure(
        f"tokens-{label}",
        f"Tokens per second with offloaded weights: {label}, {tokens_text(cases)} at once",
        "By these kernels, of weights alone: attention, KV cache and the rest of an engine take time of "
        "their own. Only what an engine can stay in: no policy that moves the weights to the GPU. "
        "Whiskers, where visible: 5th to 95th percentile.",
        rows, tuple(column(title(key, columns), of_column, rows)
                    for key, (_, of_column) in columns.items()),
        (*map(slice_note, first_models(columns)), *not_shown(runs_in(columns), cases)),
        runs_in(columns))


def tokens_text(cases):
    count = cases[0]["tokens"]
    return "1 token" if count == 1 else f"{count} tokens"


def runs_in(columns):
    return tuple(run for run, _ in columns.values())


def row_of(case):
    return Row(case["policy"], case["start"], case.get("captured", False))


def rows_of(cases):
    """Best first, as the first column that has the row shows it; resident weights are a bound."""
    best = {}
    for case in cases:
        if shown(case):
            rate = tokens_per_second(case) if passed(case) else 0
            best.setdefault(row_of(case), -rate)
    return tuple(sorted(best, key=lambda row: (best[row], row.policy, row.start)))


def shown(case):
    return offloads(case) and lasts(case)


def title(key, columns):
    """The model; and the run, where several have passed through it."""
    model, run = key
    return model if [name for name, _ in columns].count(model) == 1 else f"{model}, {run}"


def column(name, cases, rows):
    cells = {row_of(case): cell(case) for case in cases if shown(case)}
    bounds = [tokens_per_second(case) for case in cases
              if passed(case) and never_leaves_the_gpu(case)]
    return Column(name, "tokens/s", tuple(cells.get(row, ABSENT) for row in rows),
                  bounds[0] if bounds else None, "all weights on the GPU" if bounds else None, True)


def cell(case):
    if not passed(case):
        return Cell("failed", text=case["failure"] or "incomplete")
    rate, median = tokens_per_second(case), case["summary"]["median_s"]
    return measured(case, rate, lambda seconds: rate * median / seconds)


def first_models(columns):
    for _, cases in columns.values():
        yield from [case["model"] for case in cases if passed(case)][:1]


def slice_note(model):
    resident = model["resident_bytes"] / 2**30
    also = f", {resident:.0f} GiB stay on the GPU" if model["resident_bytes"] else ""
    return (f"{model['name']}: {model['offloaded_bytes'] / 2**30:.0f} GiB offloaded{also}; "
            f"{model['layers_measured']} of {model['layers']} layers measured.")
