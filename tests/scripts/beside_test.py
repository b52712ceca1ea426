# SPDX-License-Identifier: Apache-2.0
"""Results of cases beside other traffic: apart from the others, wherever cases are held against each other."""
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import plot, results, schema, table  # noqa: E402
from offload_results.figures import beside, runs  # noqa: E402
from offload_results.page import build  # noqa: E402
from offload_results.results import BadInput  # noqa: E402
from results_builder import run  # noqa: E402
from sanity_documents import beside_traffic  # noqa: E402


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run(beside_traffic(lambda beside: None))))
    return path


def test_they_are_as_the_schema_has_them(saved):
    assert not schema.errors_in(json.loads(saved.read_text()))


def test_they_have_a_key_and_a_subject_of_their_own(saved):
    loaded = results.load(saved)
    assert sorted(map(str, loaded.by_key())) == ["gemv/pinned_zero_copy/w/steady",
                                                 "gemv/pinned_zero_copy/w/steady/beside:kv_out"]
    assert [results.weights_of(case) for case in loaded.cases] == ["w", "w beside kv_out"]
    assert [results.weights_of(case) for case in results.largest_set(loaded.cases)] == ["w"]


def test_a_table_has_both_sides(saved):
    loaded = json.loads(saved.read_text())["offload_bench"]
    lines = table.beside.beside_table(loaded, ["gemv"]).splitlines()
    assert lines[-1].startswith("| `pinned_zero_copy` | steady | `kv_out` |")
    assert lines[-1].endswith("| 50 | 40 | 80 % |")


def test_a_table_of_nothing_is_refused(saved):
    loaded = json.loads(saved.read_text())["offload_bench"]
    with pytest.raises(BadInput, match="no case of gemm has passed beside other traffic"):
        table.beside.beside_table(loaded, ["gemm"])


def two_policies(tmp_path):
    """A copy keeps 90 % and leaves 60 % to the traffic, a read by SMs keeps all and leaves 80 %."""
    copy = beside_traffic(lambda one: one.update(ratio=0.9, traffic_ratio=0.6))
    for case in copy:
        name = case["name"].replace("pinned_zero_copy", "pinned_copy")
        case.update(policy="pinned_copy", family="copy", name=name, run_name=f"{name}/manual_time")
    path = tmp_path / "two.json"
    path.write_text(json.dumps(run(beside_traffic(lambda one: None) + copy)))
    return path


def test_a_figure_has_what_both_keep(tmp_path):
    [figure] = beside.figures(runs.load([two_policies(tmp_path)]))
    assert figure.title == "Beside kv_out reads by SMs keep 100 %, copies 90 %, it itself 60 to 80 %"
    assert [row.policy for row in figure.rows] == ["pinned_zero_copy", "pinned_copy"]
    assert {column.title: [cell.value for cell in column.cells] for column in figure.columns} == {
        "case kept, kv_out": [100, 90], "traffic kept, kv_out": [80, 60]}


def test_what_failed_or_is_not_known_is_no_bar(tmp_path):
    def unknown(one):
        one.update(traffic_ratio=None, traffic_gb_per_s=None)
    path = tmp_path / "run.json"
    cases = beside_traffic(unknown)
    path.write_text(json.dumps(run(cases)))
    [figure] = beside.figures(runs.load([path]))
    assert [column.cells[0].state for column in figure.columns] == ["measured", "unavailable"]
    assert "itself" not in figure.title


def test_the_page_has_a_section_where_the_run_has_it(saved, tmp_path):
    page, _ = build.html_of([saved])
    section = page.partition('<section id="beside"')[2].partition("</section>")[0]
    assert [part.partition("</td>")[0] for part in section.split("<td>")[2:]] == [
        "kv_out", "51.2", "51.2", "100 %", "50", "40", "80 %"]
    assert "Beside kv_out reads by SMs" in page  # the figure's title
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps(run(beside_traffic(lambda one: None)[:1])))
    assert '<section id="beside"' not in build.html_of([alone])[0]


def test_a_run_without_it_has_no_figure(tmp_path):
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps(run(beside_traffic(lambda one: None)[:1])))
    with pytest.raises(BadInput, match="nothing to draw for beside: no case that has passed beside other traffic"):
        plot.data_of([alone], ["beside"])
