# SPDX-License-Identifier: Apache-2.0
"""How the scripts check results against the schema, and say what is wrong. Needs pytest and
jsonschema."""
import pathlib
import random
import sys

import jsonschema
import pytest

from results_builder import apart, case, evidence_of, gpu, platform, rows, run, skipped, um

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import schema  # noqa: E402



def synthetic():
    cases = [case(), case(policy="a", failure="wrong result"),
             case("gemm/tokens:2", start="cold", evidence=evidence_of(um(8, {"fault": 8})))]
    return apart(run(cases, skipped=[skipped("gemv", "b", "w", "cold", "needs HMM")]))


def places(value, path=()):
    """The path of everything in a document."""
    yield path
    children = (value.items() if isinstance(value, dict)
                else enumerate(value) if isinstance(value, list) else ())
    for key, child in children:
        yield from places(child, (*path, key))


def at(document, path):
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize("document", [synthetic(), run([case(path="host_memory")], gpu=None)],
                         ids=["gpu", "cpu"])
def test_each_property_deleted(document):
    document = apart(document)
    refused = 0
    for path in list(places(document)):
        parent = at(document, path[:-1]) if path else None
        if not isinstance(parent, dict):
            continue
        before = dict(parent)
        del parent[path[-1]]
        refused += bool(schema.errors_in(document))
        parent.clear()
        parent.update(before)
    assert refused > 50


@pytest.mark.parametrize("value", [None, True, 1, 1.5, -1, "", "a/b, c", [], {}, [None],
                                   {"odd": 1}], ids=repr)
def test_each_value_replaced(value):
    random.seed(1)
    document = synthetic()
    paths = random.sample([path for path in places(document) if path], 60)
    refused = 0
    for path in paths:
        parent = at(document, path[:-1])
        before = parent[path[-1]]
        parent[path[-1]] = value
        refused += bool(schema.errors_in(document))
        parent[path[-1]] = before
    assert refused > 8  # of 60 places


def test_each_object_with_a_property_more():
    document = synthetic()
    refused = 0
    for path in list(places(document)):
        where = at(document, path)
        if isinstance(where, dict):
            where["surprise"] = "1"
            refused += bool(schema.errors_in(document))
            del where["surprise"]
    assert refused > 20


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=repr)
def test_what_is_not_a_number_of_json_is_refused(value):
    """jsonschema takes it for a number; it is none that was measured."""
    document = synthetic()
    document["offload_bench"]["cases"][0]["gb_per_s"] = value
    error = schema.errors_in(document)[0]
    assert error.path == "$.offload_bench.cases[0].gb_per_s" and "number" in error.text
    assert jsonschema.Draft202012Validator({"type": "number"}).is_valid(value)


def test_huge_numbers_do_not_overflow():
    for field in ("gb_per_s", "steps"):
        document = synthetic()
        document["offload_bench"]["cases"][0][field] = 10**400
        schema.errors_in(document)


def test_errors_name_the_place():
    document = synthetic()
    del document["offload_bench"]["cases"][1]["bytes"]["touched"]
    document["offload_bench"]["environment"]["odd name"] = 1
    document["offload_bench"]["platform"]["gpu"] = {**gpu(), "sm_count": -1}
    found = {error.path: error.text for error in schema.errors_in(document)}
    assert found == {
        "$.offload_bench.cases[1].bytes": "'touched' is a required property",
        "$.offload_bench.environment['odd name']": "1 is not of type 'string'",
        "$.offload_bench.platform.gpu.sm_count": "-1 is less than the minimum of 0",
    }


def test_an_error_quotes_little_of_what_is_wrong():
    document = synthetic()
    document["offload_bench"]["cases"] = {"cases": document["offload_bench"]["cases"] * 100}
    assert all(len(str(error)) < 300 for error in schema.errors_in(document))


@pytest.mark.parametrize("document", [
    None, [], {}, {"offload_bench": None}, {"offload_bench": {"schema_version": 1}},
    {"offload_bench": {"schema_version": "new"}}], ids=repr)
def test_what_has_no_version_is_refused_by_the_newest_schema(document):
    assert schema.errors_in(document)


def test_rows_are_checked():
    document = apart(run([case()]))
    assert rows(case())
    document["benchmarks"][0]["real_time"] = 0
    assert schema.errors_in(document)
    assert platform(None)["gpu"] is None and not schema.errors_in(run([], gpu=None))
