# SPDX-License-Identifier: Apache-2.0
"""Curves in panels above each other, each curve named where it ends."""
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..figures import data
from .names import HANGING, LABEL, RIGHT, ideal, level, line_style, name_curves, names_height
from .page import BODY, FAINT, WIDTH, Page
from ..text import size
from .typesetting import axis_label, value_text

LEFT = 0.74  # inches, for the numbers of an axis
ABOVE, BELOW = 0.3, 0.5  # of a panel: its title; its axis
MIN_SPREAD = 0.015  # inches between the ends of whiskers; below, they cannot be distinguished
MANY = 12  # points of a curve; with more, not every one gets its marker


def draw(figure):
    heights = [height_of(panel) for panel in figure.panels]
    page = Page(figure, sum(heights), figure.notes)
    top = page.top
    for panel, height in zip(figure.panels, heights):
        axes = page.axes(LEFT, top - height + BELOW, WIDTH - LEFT - RIGHT, height - ABOVE - BELOW)
        draw_panel(page, axes, panel)
        page.text(LEFT, top - 0.1, panel.title, size=BODY, weight="bold", va="top")
        top -= height
    return page


def height_of(panel):
    """As the panel asks for, or as the names beside it need."""
    names = names_height(panel, data.group_similar(panel.curves))
    return max(panel.height, ABOVE + BELOW - HANGING + names)


def draw_panel(page, axes, panel):
    groups = data.group_similar(panel.curves)
    set_axes(axes, panel)
    for index, group in enumerate(groups):
        style = page.styles[group[0].policy]
        drawn = [*draw_curve(axes, group[0], style, index, len(groups)), *draw_spread(axes, group, style)]
        page.mark(drawn, [curve.policy for curve in group], group[0].start,
                  ", ".join(curve.label for curve in group))
    for line in panel.lines:
        axes.axhline(line.y, zorder=1, **level())
    for curve in panel.references:
        axes.plot(curve.xs, [point.y for point in curve.points], zorder=4, **level())
    for curve in panel.ideals:
        axes.plot(curve.xs, [point.y for point in curve.points], zorder=1, **ideal(page.styles[curve.policy]))
    name_curves(page, axes, panel, groups)


def draw_curve(axes, curve, style, index, count):
    how = line_style(style)
    if len(curve.points) > MANY:
        how["markevery"] = (index * 4 // max(count, 1), 4)
    return axes.plot(curve.xs, [point.y for point in curve.points], zorder=3, clip_on=False, **how)


def draw_spread(axes, group, style):
    """From the lowest to the highest of a group that is drawn as one."""
    for points in zip(*(curve.points for curve in group)):
        if any(point.low is None for point in points):
            continue
        low, high = min(point.low for point in points), max(point.high for point in points)
        if not visible(axes, low, high):
            continue
        yield from axes.plot([points[0].x] * 2, [low, high], color=style.colour,
                             linewidth=0.9, marker="_", markersize=5, zorder=2)


def visible(axes, low, high):
    """Larger than the marker's own edge."""
    ends = axes.transData.transform([(1, low), (1, high)])
    return ends[1][1] - ends[0][1] > axes.figure.dpi * MIN_SPREAD


def set_axes(axes, panel):
    xs = sorted({point.x for curve in panel.curves for point in curve.points})
    ys = [value for curve in panel.curves for point in curve.points
          for value in (point.low, point.y, point.high) if value is not None]
    ys += [line.y for line in panel.lines]
    ys += [point.y for curve in (*panel.references, *panel.ideals) for point in curve.points]
    if panel.x.log:
        axes.set_xscale("log")
        axes.set_xlim(xs[0] / 1.25, xs[-1] * 1.25)
        axes.xaxis.set_major_locator(FixedLocator(thinned(xs)))
    else:
        axes.set_xlim(xs[0] - 0.5, xs[-1] + 0.5)
        axes.xaxis.set_major_locator(FixedLocator(sorted({xs[0], *every_fourth(xs)})))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: value_text(x, panel.x.kind)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(FixedLocator([]))
    if panel.y.log:
        axes.set_yscale("log")
        axes.set_ylim(min(ys) / 1.4, max(ys) * 1.4)
        axes.yaxis.set_major_locator(LogLocator(numticks=12))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    else:
        axes.set_ylim(0, max(ys) * 1.08)
        axes.yaxis.set_major_locator(
            FixedLocator(binary_steps(max(ys))) if panel.y.kind == "bytes" else MaxNLocator(6))
        axes.yaxis.set_major_formatter(FuncFormatter(
            lambda y, _: size(y) if panel.y.kind == "bytes" else f"{y:g}"))
    axes.set_xlabel(panel.x.label, size=BODY, labelpad=2)
    axes.set_ylabel(axis_label(panel.y), size=BODY, labelpad=3)
    axes.tick_params(labelsize=LABEL, length=3, width=0.6)
    axes.tick_params(which="minor", length=1.5, width=0.4)
    axes.grid(True, which="major", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def thinned(xs):
    """At most 10, evenly chosen, the last among them."""
    step = -(-len(xs) // 10)
    return xs[::-1][::step][::-1]


def every_fourth(xs):
    if len(xs) <= 5:
        return xs
    step = 4 if xs[-1] <= 40 else max(1, round(xs[-1] / 8))
    return [x for x in xs if x % step == 0]


def binary_steps(high):
    """0, and multiples of a power of two, 4 to 8 of them up to `high`."""
    step = 1
    while high / step > 8:
        step *= 2
    return [step * index for index in range(int(high // step) + 1)]
