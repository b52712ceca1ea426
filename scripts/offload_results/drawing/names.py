# SPDX-License-Identifier: Apache-2.0
"""Names of curves where they end, with the look of each and its last value, moved apart as little as it
takes: no legend to search."""
from __future__ import annotations

import dataclasses

from matplotlib.lines import Line2D

from ..figures import data
from .page import GREY, WIDTH
from .typesetting import axis_label, value_text, width

RIGHT = 3.35  # inches, for the names beside the axes
LABEL, HANDLE = 7.5, 0.4  # points; inches of line shown with a name
LEADER = 0.22  # inches from the axes to a name
LINE = LABEL * 1.27 / 72
BETWEEN = 0.03  # inches, between groups
HANGING = 0.3  # inches that names may reach below the axes
INSIDE = (6, 9)  # points of a name among the curves, left of and above the end of its own
MARKER = 4.6  # points across


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of names. Those of a group, drawn as one curve, stay together."""

    name: str
    value: str
    style: dict
    curve: data.Curve | None = None  # None of a level


def line_style(style):
    how = {"color": style.colour, "marker": style.marker, "markersize": MARKER, "linewidth": 1.3,
           "markeredgewidth": 1.0, "markerfacecolor": "white" if style.hollow else style.colour}
    if style.dashes:
        how["dashes"] = style.dashes
    return how


def ideal(style):
    return {"color": style.colour, "linewidth": 0.8, "dashes": (1, 2)}


def level():
    return {"color": GREY, "linewidth": 1.0, "dashes": (1, 1.6)}


def name_curves(page, axes, panel, groups):
    """Moved as little as keeps them apart; curves that end early are named where they end."""
    last = max(point.x for curve in panel.curves for point in curve.points)
    blocks = []  # (where the curve ends, its entries)
    for group in groups:
        end = group[0].points[-1]
        entries = [Entry(curve.label, value_text(curve.points[-1].y, panel.y.kind,
                                                 curve.points[-1].rough) + curve.points[-1].note,
                         line_style(page.styles[curve.policy]), curve) for curve in group]
        if end.x < last:
            name_inside(axes, end, entries, [point for curve in panel.curves for point in curve.points])
        else:
            blocks.append((end.y, entries))
    blocks += [(line.y, [Entry(line.text, value_text(line.y, panel.y.kind), level())])
               for line in panel.lines]
    blocks += [(curve.points[-1].y, [Entry(curve.policy, value_text(
        curve.points[-1].y, panel.y.kind), level())]) for curve in panel.references]
    place(page, axes, blocks, header(panel, last))


def names_height(panel, groups):
    blocks = len(groups) + len(panel.lines) + len(panel.references)
    names = len(panel.curves) + len(panel.lines) + len(panel.references)
    return LINE * names + BETWEEN * blocks


def header(panel, last):
    where = value_text(last, panel.x.kind)
    where = f"{panel.x.label} {where}" if panel.x.kind == "number" else f"at {where}"
    return f"{axis_label(panel.y)}, {where}"


def place(page, axes, blocks, title):
    box = axes.get_position()
    low, high = box.y0 * page.height, box.y1 * page.height
    ends = [inches(page, axes, y) for y, _ in blocks]
    heights = [LINE * len(entries) + BETWEEN for _, entries in blocks]
    centres = spread(ends, heights, low - HANGING, high + 0.02)
    right = WIDTH - RIGHT
    for end, (_, entries), height, centre in zip(ends, blocks, heights, centres):
        first = centre + height / 2 - BETWEEN / 2 - LINE / 2
        rows = [first - LINE * index for index in range(len(entries))]
        x = right + LEADER
        thin = {"color": "#999999", "linewidth": 0.5}
        draw_line(page, (right + 0.04, x), (end, centre), **thin)
        if len(rows) > 1:
            draw_line(page, (x, x), (rows[0] + LINE / 2, rows[-1] - LINE / 2), **thin)
        for y, entry in zip(rows, entries):
            show(page, x + 0.05, y, entry)
    top = max([high, *(centre + height / 2 for centre, height in zip(centres, heights))])
    page.text(right + LEADER + 0.1 + HANDLE, top + 0.05, title, size=LABEL - 0.5, color=GREY)


def show(page, x, y, entry):
    how = dict(entry.style)
    if "marker" in how:
        how["markevery"] = [1]
    named = x + HANDLE + 0.08
    shown = [draw_line(page, (x, x + HANDLE / 2, x + HANDLE), (y, y, y), **how),
             page.text(named, y, entry.name, size=LABEL, va="center_baseline"),
             page.text(named + width(entry.name, LABEL) / 72 + 0.08, y, entry.value, size=LABEL,
                       va="center_baseline", color=GREY)]
    if entry.curve:
        page.mark(shown, [entry.curve.policy], entry.curve.start, f"{entry.name}: {entry.value}")


def name_inside(axes, end, entries, points):
    """Before the end of the curve, for beyond it others go on; below it where their markers are above."""
    text = ", ".join(f"{entry.name}  {entry.value}" for entry in entries)
    x, y = in_points(axes, [end])[0]
    markers = in_points(axes, points)
    right, floor = x - INSIDE[0], axes.get_window_extent().y0 / axes.figure.dpi * 72

    def in_the_way(offset):
        centre = y + offset
        hidden = sum(right - width(text, LABEL) - MARKER <= at_x <= right + MARKER
                     and abs(at_y - centre) <= LABEL / 2 + MARKER for at_x, at_y in markers)
        return len(markers) if centre - LABEL < floor else hidden

    offset = min((INSIDE[1], -INSIDE[1]), key=in_the_way)
    axes.annotate(text, (end.x, end.y), (-INSIDE[0], offset), textcoords="offset points", size=LABEL,
                  va="center_baseline", ha="right")


def in_points(axes, points):
    return axes.transData.transform([(point.x, point.y) for point in points]) / axes.figure.dpi * 72


def inches(page, axes, y):
    return axes.transData.transform((1.0, float(y)))[1] / page.figure.dpi


def draw_line(page, xs, ys, **how):
    return page.figure.add_artist(Line2D([x / WIDTH for x in xs], [y / page.height for y in ys],
                                         transform=page.figure.transFigure, **how))


def spread(wanted, heights, low, high):
    """Centres for labels that want to be at `wanted`: nearest to that (least squares), in the same
    order, none overlapping; inside low..high as far as they fit, over both ends equally if not."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks = []  # [bottom, height, labels]: labels that touch, lowest first
    for index in order:
        block = [wanted[index] - heights[index] / 2, heights[index], [index]]
        blocks.append(inside(block, low, high))
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] > blocks[-1][0]:
            upper = blocks.pop()
            blocks[-1] = inside(joined(blocks[-1], upper, wanted, heights), low, high)
    centres = [0.0] * len(wanted)
    for bottom, _, labels in blocks:
        for index in labels:
            centres[index] = bottom + heights[index] / 2
            bottom += heights[index]
    return centres


def joined(lower, upper, wanted, heights):
    """One block at the mean of where its labels would have it."""
    labels = lower[2] + upper[2]
    offset, bottoms = 0.0, []
    for index in labels:
        bottoms.append(wanted[index] - heights[index] / 2 - offset)
        offset += heights[index]
    return [sum(bottoms) / len(bottoms), offset, labels]


def inside(block, low, high):
    bottom, height, labels = block
    if height > high - low:
        return [(low + high - height) / 2, height, labels]
    return [min(max(bottom, low), high - height), height, labels]
