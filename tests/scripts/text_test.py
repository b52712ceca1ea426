# SPDX-License-Identifier: Apache-2.0
"""Numbers are written as the program writes them: by the examples in tests/data/numbers.json, which
tests/unit/text_test.cpp holds it to. The page's: report_browser_test.py. Needs pytest."""
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import text  # noqa: E402

EXAMPLES = json.loads((ROOT / "tests/data/numbers.json").read_text())
SPELLED = {"number": text.three_digits, "seconds": text.seconds, "rate": text.rate,
           "traffic": text.traffic, "size": text.size, "percent": text.percent,
           "percent_number": text.percent_number, "times": text.times, "ratio": text.ratio_text,
           "two_digits": text.two_digits, "rough_seconds": text.rough_seconds}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['kind']} {one['value']}")
def test_numbers_are_written_by_the_shared_table(example):
    if example["kind"] == "rough":
        found = text.rough(example["value"], example["least"], example["most"])
    else:
        found = SPELLED[example["kind"]](example["value"])
    assert found == example["text"]


def test_the_table_has_every_kind():
    assert {example["kind"] for example in EXAMPLES} == {*SPELLED, "rough"}


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_not_known_is_not_a_number(spelled, value):
    assert spelled(value) == "n/a"


@pytest.mark.parametrize("found,expected", [
    (text.seconds(999.6e-6), "1.00 ms"), (text.seconds(12.34e-9), "12.3 ns"),
    (text.rate(51.4e9), "51.4 GB/s"), (text.rate(4.4831e12), "4.48 TB/s"),
    (text.size(2**30 - 1), "1 GiB"), (text.size(1536), "1.5 KiB"), (text.size(0), "0 B"),
    (text.times(9.994), "9.99x"), (text.times(9.995), "10x"),
    (text.enumerate_names(["a", "b", "c", "d", "e"], 4), "a, b, c and 2 others"),
    (text.enumerate_names(["a"]), "a"), (text.enumerate_names(["a", "b"]), "a and b"),
    (text.ratio_text(1.0997, 1.1), "1.0997"), (text.ratio_text(1.1, 1.1), "1.100"),
    (text.ratio_text(1.0994, 1.1), "1.099"),
    (text.count(1, "case"), "1 case"), (text.count(3, "case"), "3 cases"),
])
def test_words(found, expected):
    assert found == expected
