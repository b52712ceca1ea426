# SPDX-License-Identifier: Apache-2.0
"""Bars from zero, a row per policy and a column per figure; what is not known is hatched."""
import dataclasses

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..text import digits, three_digits
from .page import BODY, FAINT, GREY, MARGIN, WIDTH, Page
from .typesetting import width, wrap

ROW = 0.205  # inches
TITLE_LINE, BOUND, BELOW = 0.15, 0.16, 0.42  # a line of a column's title; the line below it; its axis
BESIDE_TITLE = 0.11
GAP = 0.18
NARROWEST = 1.25  # of a column; with more of them than fit beside each other, further ones stand below
MARKER = 0.24  # between a name and its bars
LABEL = 7.5  # points
LONGEST = 60  # characters of a name, which else leave its bars no room
WORDS = {"unavailable": "n/a", "failed": "failed"}
MIN_SPREAD = 0.005  # of a column, between the ends of whiskers: one pixel
UNKNOWN = 0.16  # of a column: how wide the hatched box is
AFTER = 0.1  # inches that a number keeps from the bar and from the column's end


@dataclasses.dataclass(frozen=True)
class Tier:
    """Columns that stand beside each other, each `width` inches wide, and the rows that they have."""

    columns: tuple
    rows: tuple  # indices
    width: float
    titles: tuple  # of each column, in lines

    @property
    def above(self):
        return (BESIDE_TITLE + TITLE_LINE * max(map(len, self.titles))
                + BOUND * any(column.bound is not None for column in self.columns))

    @property
    def height(self):
        return self.above + ROW * len(self.rows) + BELOW


def draw(figure):
    reasons = reasons_of(figure)
    notes = [f"({number}) {WORDS[state]}: {reason.rstrip('.')}."
             for (state, reason), number in reasons.items()]
    names = [name_of(row) for row in figure.rows]
    left = MARGIN + max(width(name, LABEL) for name in names) / 72 + MARKER
    tiers = tiers_of(figure, left)
    page = Page(figure, sum(tier.height for tier in tiers), (*notes, *figure.notes))
    limits = limits_of(tiers, reasons, figure.one_scale)
    top = page.top
    for tier in tiers:
        draw_tier(page, figure, tier, (left, top), names, reasons, limits)
        top -= tier.height
    return page


def tiers_of(figure, left):
    columns = figure.columns
    most = max(1, int((WIDTH - MARGIN - left + GAP) / (NARROWEST + GAP)))
    beside = -(-len(columns) // -(-len(columns) // most))
    each = (WIDTH - MARGIN - left - GAP * (beside - 1)) / beside
    found = []
    for first in range(0, len(columns), beside):
        chosen = columns[first:first + beside]
        rows = tuple(index for index in range(len(figure.rows))
                     if len(columns) == len(chosen)
                     or any(column.cells[index].state != "absent" for column in chosen))
        found.append(Tier(chosen, rows, each, tuple(
            wrap(column.title, each * 72, BODY, bold=True) for column in chosen)))
    return found


def limits_of(tiers, reasons, one_scale):
    """{column: where its axis ends}, so that each bar and the number after it just fit."""
    found = {id(column): limit_of(column, tier.width, reasons) for tier in tiers for column in tier.columns}
    return dict.fromkeys(found, max(found.values())) if one_scale else found


def limit_of(column, inches, reasons):
    ends = [1e-12]
    for cell in column.cells:
        room = 1 - (width(text_of(cell, reasons), LABEL) / 72 + AFTER) / inches
        ends += [value / max(room, 0.3) for value in (cell.value, cell.high) if value is not None]
    return max(ends) if max(ends) > 1e-12 else 1.0


def draw_tier(page, figure, tier, corner, names, reasons, limits):
    left, top = corner
    height = ROW * len(tier.rows)
    bottom = top - tier.above - height
    rows = [figure.rows[index] for index in tier.rows]
    name_rows(page, rows, [names[index] for index in tier.rows], left, bottom + height)
    for index, column in enumerate(tier.columns):
        x = left + index * (tier.width + GAP)
        axes = page.axes(x, bottom, tier.width, height)
        shown = dataclasses.replace(column, cells=tuple(column.cells[row] for row in tier.rows))
        draw_column(page, axes, rows, shown, reasons, limits[id(column)])
        y = top - BESIDE_TITLE / 2
        for line in tier.titles[index]:
            page.text(x, y, line, size=BODY, weight="bold", va="top")
            y -= TITLE_LINE
        if column.bound is not None:
            page.text(x, bottom + height + 0.17, bound_text(column, axes), size=LABEL, va="top")


def reasons_of(figure):
    """{(state, reason) of cells without a value: its number}, in reading order."""
    cells = [column.cells[row] for row in range(len(figure.rows)) for column in figure.columns]
    reasons = dict.fromkeys((cell.state, cell.text) for cell in cells if cell.state in WORDS)
    return {reason: number for number, reason in enumerate(reasons, 1)}


def name_of(row):
    start = "" if row.start == "steady" else f", {row.start}"
    policy = row.policy if len(row.policy) <= LONGEST else f"{row.policy[:LONGEST]}\u2026"
    return f"{policy}{start}{' (graph)' if row.graph else ''}"


def name_rows(page, rows, names, left, top):
    for index, (row, name) in enumerate(zip(rows, names)):
        y = top - (index + 0.5) * ROW
        style = page.styles[row.policy]
        shown = [page.text(left - MARKER, y, name, size=LABEL, ha="right", va="center_baseline"),
                 page.figure.add_artist(Line2D(
                     [(left - MARKER / 2) / WIDTH], [y / page.height], transform=page.figure.transFigure,
                     marker=style.marker, markersize=4.6, color=style.colour,
                     markerfacecolor="white" if style.hollow else style.colour))]
        page.mark(shown, [row.policy], row.start, name)


def draw_column(page, axes, rows, column, reasons, limit):
    axes.set_xlim(0, limit)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for index, (row, cell) in enumerate(zip(rows, column.cells)):
        text = text_of(cell, reasons)
        drawn = draw_cell(axes, index, page.styles[row.policy].colour, cell, text, limit, column.bound)
        page.mark(drawn, [row.policy], row.start, words_of(row, column, cell, text))
    if column.bound is not None and column.bound <= limit:
        axes.axvline(column.bound, color="black", linewidth=1, dashes=(4, 2))
    axes.set_yticks([])
    axes.spines["left"].set_color(GREY)
    axes.set_xlabel(column.unit, size=BODY, labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.tick_params(labelsize=LABEL, length=3, width=0.6)
    axes.grid(True, axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def bound_text(column, axes):
    beyond = " \u2192" if column.bound > axes.get_xlim()[1] else ""
    return f"{column.bound_text}: {three_digits(column.bound)}{beyond}"


def text_of(cell, reasons):
    if cell.state == "measured":
        return digits(cell.rough)(cell.value)
    if cell.state == "zero by design":
        return "0*"
    if cell.state == "absent":
        return "not measured"
    return f"{WORDS[cell.state]} ({reasons[cell.state, cell.text]})"


def words_of(row, column, cell, text):
    value = f"{text} {column.unit}" if cell.value else cell.text or text
    ends = (f", {three_digits(cell.low)} to {three_digits(cell.high)} from the 5th to the 95th percentile"
            if cell.value and cell.low is not None else "")
    return f"{name_of(row)}, {column.title}: {value}{ends}"


def draw_cell(axes, index, colour, cell, text, limit, bound):
    """What it draws."""
    drawn, end = [], 0.0
    if cell.value:
        drawn += axes.barh(index, cell.value, height=0.68, color=colour, zorder=2)
        end = cell.value
        if cell.low is not None and cell.high - cell.low > limit * MIN_SPREAD:
            drawn += axes.plot([cell.low, cell.high], [index] * 2, color="black", linewidth=0.8, marker="|",
                               markersize=4, markeredgewidth=0.8, zorder=3)
            end = max(end, cell.high)
    elif cell.state in WORDS:
        end = limit * UNKNOWN
        drawn += axes.barh(index, end, height=0.68, facecolor="white", edgecolor="#777777", hatch="//////",
                           linewidth=0.5, zorder=2)
    grey = cell.state in (*WORDS, "absent")
    # On the bound's line, which may run through the number.
    ground = bound is not None and bound >= end and {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    return [*drawn, axes.annotate(text, (end, index), (3, 0), textcoords="offset points", size=LABEL,
                                  va="center_baseline", color=GREY if grey else "black", bbox=ground or None)]
