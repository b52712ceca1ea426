# SPDX-License-Identifier: Apache-2.0
"""scripts/plot.py: its files, its errors, and figures in which nothing is cut off or runs into
anything else. The committed figures are what it makes of the committed results.

Needs pytest and matplotlib.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

matplotlib = pytest.importorskip("matplotlib", reason="needs python3-matplotlib")
from matplotlib.text import Text  # noqa: E402

root = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import plot as plot_script  # noqa: E402
import results_builder as make  # noqa: E402
from offload_results import plotting, results  # noqa: E402
from offload_results.drawing import bars, curves, page, svg  # noqa: E402
from offload_results.figures import data, styles  # noqa: E402

script = root / "scripts/plot.py"
document = root / "docs/figures.md"
shown = re.findall(r"<!-- scripts/plot\.py ([^\n]+) -->\n!\[[^]]+\]\((figures/[^)]+)\)",
                   document.read_text(encoding="utf-8")) if document.exists() else []
MIB = 2**20
result_files = sorted((root / "results").glob("*-*/*.json"))


def plot(*arguments, **how):
    return subprocess.run([sys.executable, "-B", script, *map(str, arguments)], capture_output=True,
                          text=True, timeout=120, **how)


def every_policy(**how):
    """A case of each policy at three sizes, no two alike."""
    return [
        make.case("stream_read", policy, f"{size >> 20}MiB", start,
                  [(1 + place / 7) * size / 50e9 * noise for noise in (1, 1.1, 1.3)], size=size,
                  **how)
        for place, policy in enumerate(styles.POLICIES) for start in ("cold", "steady")
        for size in (MIB, 16 * MIB, 256 * MIB)
    ]


@pytest.fixture
def sweep(tmp_path):
    return make.write(tmp_path / "sweep.json", make.run(every_policy()))


def test_every_figure_with_data_is_drawn_and_the_others_are_said(sweep, tmp_path):
    done = plot(sweep, "--format", "svg,png", "--output-dir", tmp_path / "new/folder")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        str(tmp_path / f"new/folder/bandwidth.{kind}") for kind in ("svg", "png")]
    missing = re.findall(r"^no figure (\w+): no .+$", done.stderr, re.MULTILINE)
    assert missing == ["batch", "granularity", "latency", "tokens", "adaptation", "evidence"]
    assert len(done.stderr.splitlines()) == len(missing)
    assert (tmp_path / "new/folder/bandwidth.png").read_bytes().startswith(b"\x89PNG")
    assert xml.parse(tmp_path / "new/folder/bandwidth.svg").getroot().tag.endswith("svg")


def test_a_figure_is_the_same_bytes_each_time(sweep, tmp_path):
    files = []
    for seed in ("1", "2"):
        done = plot(sweep, "--kind", "bandwidth", "--output-dir", tmp_path / seed,
                    env={"PYTHONHASHSEED": seed, "MPLCONFIGDIR": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        files.append((tmp_path / seed / "bandwidth.svg").read_bytes())
    assert files[0] == files[1]
    assert b"dc:date" not in files[0] and b"<text" not in files[0]


def test_a_users_settings_change_nothing(sweep, tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\naxes.grid: True\n")
    for where in ("plain", "styled"):
        env = {"MATPLOTLIBRC": str(tmp_path)} if where == "styled" else {}
        done = plot(sweep, "--kind", "bandwidth", "--output-dir", tmp_path / where,
                    env={"MPLCONFIGDIR": str(tmp_path / "cache"), **env})
        assert done.returncode == 0, done.stderr
    plain, styled = (tmp_path / where / "bandwidth.svg" for where in ("plain", "styled"))
    assert plain.read_bytes() == styled.read_bytes()


def refused(done, *mentions):
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    for mention in mentions:
        assert mention in line
    return line


def test_a_kind_that_was_asked_for_must_have_data(sweep, tmp_path):
    done = plot(sweep, "--kind", "bandwidth,batch", "--output-dir", tmp_path / "out")
    refused(done, "sweep.json", "batch", "--suite gemm")
    assert not (tmp_path / "out").exists()


def test_nothing_to_draw_at_all(tmp_path):
    empty = make.write(tmp_path / "cost.json", make.run([]))
    done = plot(empty)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("cost.json: nothing to draw")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"offload_bench": {"schema_version": "9.0.0"}}'])
def test_a_bad_file_is_refused(tmp_path, content):
    (tmp_path / "bad.json").write_text(content)
    refused(plot(tmp_path / "bad.json", "--output-dir", tmp_path / "out"), "plot.py:", "bad.json")
    assert not (tmp_path / "out").exists()


def test_an_unknown_kind_is_named(sweep):
    done = plot(sweep, "--kind", "pie")
    assert done.returncode == 2 and "'pie' is none of bandwidth" in done.stderr


def test_without_matplotlib_it_says_how_to_get_it(sweep, tmp_path):
    (tmp_path / "without").mkdir()
    (tmp_path / "without/matplotlib.py").write_text("raise ImportError('no such module')")
    done = plot(sweep, "--kind", "bandwidth", env={"PYTHONPATH": str(tmp_path / "without")})
    refused(done, "apt-get install python3-matplotlib", "pip install", "uv run")


def test_an_output_directory_that_cannot_be_made(sweep, tmp_path):
    (tmp_path / "file").write_text("")
    refused(plot(sweep, "--kind", "bandwidth", "--output-dir", tmp_path / "file/out"), "file/out")


def test_two_files_of_one_kind_are_two_figures(tmp_path):
    for name in ("a", "b"):
        make.write(tmp_path / f"{name}.json", make.run(every_policy()))
    named = plotting.data_of([tmp_path / "a.json", tmp_path / "b.json"], ["bandwidth"])
    assert [name for name, _ in named] == ["bandwidth-a", "bandwidth-b"]


def test_one_file_twice_is_refused(sweep):
    with pytest.raises(results.BadInput, match="two files would become"):
        plotting.data_of([sweep, sweep], ["bandwidth"])


def test_names_from_results_stay_text_and_inside_the_directory(tmp_path):
    hostile = "../../$x^2$<script>&"
    cases = [make.case(f"gemm.m{tokens}", f"$\\frac{hostile}", hostile, tokens=tokens)
             for tokens in (1, 2)]
    cases += [make.case(f"gemm.m{tokens}", tokens=tokens) for tokens in (1, 2)]
    bad = make.write(tmp_path / "bad.json", make.run(cases))
    done = plot(bad, "--kind", "batch", "--output-dir", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"bad.json", "out"}
    for path in (tmp_path / "out").iterdir():
        titles = [found.text for found in xml.parse(path).iter("{http://www.w3.org/2000/svg}title")]
        assert titles in ([f"A matrix product of many tokens with an offloaded weight ({name})"]
                          for name in ("w", hostile))
        assert b"<script>" not in path.read_bytes()


# what the drawn figures look like

def drawn(figure):
    with page.settings():
        return (bars if isinstance(figure, data.BarFigure) else curves).draw(figure)


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
    [(_, figure)] = plotting.data_of([sweep], ["bandwidth"])
    result = drawn(figure)
    found = boxes(result)
    assert_legible(found, result.figure.bbox)
    assert {text for text, _ in found} >= set(styles.POLICIES)


def test_overlapping_and_cut_text_is_found(sweep, boxes):
    """The test above can fail."""
    [(_, figure)] = plotting.data_of([sweep], ["bandwidth"])
    for x, complaint in ((page.MARGIN, "runs into"), (page.WIDTH - 0.1, "cut off")):
        result = drawn(figure)
        result.text(x, result.height - page.MARGIN - 0.1, "put in the way")
        with pytest.raises(AssertionError, match=complaint):
            assert_legible(boxes(result), result.figure.bbox)


def bar_cells():
    unknown = data.Cell("unavailable", text="not counted " * 30)
    return (data.Cell("measured", 12345.0, 12000.0, 13000.0), data.Cell("measured", 0.0),
            data.ABSENT, data.Cell("zero by design", 0.0), unknown,
            data.Cell("failed", text="out of memory"))


def bar_figure(tmp_path):
    from offload_results.figures import runs
    found = runs.load([make.write(tmp_path / "r.json", make.run([make.case()]))])
    rows = tuple(data.Row(policy, "cold") for policy in list(styles.POLICIES)[-6:])
    columns = (data.Column("measured and not", "s/GB", bar_cells(), 1e6, "on the GPU"),
               data.Column("near", "s/GB", bar_cells(), 12500.0, "on the GPU"),
               data.Column("nothing known", "J/GB", (bar_cells()[4],) * 6))
    return data.BarFigure("bars", "Bars", "of all kinds", rows, columns, (), tuple(found))


def test_bars_say_what_is_unknown(tmp_path, boxes):
    result = drawn(bar_figure(tmp_path))
    found = boxes(result)
    assert_legible(found, result.figure.bbox)
    texts = [text for text, _ in found]
    assert texts.count("12,345") == 2 and texts.count("0*") == 2
    assert texts.count("not measured") == 2
    assert texts.count("n/a (1)") == 2 + 6 and texts.count("failed (2)") == 2
    first, second, nothing = result.figure.axes
    hatched = [bar for bar in nothing.patches if bar.get_hatch()]
    assert len(hatched) == 6 and len([bar for bar in first.patches if bar.get_hatch()]) == 2
    # One bar of a value, from 0, as long as the value.
    [solid] = [bar for bar in first.patches if not bar.get_hatch()]
    assert (solid.get_x(), solid.get_width()) == (0, 12345.0)
    assert any(text.startswith("(2) failed: out of memory") for text in texts)
    assert "on the GPU: 1,000,000 \u2192" in texts and "on the GPU: 12,500" in texts


def test_curves_are_drawn_where_their_points_are(sweep):
    [(_, figure)] = plotting.data_of([sweep], ["bandwidth"])
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


# the committed figures

def made_by(path):
    return re.search(r"Matplotlib v([0-9.]+)", path.read_text(encoding="utf-8"))[1]


def test_the_document_shows_every_committed_figure():
    files = {f"figures/{path.name}" for path in (root / "docs/figures").glob("*")}
    assert {path for _, path in shown} == files and files
    assert document.read_text(encoding="utf-8").count("<!-- scripts/plot.py") == len(shown)
    assert sum((root / "docs" / path).stat().st_size for path in files) < 1_000_000


@pytest.mark.parametrize("arguments,path", shown)
def test_committed_figures_are_drawn_from_the_committed_results(arguments, path, tmp_path):
    committed = root / "docs" / path
    if made_by(committed) != matplotlib.__version__:
        pytest.skip(f"drawn by matplotlib {made_by(committed)}, this is {matplotlib.__version__}")
    given = plot_script.parsed(shlex.split(arguments))
    assert given.output_dir == "docs/figures"
    named = plotting.data_of([root / path for path in given.results], given.kind, given.label)
    [written] = plotting.draw_all(named, given.format, tmp_path)
    assert written.name == committed.name
    assert written.read_bytes() == committed.read_bytes()


@pytest.mark.parametrize("path", result_files, ids=lambda path: path.stem)
def test_figures_of_committed_results_are_legible(path, boxes):
    try:
        named = plotting.data_of([path], None)
    except results.BadInput as reason:
        assert "nothing to draw" in str(reason)
        pytest.skip(str(reason))
    for _, figure in named:
        result = drawn(figure)
        assert_legible(boxes(result), result.figure.bbox)
