# SPDX-License-Identifier: Apache-2.0
"""In a drawn figure nothing is cut off or runs into anything else, and what is drawn are the data.

Needs pytest and matplotlib.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

import pytest

pytest.importorskip("matplotlib", reason="needs python3-matplotlib")
from matplotlib.text import Text  # noqa: E402

root = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import results_builder as make  # noqa: E402
from committed import RESULTS, SCHEMA_1, short  # noqa: E402
from figure_data import MIB, POLICIES, every_policy, load, sized  # noqa: E402
from offload_results import plot, results  # noqa: E402
from offload_results.drawing import draw, page, svg  # noqa: E402
from offload_results.figures import data  # noqa: E402

result_files = [path for path in RESULTS if path.parent.name != "baselines"] + sorted(
    SCHEMA_1.glob("*.json"))


@pytest.fixture
def sweep(tmp_path):
    return make.write(tmp_path / "sweep.json", make.run(every_policy()))


def drawn(figure):
    with page.settings():
        return draw(figure)


@pytest.fixture
def boxes(monkeypatch):
    """(text, where it stands in pixels) of all that a page really draws: of ticks it has more."""
    def of(drawn_page):
        found = []
        draw = Text.draw

        def recorded(self, renderer):
            if self.get_visible() and self.get_text().strip():
                found.append((self.get_text(), self.get_window_extent(renderer)))
            draw(self, renderer)

        with monkeypatch.context() as patch:
            patch.setattr(Text, "draw", recorded)
            drawn_page.figure.draw(drawn_page.figure.canvas.get_renderer())
        return found

    return of


def overlaps(one, other):
    """By more than a pixel: boxes are those of letters with and without descenders."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > 1 and height > 1


def assert_legible(found, edge):
    assert len(found) > 10
    for text, box in found:
        inside = box.x0 >= 0 and box.x1 <= edge.x1 and box.y0 >= 0 and box.y1 <= edge.y1
        assert inside, f"cut off: {text}"
    for index, (text, box) in enumerate(found):
        for other, other_box in found[index + 1:]:
            assert not overlaps(box, other_box), f"{text!r} runs into {other!r}"


def test_all_policies_at_once_are_legible(sweep, boxes):
    [(_, figure)] = plot.data_of([sweep], ["bandwidth"])
    result = drawn(figure)
    found = boxes(result)
    assert_legible(found, result.figure.bbox)
    assert {text for text, _ in found} >= set(POLICIES)


def test_overlapping_and_cut_text_is_found(sweep, boxes):
    """The test above can fail."""
    [(_, figure)] = plot.data_of([sweep], ["bandwidth"])
    for x, complaint in ((page.MARGIN, "runs into"), (page.WIDTH - 0.1, "cut off")):
        result = drawn(figure)
        result.text(x, result.height - page.MARGIN - 0.1, "put in the way")
        with pytest.raises(AssertionError, match=complaint):
            assert_legible(boxes(result), result.figure.bbox)


def test_a_marker_on_a_text_is_found(sweep, boxes):
    [(_, figure)] = plot.data_of([sweep], ["bandwidth"])
    result = drawn(figure)
    assert_markers_are_clear(result, boxes(result))
    x, y, _ = next(markers_of(result.figure.axes[0]))
    result.text(x / result.figure.dpi, y / result.figure.dpi, "put in the way")
    with pytest.raises(AssertionError, match="a marker stands on 'put in the way'"):
        assert_markers_are_clear(result, boxes(result))


@pytest.mark.parametrize("times", [0.5, 0.8, 0.9, 1.05, 1.1, 1.2, 1.5, 2])
def test_a_curve_that_ends_early_is_named_beside_the_others(tmp_path, boxes, times):
    """Whether those go on above or below it."""
    cases = [sized(policy, "steady", size * MIB, [size * MIB / rate] * 3)
             for policy, rate, sizes in (("pinned_copy", 20e9, (1, 2, 4)),
                                         ("pinned_zero_copy", 20e9 * times, (1, 2, 4, 8, 16, 32)))
             for size in sizes]
    [(_, figure)] = plot.data_of([make.write(tmp_path / "a.json", make.run(cases))], ["bandwidth"])
    result = drawn(figure)
    found = boxes(result)
    assert "pinned_copy  20.0" in [text for text, _ in found]
    assert_legible(found, result.figure.bbox)
    assert_markers_are_clear(result, found)


def bar_cells():
    unknown = data.Cell("unavailable", text="not counted " * 30)
    return (data.Cell("measured", 12345.0, 12000.0, 13000.0), data.Cell("measured", 0.0),
            data.ABSENT, data.Cell("zero by design", 0.0), unknown,
            data.Cell("failed", text="out of memory"))


def bar_figure(tmp_path):
    policies = list(POLICIES)[-6:]
    found = load(tmp_path, [make.case(policy=policy) for policy in policies])
    rows = tuple(data.Row(policy, "cold") for policy in policies)
    columns = (data.Column("measured and not", "s/GB", bar_cells(), 1e6, "on the GPU"),
               data.Column("near", "s/GB", bar_cells(), 12500.0, "on the GPU"),
               data.Column("nothing known", "J/GB", (bar_cells()[4],) * 6))
    return data.BarFigure("bars", "Bars", "of all kinds", rows, columns, (), tuple(found))


def test_bars_say_what_is_unknown(tmp_path, boxes):
    result = drawn(bar_figure(tmp_path))
    found = boxes(result)
    assert_legible(found, result.figure.bbox)
    texts = [text for text, _ in found]
    assert texts.count("12345") == 2 and texts.count("0*") == 2
    assert texts.count("not measured") == 2
    assert texts.count("n/a (1)") == 2 + 6 and texts.count("failed (2)") == 2
    first, second, nothing = result.figure.axes
    hatched = [bar for bar in nothing.patches if bar.get_hatch()]
    assert len(hatched) == 6 and len([bar for bar in first.patches if bar.get_hatch()]) == 2
    # One bar of a value, from 0, as long as the value.
    [solid] = [bar for bar in first.patches if not bar.get_hatch()]
    assert (solid.get_x(), solid.get_width()) == (0, 12345.0)
    assert any(text.startswith("(2) failed: out of memory") for text in texts)
    assert "on the GPU: 1000000 \u2192" in texts and "on the GPU: 12500" in texts


def test_what_is_rough_has_two_digits(tmp_path, boxes):
    """Beside bars and where curves end; whiskers show the range."""
    seconds = [1.234e-3, 1.235e-3, 1.236e-3]
    ends = [("pinned_copy", "steady"), ("managed_demand", "cold")]
    columns = [make.case("gemv", policy, "w", start, seconds) for policy, start in ends]
    points = [make.case("stream_read", policy, f"{size}B", start, seconds, size=size)
              for policy, start in ends for size in (2**25, 2**26)]
    for cases, kind in ((columns, "rates"), (points, "bandwidth")):
        path = make.write(tmp_path / f"{kind}.json", make.run(cases))
        [(_, figure)] = plot.data_of([path], [kind])
        texts = [text for text, _ in boxes(drawn(figure))]
        assert texts.count("54.3") == 1 and texts.count("54") == 1


def test_curves_are_drawn_where_their_points_are(sweep):
    [(_, figure)] = plot.data_of([sweep], ["bandwidth"])
    result = drawn(figure)
    for axes, panel in zip(result.figure.axes, figure.panels):
        for curve in panel.curves:
            ys = [point.y for point in curve.points]
            assert any(list(line.get_ydata()) == ys and list(line.get_xdata()) == list(curve.xs)
                       for line in axes.lines), curve
        for line in panel.lines:
            assert any(set(drawn_line.get_ydata()) == {line.y} for drawn_line in axes.lines)


def test_compact_svg_keeps_what_is_drawn():
    before = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
      <g id="a"><g id="b"/><g transform="translate(1.23456 2) scale(0.015625 -0.1)"><!-- x -->
      <path id="DejaVuSans-31" d="M 1.23456 2
      L -3.000001 4
      z"/><use xlink:href="#DejaVuSans-31" x="63.623047"/></g></g><title>1.23456 M 2
      L</title></svg>"""
    after = svg.compact(before).decode("utf-8")
    assert '<g transform="translate(1.23 2) scale(0.015625 -0.1)">' in after
    assert '<path id="f31" d="M1.23 2L-3 4z"/>' in after
    assert '<use xlink:href="#f31" x="63.62"/>' in after
    assert "<title>1.23456 M 2\n      L</title>" in after
    assert after.count("<g") == 1 and "<!--" not in after
    xml.fromstring(after)


def assert_filled(result, figure):
    """An axis of bars ends about where the longest bar and its number do."""
    if not isinstance(figure, data.BarFigure):
        return
    ends = []
    for axes in result.figure.axes:
        texts = [text.get_window_extent().x1 for text in axes.texts if text.get_text() != "not measured"]
        box = axes.get_window_extent()
        ends.append((max(texts, default=box.x0) - box.x0) / box.width)
    assert max(ends) > 0.6 if figure.one_scale else min(ends) > 0.6 or all(
        cell.value is None for column in figure.columns for cell in column.cells) or has_empty_column(figure), ends


def has_empty_column(figure):
    return any(not any(cell.value for cell in column.cells) for column in figure.columns)


def assert_whiskers_are_clear(result):
    """No number stands on the whisker of its bar."""
    for axes in result.figure.axes:
        for line in axes.lines:
            xs, ys = line.get_data()
            if len(xs) != 2 or ys[0] != ys[1] or line.get_marker() != "|":
                continue
            end = axes.transData.transform((max(xs), ys[0]))[0]
            [text] = [text for text in axes.texts if text.xy[1] == ys[0]]
            assert text.get_window_extent().x0 > end, text.get_text()


def markers_of(axes):
    """(x, y, radius) in pixels of the markers of its curves that are drawn."""
    for line in axes.lines:
        if line.get_marker() in ("None", "", None, "_", "|"):
            continue
        first, step = line.get_markevery() or (0, 1)
        radius = line.get_markersize() / 2 * axes.figure.dpi / 72
        for x, y in axes.transData.transform(line.get_xydata())[first::step]:
            yield x, y, radius


def assert_markers_are_clear(result, found):
    """No marker of a curve stands on a text."""
    for axes in result.figure.axes:
        for x, y, radius in markers_of(axes):
            for text, box in found:
                beside = x + radius <= box.x0 or x - radius >= box.x1
                above = y + radius <= box.y0 or y - radius >= box.y1
                assert beside or above, f"a marker stands on {text!r}"


def all_figures(paths, boxes):
    try:
        named = plot.data_of(paths, None)
    except results.BadInput as reason:
        assert "nothing to draw" in str(reason)
        pytest.skip(str(reason))
    for _, figure in named:
        result = drawn(figure)
        found = boxes(result)
        assert_legible(found, result.figure.bbox)
        assert_filled(result, figure)
        if isinstance(figure, data.BarFigure):
            assert_whiskers_are_clear(result)
        else:
            assert_markers_are_clear(result, found)
    return [figure for _, figure in named]


@pytest.mark.parametrize("path", result_files, ids=short)
def test_figures_of_committed_results_are_legible(path, boxes):
    all_figures([path], boxes)


H200 = root / "results/h200-sxm-pcie5"


@pytest.mark.parametrize("paths,kind", [
    (sorted(H200.glob("decode-*.json")), "tokens"), (sorted(H200.glob("prefill-*.json")), "tokens"),
    ([H200 / "quick.json", root / "results/h200-sxm-pcie5-second-card/quick.json"], "machines"),
    (sorted(root.glob("results/*/quick.json")), "machines"),
    (sorted(H200.glob("*.json")), "tokens"),
], ids=["decode", "prefill", "two machines", "three machines", "all of one machine"])
def test_figures_of_several_files_are_legible(paths, kind, boxes):
    found = all_figures(paths, boxes)
    assert any(figure.name.startswith(kind) for figure in found)


@pytest.mark.parametrize("count,tiers", [(1, 1), (3, 1), (6, 1), (7, 2), (14, 3)])
def test_columns_that_have_no_room_stand_below(tmp_path, boxes, count, tiers):
    found = load(tmp_path, [make.case(policy="p")])
    columns = tuple(data.Column(f"a model of many words {index}", "tokens/s", (data.Cell("measured", 10.0 + index),))
                    for index in range(count))
    result = drawn(data.BarFigure("f", "Many", "", (data.Row("p", "steady"),), columns, (), tuple(found)))
    assert_legible(boxes(result), result.figure.bbox)
    heights = {round(axes.get_position().y0, 6) for axes in result.figure.axes}
    assert len(heights) == tiers and len(result.figure.axes) == count


def test_one_scale_makes_bars_comparable(tmp_path):
    found = load(tmp_path, [make.case(policy="p")])
    columns = tuple(data.Column(str(value), "GB/s", (data.Cell("measured", value),)) for value in (10.0, 100.0))
    ends = {}
    for one_scale in (False, True):
        result = drawn(data.BarFigure("f", "Two", "", (data.Row("p", "steady"),), columns, (), tuple(found), one_scale))
        ends[one_scale] = [axes.get_xlim()[1] for axes in result.figure.axes]
    assert ends[False][0] < 20 and ends[False][1] > 100 and ends[True][0] == ends[True][1] > 100


# in a page

def inline_of(path, prefix="a-"):
    [first, *_] = plot.data_of([path], ["bandwidth"])
    shown = drawn(first[1])
    with page.settings():
        text = shown.inline('Bandwidth & "more"', prefix)
    return shown, text, xml.fromstring(text)


def test_a_figure_for_a_page_is_one_element_that_names_itself(sweep):
    _, text, root = inline_of(sweep)
    assert root.tag == "svg" and root.get("aria-label") == 'Bandwidth & "more"' and root.get("role") == "img"
    assert root.get("width") is None and "viewBox" in root.attrib
    assert not list(root.iter("style")) and not list(root.iter("metadata"))  # of the whole document
    assert "Every pass: weights stay in host memory" in "".join(root.itertext()).replace("\n", " ")


def test_marks_say_which_policies_a_figure_shows_where(sweep):
    shown, _, root = inline_of(sweep)
    numbers = {int(group.get("data-mark")) for group in root.iter("g") if group.get("data-mark")}
    assert numbers == set(range(len(shown.marks))) and numbers
    assert {policy for policies, _, _ in shown.marks for policy in policies} == set(POLICIES)
    named = [(policies, words) for policies, start, words in shown.marks if ": " in words and start == "cold"]
    assert all(words.startswith(policies[0]) for policies, words in named) and named


def test_figures_of_one_page_share_no_name_and_leave_colours_to_it(sweep):
    texts = [inline_of(sweep, prefix)[1] for prefix in ("a-", "b-")]
    names = [{element.get("id") for element in xml.fromstring(text).iter() if element.get("id")} for text in texts]
    assert names[0] and not names[0] & names[1]
    for text, known in zip(texts, names):
        used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
        assert used and used <= known
        assert not re.search(r"(?<!,)#[0-9a-f]{6}", text)  # each is the fallback of a variable


def test_what_is_unknown_is_hatched_in_a_page_too(tmp_path):
    result = drawn(bar_figure(tmp_path))
    with page.settings():
        root = xml.fromstring(result.inline("Bars", "a-"))
    patterns = {pattern.get("id") for pattern in root.iter("pattern")}
    used = {found for element in root.iter() for found in re.findall(r"fill: url\(#([^)]+)\)", element.get("style", ""))}
    assert patterns and used == patterns


def test_the_file_of_a_figure_knows_nothing_of_marks(sweep):
    [(_, figure)] = plot.data_of([sweep], ["bandwidth"])
    assert b"data-mark" not in drawn(figure).written("svg", "t") and b"mark-" not in drawn(figure).written("svg", "t")
