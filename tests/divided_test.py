# SPDX-License-Identifier: Apache-2.0
"""Results read by several processes are what one reads, and refused as that refuses them. Needs
pytest only."""
import json
import pathlib
import sys

import pytest

import results_builder as build

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import divided, json_reader  # noqa: E402
from offload_results.compared_case import compared  # noqa: E402

COMMITTED = ROOT / "results/h200-sxm-pcie5/quick.json"
QUICK = json.loads(COMMITTED.read_text())
FORMS = {"as written": COMMITTED.read_text(), "compact": json.dumps(QUICK),
         "dense": json.dumps(QUICK, separators=(",", ":")),
         "without rows": json.dumps({**QUICK, "benchmarks": []}),
         "the other way round": json.dumps(dict(reversed(QUICK.items())))}


@pytest.fixture(autouse=True)
def small_runs(monkeypatch):
    monkeypatch.setattr(divided, "LEAST", 1000)


def read(text, most=5):
    """What divided.parsed() made of it, and whether other processes had a part in that."""
    runs = divided.runs_of_items(text, most)
    document = divided.put_together(text, compared, runs) if runs else None
    assert divided.parsed(text, compared, most) == json_reader.parsed(text, compared)
    return document


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("most", [2, 5, 16])
def test_it_is_what_one_process_reads(form, most):
    text = FORMS[form]
    assert read(text, most) == json_reader.parsed(text, compared)


def test_the_work_is_divided_evenly():
    text = FORMS["as written"]
    runs = [end - begin for of_list in divided.runs_of_items(text, 6).values()
            for begin, end in of_list]
    assert len(runs) == 6
    assert sum(runs) > 0.9 * len(text) and max(runs) < 1.3 * min(runs)


def with_case(text, **changes):
    """The same with fields of a case in the middle changed, and what else is alike."""
    document = json.loads(text)
    cases = document["offload_bench"]["cases"]
    cases[len(cases) // 2].update(changes)
    return json.dumps(document)


CASE = QUICK["offload_bench"]["cases"][0]
MISLEADING = {
    "cases in a case": with_case(FORMS["compact"], extra={"cases": [CASE, CASE, CASE]}),
    "cases of cases": with_case(FORMS["compact"], extra=[CASE, CASE]),
    "cases as text": with_case(FORMS["compact"], mechanism=json.dumps([CASE, CASE])),
    "cases behind": FORMS["compact"][:-1] + f', "more": {{"cases": {json.dumps([CASE] * 9)}}}}}',
    "cases before": '{"more": {"cases": [], "benchmarks": []}, ' + FORMS["compact"][1:],
    "twice": FORMS["compact"][:-1] + f', "benchmarks": {json.dumps([CASE] * 9)}}}',
    "another order": json.dumps(QUICK, sort_keys=True),
}


@pytest.mark.parametrize("kind", MISLEADING)
def test_what_looks_like_items_is_no_more_than_a_guess(kind):
    text = MISLEADING[kind]
    assert json_reader.parsed(text, compared)["offload_bench"]["cases"]
    for most in (2, 5, 16):
        read(text, most)


HALF = len(FORMS["compact"]) // 2
DAMAGED = {
    "cut": FORMS["compact"][:HALF], "cut off in front": FORMS["compact"][HALF:],
    "NaN": FORMS["compact"].replace('"passes": 1', '"passes": NaN', 9),
    "comma": FORMS["compact"].replace("}, {", "}, , {"),
    "no comma": FORMS["compact"].replace("}, {", "} {"),
    "brackets": FORMS["compact"].replace("}, {", "}], [{"),
    "brace": FORMS["compact"][:-1], "more": FORMS["compact"] + "}",
    "endless": with_case(FORMS["compact"], steps=10**30),
    "deep": FORMS["compact"].replace('"passes": 1', '"passes": ' + "[" * 100_000, 1),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_is_told_as_of_a_file_that_one_process_reads(kind):
    text = DAMAGED[kind]
    with pytest.raises((ValueError, RecursionError)) as whole:
        json_reader.parsed(text, compared)
    with pytest.raises(type(whole.value)) as found:
        divided.parsed(text, compared, 5)
    assert str(found.value) == str(whole.value)


def test_a_process_that_dies_costs_time_only(monkeypatch):
    def die(run, reduced):
        raise MemoryError
    monkeypatch.setattr(divided, "items", die)
    text = FORMS["compact"]
    assert divided.put_together(text, compared, divided.runs_of_items(text, 5)) is None
    assert divided.parsed(text, compared, 5) == json_reader.parsed(text, compared)


def test_a_run_ends_with_a_comma():
    assert divided.items(' {"a": 1} , 55 ,\n', None) == [{"a": 1}, 55]
    with pytest.raises(ValueError):
        divided.items('{"a": 1}, 55', None)  # less its last character it would be JSON


def test_files_that_are_small_or_of_another_build_are_read_as_one():
    assert divided.runs_of_items(json.dumps(build.run([])), 5) == {}
    assert divided.runs_of_items("", 5) == {}
    assert divided.runs_of_items('{"cases": [{"name": 1, "run_name": 2}]}' * 1000, 5) == {}
