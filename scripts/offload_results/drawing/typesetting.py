# SPDX-License-Identifier: Apache-2.0
"""Text that is measured before it is drawn, and the numbers on axes."""
import functools
import re

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from ..text import digits, size


@functools.lru_cache(maxsize=4096)  # columns and rows have the same words, again and again
def width(text, size, bold=False):
    """In points."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def wrap(text, limit, size, bold=False):
    """Lines of at most `limit` points, broken at spaces; in a longer word, after its hyphens."""
    lines = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}", size, bold) <= limit:
            lines[-1] += f" {word}"
        elif width(word, size, bold) <= limit:
            lines.append(word)
        else:
            lines += broken(word, limit, size, bold)
    return lines


def broken(word, limit, size, bold):
    lines = [""]
    for part in re.findall("[^-]*-|[^-]+", word):
        if lines[-1] and width(lines[-1] + part, size, bold) > limit:
            lines.append("")
        lines[-1] += part
    return lines


def value_text(value, kind, rough=False):
    if kind == "bytes":
        return size(value)
    if kind == "times":
        return f"{value:.1f}x"
    return f"{value:g}" if kind in ("count", "number") else digits(rough)(value)


def range_text(values, kind):
    ends = [value_text(value, kind) for value in (min(values), max(values))]
    return ends[0] if ends[0] == ends[1] else "\u2013".join(ends)


UNIT = {"rate": "GB/s", "ms": "ms", "bytes": "", "count": "", "number": "", "times": ""}


def axis_label(axis):
    unit = UNIT[axis.kind]
    return axis.label if not unit or unit in axis.label else f"{axis.label} ({unit})"
