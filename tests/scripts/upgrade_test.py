# SPDX-License-Identifier: Apache-2.0
"""Older results beside new ones: shown with the labels of today, families and no answers."""
import json
import pathlib
import sys

import pytest

from committed import OLD, RESULTS, short
from compared import compare
from results_builder import case, of_schema_1, run, skipped, write

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import merge, results  # noqa: E402
from offload_results.results import BadInput  # noqa: E402


@pytest.mark.parametrize("old,new", [
    ("gemm.m512", "gemm/tokens:512"), ("row_gather.c4096", "row_gather/chunk:4096"),
    ("expert_gather.z50", "expert_gather/skew:0.5"), ("expert_gather.z0", "expert_gather/skew:0"),
    ("expert_gather.z105", "expert_gather/skew:1.05"), ("gemv", "gemv"),
    ("gemm/tokens:512", "gemm/tokens:512"), ("a.b", "a.b"), ("gemm.x512", "gemm.x512"),
])
def test_labels(old, new):
    assert results.new_label(old) == new
    assert results.new_name(f"{old}/p/w.m1/cold") == f"{new}/p/w.m1/cold"


def old_run():
    old = {**case("gemm"), "label": "gemm.m512", "name": "gemm.m512/pinned_zero_copy/w/steady"}
    first = {name: value for name, value in case("gemv").items() if name != "label"}
    document = of_schema_1(run([old, first], skipped=[
        {**skipped("gemm", "host_compute", "w", "steady", "too many tokens for the CPU: gemm.m512"),
         "name": "gemm.m512/host_compute/w/steady"}]))
    document["offload_bench"]["options"] = {"workloads": ["gemm.m512", "gemv"]}
    return document


def test_a_file_is_read_with_labels_of_today(tmp_path):
    path = write(tmp_path / "old.json", old_run())
    found = results.load(path)
    assert list(map(str, found.by_key())) == [
        "gemm/tokens:512/pinned_zero_copy/w/steady", "gemv/pinned_zero_copy/w/steady"]
    assert [one["name"] for one in found.cases] == list(map(str, found.by_key()))
    [one] = found.run["skipped"]
    assert one["name"] == "gemm/tokens:512/host_compute/w/steady"
    assert one["reason"] == "too many tokens for the CPU: gemm/tokens:512"
    assert found.run["options"]["workloads"] == ["gemm/tokens:512", "gemv"]
    assert {one["family"] for one in found.cases} == {"zero-copy"}
    assert results.parameter_of(found.cases[0]) == ("tokens", 512)
    assert results.parameter_of(found.cases[1]) == ("", None)


def test_old_and_new_runs_compare(tmp_path):
    new = run([case("gemm/tokens:512"), case("gemv")])
    paths = [write(tmp_path / f"{name}.json", document)
             for name, document in (("old", old_run()), ("new", new))]
    for pair in (paths, reversed(paths)):
        done = compare(*pair)
        assert "No regression in 2 cases: 2 ambiguous." in done.stdout, done.stderr


def test_files_of_older_versions_are_kept():
    assert {json.loads(path.read_text())["offload_bench"]["schema_version"] for path in OLD} == {
        "1.0.0", "1.2.0", "1.3.0"}


@pytest.mark.parametrize("path", RESULTS + OLD, ids=short)
def test_every_committed_case_has_a_label_of_today_and_a_family(path):
    found = results.load(path, empty_allowed=True)
    written = json.loads(path.read_text())["offload_bench"]["cases"]
    for one, before in zip(found.cases, written):
        name, value = results.parameter_of(one)
        assert (name == "") == (before.get("label", before["workload"]) == before["workload"])
        assert value is None or value == (one["tokens"] if name == "tokens" else value)
        assert one["family"] in {family for _, family in results.FAMILIES} | {"file"}  # since schema 2.6
        assert one["run_name"] == before["run_name"]


def test_a_document_is_not_changed_by_being_read(tmp_path):
    path = write(tmp_path / "old.json", old_run())
    document = json.loads(path.read_text())
    results.results_in(path, document)
    assert document == json.loads(path.read_text())


def test_files_of_two_major_versions_are_not_merged(tmp_path, monkeypatch):
    monkeypatch.setattr(merge.schema, "errors_in", lambda document: [])
    new = write(tmp_path / "new.json", run([case()]))
    old = write(tmp_path / "old.json", of_schema_1(run([case()])))
    with pytest.raises(BadInput, match="merge files of one major version"):
        merge.merge([old, new])
