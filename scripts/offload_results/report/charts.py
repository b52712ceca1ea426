# SPDX-License-Identifier: Apache-2.0
"""The figures that offload-results plot draws, as data for the page to draw, and a few more that only a
page has room for: rates by policy of every workload without a curve."""
import dataclasses

from ..figures import adaptation, bandwidth, batch, evidence, granularity, latency, rates, tokens
from ..figures.data import BarFigure, NoData, group_similar
from ..results import label_of
from .packing import rounded

SWEEPS = (batch, bandwidth, granularity, latency)


def of_workload(runs, workload, table):
    """What there is to show of one workload, and the evidence of each of its labels."""
    parts = [dataclasses.replace(run, cases=cases) for run in runs
             if (cases := tuple(case for case in run.cases if case["workload"] == workload))]
    models = figures(tokens, parts)  # runs of one machine share them
    shown = list(models)
    for run in parts:
        swept = [figure for kind in SWEEPS for figure in figures(kind, [run])]
        shown += swept or ([] if models else rates.of_workload(run))
        shown += figures(adaptation, [run])
    evidence_shown = [figure for run in parts for label in dict.fromkeys(map(label_of, run.cases))
            for figure in figures(evidence, [run], label)]
    names = [run.name for run in runs]
    return ([written(figure, names, table) for figure in shown],
            [written(figure, names, table) for figure in evidence_shown])


def figures(kind, runs, *arguments):
    try:
        return list(kind.figures(runs, *arguments))
    except NoData:
        return []


def written(figure, names, table):
    common = {"title": figure.title, "subtitle": table.index(figure.subtitle),
              "notes": [table.index(note) for note in figure.notes],
              "runs": [names.index(run.name) for run in figure.runs]}
    if isinstance(figure, BarFigure):
        return {**common, "kind": "bars", "first": largest(figure),
                "rows": [table.index([row.policy, row.start, row.graph]) for row in figure.rows],
                "columns": [column_written(column, table) for column in figure.columns]}
    return {**common, "kind": "curves",
            "panels": [panel_written(panel, table) for panel in figure.panels]}


def largest(figure):
    """The column to show first where there is no room for all: that of the largest weights."""
    sizes = {}
    for run in figure.runs:
        for case in run.cases:
            for name in (case["weights"]["name"], label_of(case)):
                sizes[name] = max(sizes.get(name, 0), case["weights"]["bytes"])
    titles = [column.title for column in figure.columns]
    return titles.index(max(titles, key=lambda title: sizes.get(title, 0)))


def column_written(column, table):
    return {"title": column.title, "unit": column.unit, "bound": rounded(column.bound),
            "bound_text": column.bound_text,
            "cells": [cell_written(cell, table) for cell in column.cells]}


def cell_written(cell, table):
    """A value, a value with its whiskers' ends and whether it is rough, or the index of a state and
    why."""
    if cell.state != "measured":
        return [table.index([cell.state, cell.text])]
    if cell.low is None and not cell.rough:
        return rounded(cell.value)
    return [rounded(cell.value), rounded(cell.low, 4), rounded(cell.high, 4)] + [1] * cell.rough


def panel_written(panel, table):
    return {
        "title": panel.title, "x": dataclasses.asdict(panel.x), "y": dataclasses.asdict(panel.y),
        "groups": [[curve_written(curve, table) for curve in group]
                   for group in group_similar(panel.curves)],
        "lines": [[rounded(line.y), line.text] for line in panel.lines],
        "references": [curve_written(curve, table) for curve in panel.references],
    }


def curve_written(curve, table):
    return {"of": table.index([curve.policy, curve.start, curve.graph]),
            "points": [point_written(point, table) for point in curve.points]}


def point_written(point, table):
    """[x, y], with the whiskers' ends, with a note, and 1 if it is rough; as much as there is."""
    x = point.x if isinstance(point.x, int) else rounded(point.x)
    found = [x, rounded(point.y), rounded(point.low, 4), rounded(point.high, 4),
                None, 1 if point.rough else None]
    while found[-1] is None:
        found.pop()
    return found
