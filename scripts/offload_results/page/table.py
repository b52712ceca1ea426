# SPDX-License-Identifier: Apache-2.0
"""The table: policies by runs, with bars on one axis. A view is what one table shows: a workload, or one
label of it where there are many or where they are of models."""
import dataclasses
import re
import typing

from .. import text
from ..figures import caption
from ..figures.runs import on_the_gpu, reason_of
from ..figures.styles import group_of
from ..intervals import is_rough
from ..results import label_of, passed, subject_of, tokens_at, tokens_per_second, weights_of
from ..tables.cells import gigabytes_per_second, model_figure, of_pass
from . import drawer

MOST_COLUMNS = 8  # of a view of several labels
FIRST = ("decode", "prefill", "gemv", "gemm", "expert_gather", "stream_read", "row_gather", "nested",
         "pointer_chase")  # what readers ask for first
AXIS = 1000  # units of a bar
NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What bars show. `at` is its value if the median pass took that many seconds."""

    unit: str
    value: typing.Callable  # of a passed case; None where it has none
    at: typing.Callable  # of a case and seconds
    written: typing.Callable  # of a case, and whether with its range
    less_is_better: bool = False


def step_ns(case):
    return case["seconds_per_step"] and case["seconds_per_step"] * 1e9


def step_at(case, seconds):
    return seconds / case["steps"] * 1e9


def model_written(case, ranged=True):
    """Weights that have come to the GPU have no tokens/s to be compared, and are in no first pass either."""
    if on_the_gpu(case) and tokens_per_second(case) is None:
        return f"{text.seconds(case['model']['pass_s'])} a pass"
    return model_figure(case, ranged)


TOKENS = Quantity("tokens/s", tokens_per_second, tokens_at, model_written)
STEP = Quantity("ns a step", step_ns, step_at,
                lambda case, ranged=True: of_pass(case, step_ns(case), lambda s: step_at(case, s), ranged),
                less_is_better=True)
RATE = Quantity(
    "GB/s", lambda case: case["gb_per_s"], lambda case, seconds: case["bytes"]["requested"] / seconds / 1e9,
    lambda case, ranged=True: gigabytes_per_second(case) if ranged
    else text.digits(is_rough(case))(case["gb_per_s"]))


def quantity_of(case):
    if case.get("model"):
        return TOKENS
    return STEP if case["steps"] and case["seconds_per_step"] else RATE


def figure(case, ranged=True):
    """With its unit: 51.4 GB/s, 11 tokens/s, first pass 3.1 s."""
    quantity = quantity_of(case)
    written = quantity.written(case, ranged=ranged)
    return written if quantity.value(case) is None else f"{written} {quantity.unit}"


@dataclasses.dataclass(frozen=True)
class Column:
    run: object
    label: str
    weights: str
    graph: bool
    cases: dict  # {(policy, start): case}


def status(case):
    if case["failure"] is not None:
        return "failed"
    return "passed" if passed(case) else "incomplete"


def columns_of(runs):
    """{workload: its columns}, those with most cases first."""
    found = {}
    for run in runs:
        for case in run.cases:
            key = (run.name, label_of(case), weights_of(case), case.get("captured", False))
            column = found.setdefault(key, Column(run, *key[1:], {}))
            column.cases[case["policy"], case["start"]] = case
    by_workload = {}
    for column in sorted(found.values(), key=lambda column: -len(column.cases)):
        workload = next(iter(column.cases.values()))["workload"]
        by_workload.setdefault(workload, []).append(column)
    return dict(sorted(by_workload.items(), key=lambda item: (
        FIRST.index(item[0]) if item[0] in FIRST else len(FIRST))))


def views(runs, parts, styles):
    """`parts` collects what drawers show, and `styles` has the looks of policies."""
    found = []
    for workload, columns in columns_of(runs).items():
        of_model = any(case.get("model") for column in columns for case in column.cases.values())
        labels = list(dict.fromkeys(column.label for column in columns))
        if len(labels) == 1 or (len(columns) <= MOST_COLUMNS and not of_model):
            found.append(view(workload if len(labels) > 1 else labels[0], columns, runs, parts, styles))
            continue
        found += [view(label, [column for column in columns if column.label == label], runs, parts, styles)
                  for label in sorted(labels, key=text_and_number)]
    return found


def text_and_number(label):
    """gemm/tokens:16 before gemm/tokens:256."""
    name, _, value = label.rpartition(":")
    return (name, float(value)) if name and NUMBER.fullmatch(value) else (label, 0.0)


def view(title, columns, runs, parts, styles):
    cases = [case for column in columns for case in column.cases.values()]
    quantity = next((found for found in map(quantity_of, cases) if found is not RATE), RATE)
    limit = axis_end(cases, quantity)
    skipped = [skipped_in(column) for column in columns]
    keys = list(dict.fromkeys(key for column in columns for key in column.cases))
    rows = [row(key, columns, skipped, quantity, limit, parts, styles) for key in keys]
    rows.sort(key=order)
    present = {column.run.name for column in columns}
    return {
        "title": title, "columns": headers(columns), "rows": rows, "limit": limit and text.three_digits(limit),
        "unit": quantity.unit, "starts": sorted({start for _, start in keys}),
        "predicted": any(case.get("predicted") for case in cases),
        "noted": any(cell["marks"] for one in rows for cell in one["cells"]),
        "absent": [run.name for run in runs if run.cases and run.name not in present],
        "skipped": not_run(columns, set(keys)), "sentences": sentences(columns),
        "labels": sorted({column.label for column in columns}, key=text_and_number),
    }


def axis_end(cases, quantity):
    """The largest of what is offloaded: weights on the GPU are read so much faster that no other bar would
    be seen."""
    shown = [case for case in cases if passed(case)]
    values = [[value for case in some if (value := quantity.value(case)) is not None]
              for some in ([case for case in shown if not on_the_gpu(case)], shown)]
    return max(values[0] or values[1], default=None)


FIELDS = (lambda column: column.weights, lambda column: column.label, lambda column: column.run.name)
TITLES = ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))  # of FIELDS; the first that tells columns apart


def headers(columns):
    several = len({caption.machine(column.run) for column in columns}) > 1
    titles = next((fields for fields in TITLES if len({(column.graph, *picked(column, fields))
                                                       for column in columns}) == len(columns)), TITLES[-1])
    return [header(column, titles, several) for column in columns]


def picked(column, fields):
    return [FIELDS[index](column) for index in fields]


def header(column, titles, several_machines):
    title = " \u00b7 ".join(picked(column, titles))
    beside = [name for name in picked(column, (0, 2)) if name not in picked(column, titles)]
    if column.graph:
        beside.append("as a CUDA graph")
    if several_machines:
        beside.append(machine(column.run))
    found = column.run.run
    return {"title": title, "beside": " \u00b7 ".join(beside),
            "notes": [one["text"] for one in found.get("findings") or () if not one["cases"]],
            "incomplete": None if found["complete"] else f"incomplete: {found['incomplete_reason']}"}


def machine(run, with_link=False):
    gpu, host = run.platform["gpu"], run.platform["host"]
    if not gpu:
        return f"no GPU, {host['cpu'] or 'CPU unknown'}"
    return ", ".join([gpu["name"], *filter(None, [with_link and caption.link(run.run)])])


def row(key, columns, skipped, quantity, limit, parts, styles):
    policy, start = key
    cases = [case for column in columns if (case := column.cases.get(key))]
    cells = [cell(column.cases.get(key), reasons.get(key), column.run, quantity, limit, parts)
             for column, reasons in zip(columns, skipped)]
    first = cases[0]
    return {"policy": policy, "start": start, "group": group_of(first), "look": styles[policy].look,
            "hollow": styles[policy].hollow, "how": drawer.part(parts, "how", drawer.how(first)), "cells": cells,
            "on_gpu": all(map(on_the_gpu, cases))}


def order(row):
    """Best first by the first column, then by the next; what is on the GPU already comes last."""
    worst = float("-inf")
    return (row["on_gpu"], *(-(worst if cell["goodness"] is None else cell["goodness"])
                             for cell in row["cells"]), row["policy"], row["start"])


EMPTY = {"status": "", "text": "", "goodness": None, "bar": None, "marks": (), "parts": ()}


def cell(case, reason, run, quantity, limit, parts):
    if case is None:
        return EMPTY if reason is None else {
            **EMPTY, "status": "skipped", "text": "skipped",
            "parts": [drawer.part(parts, "", (("skipped", reason),))]}
    found = {**EMPTY, "status": status(case), "marks": drawer.marks(case, run),
             "parts": drawer.of_case(case, run, parts, figure)}
    if not passed(case):
        return {**found, "text": found["status"]}
    value = quantity.value(case)
    return {**found, "text": quantity.written(case, ranged=False),
            "goodness": goodness(case, value, quantity), "bar": bar(case, value, quantity, limit)}


def goodness(case, value, quantity):
    """To sort by: the more the better. First passes, which have no rate, come after all that have one."""
    if value is None:
        return -case["model"]["pass_s"]
    return -value if quantity.less_is_better else value


def bar(case, value, quantity, limit):
    """Its end, its whiskers and the prediction's tick, in units of the axis; `beyond` it where it is cut."""
    if value is None or not limit:
        return None
    summary, predicted = case["summary"], case.get("predicted")
    ends = sorted(quantity.at(case, summary[name]) for name in ("p05_s", "p95_s"))
    found = {"end": place(value, limit), "beyond": value > limit,
             "tick": place(quantity.at(case, predicted["seconds"]), limit) if predicted else None}
    low, high = (place(end, limit) for end in ends)
    return {**found, "low": low, "high": high if high - low > AXIS // 40 else None}


def place(value, limit):
    return round(min(max(value / limit, 0), 1) * AXIS)


def skipped_in(column):
    """{(policy, start): why}"""
    return {(case["policy"], case["start"]): reason_of(case) for case in column.run.run["skipped"]
            if label_of_skipped(case) == column.label and case["weights"] == column.weights}


def label_of_skipped(case):
    return case["name"].removesuffix("/{policy}/{weights}/{start}".format(**case))


def not_run(columns, shown):
    """[(reason, [(policy, start, runs)])] of what has no row in the table."""
    found = {}
    for column in columns:
        for key, reason in skipped_in(column).items():
            if key not in shown:
                names = found.setdefault(reason, {}).setdefault(key, [])
                if column.run.name not in names:
                    names.append(column.run.name)
    return [(reason, [(policy, start, names) for (policy, start), names in of_reason.items()])
            for reason, of_reason in found.items()]


def sentences(columns):
    """(run, sentence) of the results' own answers, in the order of the columns."""
    found = []
    for column in columns:
        for answer in column.run.run.get("answers") or ():
            if subject_of(answer) == (column.label, column.weights):
                found += [(column.run.name, sentence) for sentence in answer["sentences"]]
    return list(dict.fromkeys(found))
