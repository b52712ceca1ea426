# SPDX-License-Identifier: Apache-2.0
"""Tokens per second of passes through whole models, by the kernels measured: one figure per batch, one column per
model."""
from ..intervals import is_rough
from ..results import label_of, lasts, passed, tokens_at, tokens_per_second, weights_of
from ..text import digits
from . import caption
from .data import BarFigure, NoData
from .runs import bar_column, joined, never_leaves_the_gpu, not_shown, offloads, row_of, titled, with_runs

NEEDS = "offloaded passes through a model: --suite decode or prefill, with --model"


def figures(runs, wanted=None):
    """One for each label, or for the one that is wanted; columns by machine and model."""
    labels = {}  # {label: {(machine, model): [(run, its cases)]}}
    for run in runs:
        for key, cases in by_model(run, wanted).items():
            label, model = key
            labels.setdefault(label, {}).setdefault((caption.machine(run), model), []).append((run, cases))
    found = [figure for label, columns in labels.items() for figure in of_label(label, columns)]
    if not found:
        raise NoData(f"no {wanted or NEEDS}")
    return found


def by_model(run, wanted):
    """{(label, model): cases}; of passes that failed, models are known by their weights."""
    found = {}
    for case in run.cases:
        if case.get("model") is None and (passed(case) or case["workload"] not in ("decode", "prefill")):
            continue
        if wanted in (None, label_of(case)):
            found.setdefault((label_of(case), weights_of(case)), []).append(case)
    return found


def of_label(label, groups):
    columns = [(machine, model, *column) for (machine, model), parts in groups.items()
               for column in joined(parts, shown)]
    cases = [case for _, _, _, of_column in columns for case in of_column]
    if not any(map(passed, cases)):
        return
    rows = rows_of(of_column for _, _, _, of_column in columns)
    if not rows:
        return
    titles = titles_of(columns)
    names = {run.name: run for _, _, of_column, _ in columns for run in of_column}
    runs = tuple(names.values())
    yield BarFigure(
        f"tokens-{label}",
        titled(label, [(title, of_column[0], cases) for title, (_, _, of_column, cases) in zip(titles, columns)],
               rate_text),
        f"Tokens per second with offloaded weights, {tokens_text(cases)} at once, by these kernels, of weights "
        "alone: attention, KV cache and the rest of an engine take time of their own. Only what an engine can "
        "stay in: no policy that moves the weights to the GPU. Whiskers, where visible: 5th to 95th percentile.",
        rows, tuple(column(title, of_column, rows) for title, (_, _, _, of_column) in zip(titles, columns)),
        (*dict.fromkeys(map(slice_note, first_models(columns))), *not_shown(runs, cases)), runs,
        one_scale=len({model for _, model, _, _ in columns}) == 1)


def titles_of(columns):
    """The model; with the machine, where there are several, and with the run, where it has several."""
    several = len({machine for machine, _, _, _ in columns}) > 1
    names = [f"{model}, {caption.short_machine(runs[0])}" if several else model for _, model, runs, _ in columns]
    return with_runs(names, [runs[0] for _, _, runs, _ in columns])


def rate_text(case):
    return f"{digits(is_rough(case))(tokens_per_second(case))} tokens/s"


def tokens_text(cases):
    count = cases[0]["tokens"]
    return "1 token" if count == 1 else f"{count} tokens"


def rows_of(columns):
    """Best first, beside the best of its column; resident weights are a bound."""
    shares = {}
    for cases in columns:
        rates = {row_of(case): tokens_per_second(case) if passed(case) else 0 for case in filter(shown, cases)}
        best = max(rates.values(), default=0) or 1
        for row, rate in rates.items():
            shares[row] = max(shares.get(row, 0), rate / best)
    return tuple(sorted(shares, key=lambda row: (-shares[row], row.policy, row.start)))


def shown(case):
    return offloads(case) and lasts(case)


def column(name, cases, rows):
    resident = [case for case in cases if never_leaves_the_gpu(case)]
    return bar_column(name, "tokens/s", [*filter(shown, cases), *resident], rows, tokens_per_second, tokens_at,
                      "all weights on the GPU")


def first_models(columns):
    for _, _, _, cases in columns:
        yield from [case["model"] for case in cases if passed(case)][:1]


def slice_note(model):
    resident = model["resident_bytes"] / 2**30
    also = f", {resident:.0f} GiB stay on the GPU" if model["resident_bytes"] else ""
    return (f"{model['name']}: {model['offloaded_bytes'] / 2**30:.0f} GiB offloaded{also}; "
            f"{model['layers_measured']} of {model['layers']} layers measured.")
