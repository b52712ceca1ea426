# SPDX-License-Identifier: Apache-2.0
"""The page that every figure is drawn on: title above, caption below, a body in between measured in
inches; and how it is written, the same bytes each time."""
import contextlib
import io
import warnings

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..figures import caption, styles
from . import svg
from .typesetting import wrap

WIDTH = 9.0  # inches: 864 pixels in a browser, what a README shows unscaled
MARGIN = 0.12
DPI = 200  # of a PNG
TITLE, SUBTITLE, BODY, CAPTION = 11.5, 8.0, 8.0, 7.0  # points
GREY, FAINT = "#444444", "#DDDDDD"

# Text as paths: a viewer without the font (GitHub shows an SVG as an image, which loads none) would
# take one of another width, and labels would run into each other. The font is matplotlib's own.
SETTINGS = {
    "svg.fonttype": "path",
    "svg.hashsalt": "offload-bench",
    "font.family": "DejaVu Sans",
    "font.size": BODY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "text.parse_math": False,  # a dollar in a name stays one
    "hatch.linewidth": 0.5,
    "savefig.facecolor": "white",  # a dark page behind black text would hide it
}


@contextlib.contextmanager
def settings():
    """matplotlib's own defaults and ours, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name may hold what the font lacks; then a box stands for it.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


class Page:
    """`top` is where the body begins and `bottom` where it ends, in inches from the lower edge;
    `styles` are those of the policies in the figure's runs."""

    def __init__(self, data, body_height, notes):
        self.styles = styles.of_runs(data.runs)
        self.marks = []  # (policies, start, words) of what shows them, by the number in its gid
        usable = (WIDTH - 2 * MARGIN) * 72
        below = [line for text in [*notes, *caption.lines(data.runs)]
                 for line in wrap(text, usable, CAPTION)]
        above = wrap(data.subtitle, usable, SUBTITLE)
        title = wrap(data.title, usable, TITLE, bold=True)
        self.bottom = MARGIN + line_height(CAPTION) * len(below) + 0.06
        self.top = self.bottom + body_height
        height = (self.top + line_height(SUBTITLE) * len(above) + line_height(TITLE) * len(title)
                  + MARGIN + 0.1)
        self.figure = Figure(figsize=(WIDTH, height))
        FigureCanvasAgg(self.figure)
        self.height = height
        y = height - MARGIN
        y = self.put_lines(title, y, TITLE, weight="bold")
        self.put_lines(above, y - 0.02, SUBTITLE, color=GREY)
        self.put_lines(below, self.bottom - 0.06, CAPTION, color=GREY)

    def put_lines(self, lines, y, size, **how):
        """From `y` downwards; returns where the next line would go."""
        for line in lines:
            self.text(MARGIN, y, line, size=size, va="top", **how)
            y -= line_height(size)
        return y

    def text(self, x, y, text, **how):
        return self.figure.text(x / WIDTH, y / self.height, text, **how)

    def axes(self, left, bottom, width, height):
        return self.figure.add_axes((left / WIDTH, bottom / self.height, width / WIDTH,
                                     height / self.height))

    def mark(self, artists, policies, start, words):
        """`artists` show these policies: a page can find them, highlight them, and say `words`."""
        for artist in artists:
            artist.set_gid(f"{svg.MARK}{len(self.marks)}")
        self.marks.append((policies, start, words))

    def written(self, kind, title):
        """The file's bytes, without a date, so that the same figure is the same file."""
        file = io.BytesIO()
        metadata = {"Title": title}
        if kind == "svg":
            metadata["Date"] = None
        self.figure.savefig(file, format=kind, dpi=DPI, metadata=metadata)
        if kind == "svg":
            return svg.compact(file.getvalue())
        return file.getvalue()

    def inline(self, title, prefix):
        """An <svg> element for HTML, whose style sheet decides on colours; `prefix` keeps its names apart
        from those of other figures. Groups with data-mark="N" show what marks[N] says."""
        file = io.BytesIO()
        with matplotlib.rc_context({"svg.fonttype": "none"}):
            self.figure.savefig(file, format="svg", metadata={"Date": None})
        return svg.inline(file.getvalue(), title, prefix)


def line_height(size):
    return size * 1.32 / 72
