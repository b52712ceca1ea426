# SPDX-License-Identifier: Apache-2.0
"""The scripts' own reader of the schema gives the verdicts that the package jsonschema gives.

Needs pytest and jsonschema.
"""
import json
import pathlib
import random
import sys

import jsonschema
import pytest

from results_builder import apart, case, evidence_of, gpu, platform, rows, run, skipped, um

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import schema  # noqa: E402

SCHEMA = json.loads((ROOT / "results/schema/results-1.json").read_text())
THEIRS = jsonschema.Draft202012Validator(SCHEMA)
OURS = schema.compile_schema(SCHEMA)
COMMITTED = sorted(path for path in (ROOT / "results").glob("*/*.json")
                   if path.parent.name != "schema")


DIFFERENT = [ROOT / "results" / name for name in (
    "epyc-2vcpu/quick.json", "h200-sxm-pcie5/decode-llama3.1-8b.json",
    "h200-sxm-pcie5/adaptation.json", "h200-sxm-pcie5/gemm.json",
    "h200-sxm-pcie5/memory-cost.json")]  # schema 1.0, 1.1 and 1.2; models, series, limits


def cut(document, count=2):
    """A committed document with few cases, quick to check often."""
    ours = document["offload_bench"]
    kept, seen = [], set()
    for one in ours["cases"]:
        kind = (one["path"], one["start"], one["evidence"]["um"] is None
                or one["evidence"]["um"].get("state"))
        if kind not in seen and len(kept) < count:
            seen.add(kind)
            kept.append(one)
            del one["weights"]["tensors"][2:]
            if one.get("series"):
                del one["series"]["um"].get("passes", [])[2:]
                for name in ("pass_s", "distinct_bytes"):
                    del one["series"][name][2:]
    ours["cases"] = kept
    ours["skipped"] = ours["skipped"][:1]
    ours["limits"] = ours["limits"][:1]
    host = ours["platform"]["host"].get("settings")
    if host:  # a hundred parameters, all alike
        modules = host["kernel_modules"]
        modules.update({name: dict(list(modules[name].items())[:2]) for name in (
            "nvidia_uvm", "nvidia")})
    names = {one["run_name"] for one in kept}
    document["benchmarks"] = [row for row in document["benchmarks"] if row["run_name"] in names][:4]
    return document


def synthetic():
    cases = [case(), case(policy="a", failure="wrong result"),
             case("gemm.m2", start="cold", evidence=evidence_of(um(8, {"fault": 8})))]
    return apart(run(cases, skipped=[skipped("gemv", "b", "w", "cold", "needs HMM")]))


def documents():
    return [synthetic(), run([case(path="host_memory")], gpu=None)] + [
        cut(json.loads(path.read_text())) for path in DIFFERENT]


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


def same_verdict(document):
    found = OURS(document)
    assert bool(found) == (not THEIRS.is_valid(document)), found[:3]
    return found


def changed(document, path, value):
    """Puts `value` there for as long as it is looked at."""
    parent = at(document, path[:-1])
    before = parent[path[-1]]
    parent[path[-1]] = value
    found = same_verdict(document)
    parent[path[-1]] = before
    return found


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_committed_results_are_valid(path):
    document = json.loads(path.read_text())
    assert not OURS(document)


@pytest.mark.parametrize("document", documents(), ids=range(2 + len(DIFFERENT)))
def test_each_property_deleted(document):
    refused = 0
    for path in list(places(document)):
        parent = at(document, path[:-1]) if path else None
        if not isinstance(parent, dict):
            continue
        before = dict(parent)
        del parent[path[-1]]
        refused += bool(same_verdict(document))
        parent.clear()
        parent.update(before)
    assert refused > 50


@pytest.mark.parametrize("document", [synthetic(), documents()[4]], ids=["synthetic", "real"])
@pytest.mark.parametrize("value", [None, True, 1, 1.0, 1.5, -1, "", "a/b, c", [], {}, [None],
                                   {"odd": 1}], ids=repr)
def test_each_value_replaced(document, value):
    random.seed(1)
    paths = [path for path in places(document) if path]
    refused = sum(bool(changed(document, path, value))
                  for path in random.sample(paths, min(len(paths), 150)))
    assert refused > 20  # of 150 places


def test_each_object_with_a_property_more():
    document = synthetic()
    refused = 0
    for path in list(places(document)):
        where = at(document, path)
        if isinstance(where, dict):
            where["surprise"] = "1"
            refused += bool(same_verdict(document))
            del where["surprise"]
    assert refused > 20


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=repr)
def test_what_is_no_number_of_json_is_refused(value):
    """jsonschema takes it for a number; it is none that was measured."""
    document = synthetic()
    document["offload_bench"]["cases"][0]["gb_per_s"] = value
    path, text = OURS(document)[0]
    assert schema.path_text(path) == "$.offload_bench.cases[0].gb_per_s"
    assert "number" in text


def test_huge_numbers_do_not_overflow():
    document = apart(run([case()]))
    changed(document, ("offload_bench", "cases", 0, "gb_per_s"), 10**400)
    changed(document, ("offload_bench", "cases", 0, "steps"), 10**400)


def test_errors_name_the_place():
    document = synthetic()
    del document["offload_bench"]["cases"][1]["bytes"]["touched"]
    document["offload_bench"]["environment"]["odd name"] = 1
    document["offload_bench"]["platform"]["gpu"] = {**gpu(), "sm_count": -1}
    found = {schema.path_text(path): text for path, text in OURS(document)}
    assert found == {
        "$.offload_bench.cases[1].bytes": "lacks 'touched'",
        "$.offload_bench.environment['odd name']": "1 is no string",
        "$.offload_bench.platform.gpu.sm_count": "-1 is below 0",
    }


@pytest.mark.parametrize("spoilt,mentions", [
    ({"type": "object", "unevaluatedProperties": False}, "unevaluatedProperties"),
    ({"properties": {"a": {"items": {"format": "uri"}}}}, "format"),
    ({"$ref": "other.json#/$defs/a"}, "other.json"),
    ({"$ref": "#/$defs/none"}, "#/$defs/none"),
    ({"ref": "#/$defs/a", "$defs": {"a": {}}}, "ref"),
    ({"type": "float"}, "float"),
    ({"items": [1]}, "schema"),
])
def test_a_schema_with_more_than_is_known_is_refused(spoilt, mentions):
    with pytest.raises(schema.UnknownSchema, match=mentions.replace("$", r"\$")):
        schema.compile_schema(spoilt)


def test_a_definition_may_refer_to_itself():
    tree = {"$ref": "#/$defs/node", "$defs": {"node": {
        "type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}
    check = schema.compile_schema(tree)
    assert not check({"next": {"next": {}}})
    assert check({"next": {"next": 1}}) == [(("next", "next"), "1 is no object")]


@pytest.mark.parametrize("one,other,equal", [
    (1, 1.0, True), (1, True, False), (0, False, False), (True, True, True), ("1", 1, False),
    (None, None, True), (None, False, False),
])
def test_const_and_enum_compare_as_json_does(one, other, equal):
    assert (not schema.compile_schema({"const": one})(other)) == equal
    assert (not schema.compile_schema({"enum": ["x", one]})(other)) == equal


def test_rows_are_checked():
    document = apart(run([case()]))
    assert rows(case())
    document["benchmarks"][0]["real_time"] = 0
    assert same_verdict(document)
    assert platform(None)["gpu"] is None and not same_verdict(run([], gpu=None))
