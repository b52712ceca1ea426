# SPDX-License-Identifier: Apache-2.0
"""Synthetic results are results: valid by the schema, with rows and figures that belong together.

Needs pytest and jsonschema.
"""
import json
import pathlib

import jsonschema
import pytest

from results_builder import (
    answered, case, evidence_of, gpu, minimal, of_schema_1, rows, run, skipped, summary, um, write,
)

SCHEMAS = pathlib.Path(__file__).parent.parent.parent / "results/schema"


def errors_in(document):
    major = document["offload_bench"]["schema_version"].split(".")[0]
    schema = json.loads((SCHEMAS / f"results-{major}.json").read_text())
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


CASES, ANSWER = answered([case(), case(policy="b", samples=[2e-3] * 3)])


@pytest.mark.parametrize("document", [
    run([]),
    run([case()]),
    run([case(failure="wrong result", samples=[])]),
    run([case(failure="the context is lost", samples=[1e-3])]),
    run([case(samples=[1e-3], complete=False)], incomplete="interrupted"),
    run([case(samples=[], complete=False)], incomplete="interrupted"),
    run([case(path="host_memory", policy="host_compute")], gpu=None),
    run([case("gemm/tokens:512")], gpu=gpu("another"), skipped=[
        skipped("gemv", "system_demand", "w", "cold", "needs HMM")]),
    run([case(start="cold", evidence=evidence_of(um(2**20, {"fault": 2**20})))]),
    run([case()], with_rows=False),
    of_schema_1(run([minimal(case())])),
    of_schema_1(run([case()])),
    run(CASES, answers=[ANSWER]),
], ids=range(13))
def test_documents_are_valid(document):
    errors = errors_in(document)
    assert not errors, errors[:5]


def test_figures_follow_from_the_samples():
    found = summary([4.0, 1.0, 2.0, 3.0, 5.0])
    assert (found["min_s"], found["p25_s"], found["median_s"], found["p75_s"], found["max_s"]) == (
        1.0, 2.0, 3.0, 4.0, 5.0)
    assert found["p05_s"] == pytest.approx(1.2) and found["p95_s"] == pytest.approx(4.8)
    assert found["stddev_s"] == pytest.approx(2.5 ** 0.5)
    assert summary([1.0, 2.0])["median_s"] == 1.5
    one = case(samples=[1.0, 2.0, 3.0], size=10**9, copy_rate=2e9)
    assert one["gb_per_s"] == pytest.approx(0.5) and one["share_of_link"] == pytest.approx(0.25)


def test_rows_are_one_per_sample_and_the_statistics():
    all_rows = rows(case(samples=[1e-3, 3e-3]))
    repetitions = [row for row in all_rows if row["run_type"] == "iteration"]
    assert [row["real_time"] for row in repetitions] == pytest.approx([1000, 3000])
    assert not rows(case(failure="wrong result"))


def test_what_is_written_is_read(tmp_path):
    assert json.loads(write(tmp_path / "a.json", run([case()])).read_text()) == run([case()])
