# SPDX-License-Identifier: Apache-2.0
"""offload-results plot: its files and its errors. The committed figures are what it makes of the
committed results.

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

root = pathlib.Path(__file__).parent.parent.parent
sys.path[:0] = [str(root / "scripts"), str(root / "tests")]
import results_builder as make  # noqa: E402
from figure_data import every_policy  # noqa: E402
from offload_results import plot as plotting, results  # noqa: E402

script = root / "scripts/offload-results"
document = root / "docs/figures.md"
shown = re.findall(r"<!-- offload-results plot ([^\n]+) -->\n!\[[^]]+\]\((figures/[^)]+)\)",
                   document.read_text(encoding="utf-8")) if document.exists() else []


def plot(*arguments, **how):
    return subprocess.run([sys.executable, "-B", script, "plot", *map(str, arguments)], capture_output=True,
                          text=True, timeout=120, **how)


@pytest.fixture
def sweep(tmp_path):
    return make.write(tmp_path / "sweep.json", make.run(every_policy()))


def test_every_figure_with_data_is_drawn_and_the_others_are_said(sweep, tmp_path):
    done = plot(sweep, "--format", "svg,png", "--output-dir", tmp_path / "new/folder")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        str(tmp_path / f"new/folder/bandwidth.{kind}") for kind in ("svg", "png")]
    missing = re.findall(r"^no figure (\w+): no .+$", done.stderr, re.MULTILINE)
    assert missing == ["batch", "granularity", "latency", "tokens", "rates",
                       "adaptation", "machines", "gpus", "beside", "evidence"]
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
    refused(plot(empty), "cost.json: nothing to draw: no figure bandwidth: no stream_read", "no figure rates: ")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"offload_bench": {"schema_version": "9.0.0"}}'])
def test_a_bad_file_is_refused(tmp_path, content):
    (tmp_path / "bad.json").write_text(content)
    refused(plot(tmp_path / "bad.json", "--output-dir", tmp_path / "out"), "offload-results plot:", "bad.json")
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
    for name in ("file", "file/out"):
        refused(plot(sweep, "--output-dir", tmp_path / name),
                f"{tmp_path / name}: cannot be made: {tmp_path / 'file'} is not a directory")


def test_a_damaged_file_is_one_line(tmp_path):
    document = make.run(every_policy())
    document["offload_bench"]["platform"] = 7
    refused(plot(make.write(tmp_path / "bad.json", document), "--output-dir", tmp_path),
            "bad.json: damaged results: $.offload_bench.platform: 7 is not of type 'object'")


@pytest.mark.parametrize("policy", ["p" * 5000, "a\x01b", "a\x1b[31mb", "a\ufffeb"])
def test_no_policy_is_called_what_cannot_be_drawn(tmp_path, policy):
    path = make.write(tmp_path / "odd.json", make.run([make.case("stream_read", policy)]))
    done = plot(path, "--output-dir", tmp_path)
    assert done.returncode == 0 and "Glyph" not in done.stderr, done.stderr
    for drawn in tmp_path.glob("*.svg"):
        xml.parse(drawn)


@pytest.mark.parametrize("field", ["pass_s", "distinct_bytes"])
def test_a_series_of_no_passes_is_not_drawn(tmp_path, field):
    series = {"pass_s": [1e-3, 2e-3], "driver_s": None, "distinct_bytes": [4096, 0],
              "um": {"state": "zero by design", "reason": "so"}, field: []}
    path = make.write(tmp_path / "series.json", make.run([make.case(series=series)]))
    done = plot(path, "--output-dir", tmp_path)
    assert "Traceback" not in done.stderr


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
    cases = [make.case(f"gemm/tokens:{tokens}", f"$\\frac{hostile}", hostile, tokens=tokens)
             for tokens in (1, 2)]
    cases += [make.case(f"gemm/tokens:{tokens}", tokens=tokens) for tokens in (1, 2)]
    bad = make.write(tmp_path / "bad.json", make.run(cases))
    done = plot(bad, "--kind", "batch", "--output-dir", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"bad.json", "out"}
    for path in (tmp_path / "out").iterdir():
        titles = [found.text for found in xml.parse(path).iter("{http://www.w3.org/2000/svg}title")]
        assert titles in ([f"Tokens multiplied by an offloaded weight ({name})"]
                          for name in ("w", hostile))
        assert b"<script>" not in path.read_bytes()


# the committed figures

def made_by(path):
    return re.search(r"Matplotlib v([0-9.]+)", path.read_text(encoding="utf-8"))[1]


def test_the_document_shows_every_committed_figure():
    files = {f"figures/{path.name}" for path in (root / "docs/figures").glob("*")}
    assert {path for _, path in shown} == files and files
    assert document.read_text(encoding="utf-8").count("<!-- offload-results plot") == len(shown)
    assert sum((root / "docs" / path).stat().st_size for path in files) < 1_200_000


@pytest.mark.parametrize("arguments,path", shown)
def test_committed_figures_are_drawn_from_the_committed_results(arguments, path, tmp_path):
    committed = root / "docs" / path
    if made_by(committed) != matplotlib.__version__:
        pytest.skip(f"drawn by matplotlib {made_by(committed)}, this is {matplotlib.__version__}")
    given = plotting.parsed(shlex.split(arguments))
    assert given.output_dir == "docs/figures"
    named = plotting.data_of([root / path for path in given.results], given.kind, given.label)
    [written] = plotting.draw_all(named, given.format, tmp_path)
    assert written.name == committed.name
    assert written.read_bytes() == committed.read_bytes()
