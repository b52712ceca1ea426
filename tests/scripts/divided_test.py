# SPDX-License-Identifier: Apache-2.0
"""Results read by several processes are what one reads, and refused as that refuses them. Needs
pytest only."""
import json
import os
import pathlib
import select
import sys

import pytest

import results_builder as build

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import divided, json_reader  # noqa: E402
from offload_results.compared_case import compared  # noqa: E402
from offload_results.elsewhere import Shared  # noqa: E402

COMMITTED = ROOT / "results/h200-sxm-pcie5/quick.json"
QUICK = json.loads(COMMITTED.read_text())
FORMS = {"as written": COMMITTED.read_text(), "compact": json.dumps(QUICK),
         "dense": json.dumps(QUICK, separators=(",", ":")),
         "without rows": json.dumps({**QUICK, "benchmarks": []}),
         "the other way round": json.dumps(dict(reversed(QUICK.items())))}


@pytest.fixture
def several(monkeypatch):
    """Files of this size are read by several processes."""
    monkeypatch.setattr(json_reader, "LARGE", 1000)
    monkeypatch.setattr(divided, "LEAST", 1000)
    monkeypatch.setattr(divided, "processes", lambda: 5)


def put_together(text, most=5):
    return divided.put_together(text.encode(), compared, "samples_s", most)


def read(text, most=5):
    """What was made of it by several processes; None if it is to be read by one."""
    document = put_together(text, most)
    assert document is None or document == json_reader.parsed(text, compared)
    return document


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("most", [1, 2, 5, 16])
def test_it_is_what_one_process_reads(form, most):
    assert read(FORMS[form], most) is not None


def test_the_work_is_divided_into_many_parts():
    """Of which none is so long that all others end before it."""
    content = FORMS["as written"].encode()
    for most in (2, 6):
        runs = [end - begin for of_list in divided.runs_of_items(content, most).values()
                for begin, end in of_list]
        assert sum(runs) > 0.9 * len(content)
        assert max(runs) < len(content) / most / 8


def test_who_is_done_with_a_part_takes_the_next():
    """While one process has the first part in hand, the other does all the rest."""
    done, tell = os.pipe()

    def work(part):
        if part:
            os.write(tell, b".")
            return part * part
        told = 0
        while told < 9:
            assert select.select([done], [], [], 20)[0]
            told += len(os.read(done, 9))
        return "the last"

    assert Shared(work, range(10), 2).results() == ["the last", *(n * n for n in range(1, 10))]
    os.close(done)
    os.close(tell)


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
    "cases as rows": json.dumps({**QUICK, "benchmarks": [CASE] * 90}),
    "cases among rows": json.dumps({**QUICK, "benchmarks": [*QUICK["benchmarks"], CASE] * 9}),
    "escaped cases among rows": json.dumps(
        {**QUICK, "benchmarks": [*QUICK["benchmarks"], CASE] * 9}).replace(
            '"samples_s"', '"samples\\u005fs"'),
    "rows among cases": with_case(FORMS["compact"], extra=QUICK["benchmarks"]),
}


@pytest.mark.parametrize("kind", MISLEADING)
@pytest.mark.parametrize("most", [1, 2, 5, 16])
def test_what_looks_like_items_is_no_more_than_a_guess(kind, most):
    text = MISLEADING[kind]
    assert json_reader.parsed(text, compared)["offload_bench"]["cases"]
    read(text, most)


def test_items_come_back_to_the_list_they_are_of():
    exchanged = FORMS["dense"].replace('"benchmarks":[', '"?":[').replace(
        '"cases":[', '"benchmarks":[').replace('"?":[', '"cases":[')
    assert json_reader.parsed(exchanged)["cases"] == QUICK["benchmarks"]
    read(exchanged)


HALF = len(FORMS["compact"]) // 2
DAMAGED = {
    "cut": FORMS["compact"][:HALF], "cut off in front": FORMS["compact"][HALF:],
    "NaN": FORMS["compact"].replace('"passes": 1', '"passes": NaN', 9),
    "comma": FORMS["compact"].replace("}, {", "}, , {"),
    "no comma": FORMS["compact"].replace("}, {", "} {"),
    "NaN in a row": FORMS["compact"].replace('"threads": 1', '"threads": NaN', 1),
    "half a row": FORMS["compact"].replace('"threads": 1', '"threads": {', 1),
    "no comma in a row": FORMS["compact"].replace('"threads": 1,', '"threads": 1', 1),
    "name of a row cut": FORMS["compact"].replace('"threads": 1', '"threads\n": 1', 1),
    "no space": FORMS["compact"].replace("}, {", "},\xa0{"),
    "half a character": with_case(FORMS["compact"], steps="\udc00"),
    "brackets": FORMS["compact"].replace("}, {", "}], [{"),
    "brace": FORMS["compact"][:-1], "more": FORMS["compact"] + "}",
    "endless": with_case(FORMS["compact"], steps=10**30),
    "deep": FORMS["compact"].replace('"passes": 1', '"passes": ' + "[" * 100_000, 1),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_is_told_as_of_a_file_that_one_process_reads(several, tmp_path, kind):
    assert put_together(DAMAGED[kind]) is None
    assert put_together(DAMAGED[kind], most=1) is None
    path = tmp_path / "a.json"
    path.write_text(DAMAGED[kind], encoding="utf-8")
    with pytest.raises(json_reader.BadInput) as whole:
        json_reader.read_json(path, compared)
    with pytest.raises(json_reader.BadInput) as found:
        divided.read_json(path, compared, "samples_s")
    assert str(found.value) == str(whole.value)


def test_a_character_that_is_cut_is_not_overlooked():
    content = FORMS["compact"].encode().replace(b'"passes": 1', b'"passes": "\xe2\x82"', 1)
    assert divided.put_together(content, compared, "samples_s", 5) is None


def test_a_large_file_is_read_by_several(several, monkeypatch):
    whole = json_reader.read_json(COMMITTED, compared)
    monkeypatch.setattr(json_reader, "read_json", None)
    assert divided.read_json(COMMITTED, compared, "samples_s") == whole


def test_a_process_that_dies_costs_time_only(several, monkeypatch):
    def die(*_):
        raise MemoryError
    monkeypatch.setattr(divided, "items", die)
    assert put_together(FORMS["compact"]) is None
    assert divided.read_json(COMMITTED, compared, "samples_s") == json_reader.read_json(COMMITTED, compared)


def test_a_run_ends_with_a_comma():
    decoder = json_reader.decoder(None)
    assert divided.items('{"a": 1} , 55 ,\n', decoder) == [{"a": 1}, 55]
    for no_comma in ('{"a": 1}, 55', '{"a": 1}, 55,\xa0'):
        with pytest.raises(ValueError):
            divided.items(no_comma, decoder)


def test_what_nothing_is_kept_of_is_skimmed():
    rows = json.dumps(QUICK["benchmarks"])
    found = json_reader.skimmer().decode(rows)
    assert found == json_reader.parsed(rows, compared) == [None] * len(QUICK["benchmarks"])
    assert not divided.may_hold(rows, "samples_s")
    assert divided.may_hold(FORMS["compact"], "samples_s")


def test_files_that_are_small_or_of_another_build_are_read_as_one():
    assert put_together(json.dumps(build.run([]))) is None
    assert put_together("") is None
    assert put_together('{"cases": [{"name": 1, "run_name": 2}]}' * 1000) is None
