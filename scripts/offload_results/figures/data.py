# SPDX-License-Identifier: Apache-2.0
"""The two shapes a figure can have: curves in panels, or bars in rows and columns."""
from __future__ import annotations

import dataclasses

SIMILAR = 0.02


class NoData(Exception):
    """These results hold nothing for the figure; the text says what would."""


def of_each(runs, of_run, needs):
    """What `of_run` makes of all runs; `needs` says what one must hold for a figure."""
    found = [figure for run in runs for figure in of_run(run)]
    if not found:
        raise NoData(f"no {needs}")
    return found


@dataclasses.dataclass(frozen=True)
class Point:
    """`y` is of the median sample, `low` and `high` of the 5th and 95th percentile; those are None
    where there is one sample only."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    rough: bool = False  # written with two digits: variability.is_rough
    note: str = ""  # behind the value, where the curve ends with this point


@dataclasses.dataclass(frozen=True)
class Curve:
    policy: str
    start: str
    points: tuple  # of Point, by x
    graph: bool = False

    @property
    def xs(self):
        return tuple(point.x for point in self.points)

    @property
    def label(self):
        """A start is named where it does not go without saying: cold has panels of its own."""
        parts = [self.start] * (self.start == "warm") + ["graph"] * self.graph
        return self.policy + (f" ({', '.join(parts)})" if parts else "")


@dataclasses.dataclass(frozen=True)
class Line:
    """A level that curves are compared with."""

    y: float
    text: str


@dataclasses.dataclass(frozen=True)
class Axis:
    """`kind` says how its values are written: bytes, count, rate, ms, times."""

    label: str
    kind: str
    log: bool = False


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    x: Axis
    y: Axis
    curves: tuple
    lines: tuple = ()
    references: tuple = ()  # curves, named by their policy, that are not a measurement of one
    height: float = 3.0  # inches
    ideals: tuple = ()  # curves that each policy's own is compared with: thin, dotted, in its colour, not named


@dataclasses.dataclass(frozen=True)
class CurveFigure:
    name: str
    title: str
    subtitle: str
    panels: tuple
    notes: tuple
    runs: tuple


@dataclasses.dataclass(frozen=True)
class Cell:
    """`state`: measured, zero by design, unavailable, failed or absent. The last three have no
    value, and `text` says why."""

    state: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    text: str | None = None
    rough: bool = False  # as of a point


ABSENT = Cell("absent")


@dataclasses.dataclass(frozen=True)
class Row:
    policy: str
    start: str
    graph: bool = False


@dataclasses.dataclass(frozen=True)
class Column:
    title: str
    unit: str
    cells: tuple  # of Cell, one per row
    bound: float | None = None
    bound_text: str | None = None
    spread: bool = False  # cells have low and high


@dataclasses.dataclass(frozen=True)
class BarFigure:
    name: str
    title: str
    subtitle: str
    rows: tuple
    columns: tuple
    notes: tuple
    runs: tuple
    one_scale: bool = False  # columns can be compared: one axis for all


def group_similar(curves, tolerance=SIMILAR):
    """Groups of curves whose values lie within `tolerance` of each other at every x: drawn as one,
    for nobody could distinguish them. In the order of the curves; none is dropped."""
    groups = []
    for curve in curves:
        for group in groups:
            if all(same(curve, other, tolerance) for other in group):
                group.append(curve)
                break
        else:
            groups.append([curve])
    return groups


def same(one, other, tolerance):
    return one.xs == other.xs and all(
        max(a.y, b.y) <= min(a.y, b.y) * (1 + tolerance) for a, b in zip(one.points, other.points))
