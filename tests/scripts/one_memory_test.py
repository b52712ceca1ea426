# SPDX-License-Identifier: Apache-2.0
"""Machines whose GPU and CPU share one memory: what page, figures and tables show in place of a link.
Needs pytest, and jinja2 for the page."""
import json
import pathlib
import sys

import pytest

from results_builder import answered, case, run, write
from sanity_parts import LOADING, ONE_MEMORY, in_one_memory

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import merge, results, runs, schema  # noqa: E402
from offload_results.figures import runs as figure_runs, sweep  # noqa: E402
from offload_results.page import answer, build, drawer  # noqa: E402
from offload_results.tables import workloads  # noqa: E402

KEPT = {"pinned_zero_copy": 1.0, "pinned_copy": 2.0}


def document():
    cases, told = answered([in_one_memory(), in_one_memory("pinned_copy", samples=[1.2e-3])])
    told["cold"]["limited_by"] = "one_memory"
    told["cold"]["by_memory"] = [
        {"case": one["name"], "policy": one["policy"], "engine_flags": None,
         "times_kept": KEPT[one["policy"]]} for one in cases]
    return run(cases, answers=[told], loading_costs=[LOADING], **ONE_MEMORY)


def test_its_rate_is_that_of_the_fastest_reader():
    ours = document()["offload_bench"]
    assert runs.memory_rate(ours) == 200e9
    slower = {**ours["calibration"], "host_read_bytes_per_second": 210e9}
    assert runs.memory_rate({**ours, "calibration": slower}) == 210e9
    assert runs.memory_rate(run([])["offload_bench"]) is None
    assert runs.memory_rate(run([], gpu=None)["offload_bench"]) is None


def test_the_page_says_what_is_kept_how_often(tmp_path):
    html, _ = build.html_of([write(tmp_path / "a.json", document())])
    assert "the weights are kept once by pinned_zero_copy, more often by pinned_copy 2.00x" in html
    assert "held back by the memory of GPU and CPU" in html
    assert "of the copy engine" not in html
    assert "of what the one memory gives" in html
    assert "What loading costs" in html and "<bdi>mmap</bdi>" in html


def test_nothing_is_said_of_it_where_each_has_its_own():
    assert answer.kept(()) is None
    assert answer.kept([{"policy": "a", "times_kept": 1.1}]) == "kept once by none, more often by a 1.10x"
    assert not any("memory" in words for words in drawer.rates(case()))


def test_the_table_has_its_share_of_the_memory():
    lines = workloads.workload_table(document()["offload_bench"], "gemv").splitlines()
    assert "| of the memory |" in lines[0]
    assert any("`pinned_copy`" in line and "| 28 % |" in line for line in lines), lines
    other = workloads.workload_table(run([case()])["offload_bench"], "gemv").splitlines()
    assert "| of the link |" in other[0]


def test_the_figure_has_a_line_of_the_memory(tmp_path):
    cases = [in_one_memory(samples=[0.4e-3]) | {
        "workload": "stream_read", "label": "stream_read", "name": "stream_read/pinned_zero_copy/w/steady",
        "run_name": "stream_read/pinned_zero_copy/w/steady/manual_time"}]
    loaded = figure_runs.load([write(tmp_path / "a.json", run(cases, **ONE_MEMORY))])
    assert [(line.y, line.text) for line in sweep.levels(loaded[0])] == [
        (200.0, "the memory of GPU and CPU (measured)")]


def test_loading_costs_are_valid_and_merged(tmp_path):
    one = document()
    assert not schema.errors_in(one)
    again = json.loads(json.dumps(one))
    again["offload_bench"]["started_at"] = "2026-01-02T00:00:00Z"
    paths = [write(tmp_path / "a.json", one), write(tmp_path / "b.json", again)]
    merged = merge.merge(paths)
    assert not schema.errors_in(merged)
    assert [cost["source"] for cost in merged["offload_bench"]["loading_costs"]] == [0, 1]
    apart = results.results_in("m.json", merged).apart()
    assert [len(part["loading_costs"]) for _, part in apart] == [1, 1]


@pytest.mark.parametrize("change", [
    {"median_s": None},  # and yet measured
    {"failure": "no more"},  # and yet a median
    {"start": "lukewarm"},
    {"samples_s": []},
])
def test_loading_costs_that_cannot_be_are_refused(change):
    assert schema.errors_in(run([], loading_costs=[{**LOADING, **change}]))
