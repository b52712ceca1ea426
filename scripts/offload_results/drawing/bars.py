# SPDX-License-Identifier: Apache-2.0
"""Bars from zero, a row per policy and a column per figure; what is not known is hatched."""
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..text import digits, three_digits
from .page import BODY, FAINT, GREY, MARGIN, WIDTH, Page
from .typesetting import width

ROW = 0.205  # inches
TITLE, BOUND, BELOW = 0.26, 0.16, 0.42  # a column's title; the line below it; its axis
GAP = 0.18
MARKER = 0.24  # between a name and its bars
LABEL = 7.5  # points
LONGEST = 60  # characters of a name, which else leave its bars no room
WORDS = {"unavailable": "n/a", "failed": "failed"}
MIN_SPREAD = 0.005  # of a column, between the ends of whiskers: one pixel
UNKNOWN = 0.16  # of a column: how wide the hatched box is


def draw(figure):
    reasons = reasons_of(figure)
    notes = [f"({number}) {WORDS[state]}: {reason.rstrip('.')}."
             for (state, reason), number in reasons.items()]
    above = TITLE + BOUND * any(column.bound is not None for column in figure.columns)
    page = Page(figure, above + BELOW + ROW * len(figure.rows), (*notes, *figure.notes))
    names = [name_of(row) for row in figure.rows]
    left = MARGIN + max(width(name, LABEL) for name in names) / 72 + MARKER
    bottom, height = page.bottom + BELOW, ROW * len(figure.rows)
    each = (WIDTH - MARGIN - left - GAP * (len(figure.columns) - 1)) / len(figure.columns)
    name_rows(page, figure.rows, names, left, bottom + height)
    for index, column in enumerate(figure.columns):
        x = left + index * (each + GAP)
        axes = page.axes(x, bottom, each, height)
        draw_column(page, axes, figure.rows, column, reasons, each)
        page.text(x, page.top - 0.1, column.title, size=fitting(column.title, each), weight="bold",
                  va="top")
        if column.bound is not None:
            page.text(x, bottom + height + 0.17, bound_text(column, axes), size=LABEL, va="top")
    return page


def fitting(title, inches):
    """Points in which a column's title is not wider than the column."""
    return min(BODY, BODY * inches * 72 / width(title, BODY, bold=True))


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


def draw_column(page, axes, rows, column, reasons, inches):
    values = [value for cell in column.cells for value in (cell.value, cell.high)
              if value is not None]
    most = max(values, default=0) or 1
    longest = max((width(text_of(cell, reasons), LABEL) for cell in column.cells), default=0) / 72
    limit = most / max(1 - (longest + 0.1) / inches, 0.3)
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
