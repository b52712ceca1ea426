# SPDX-License-Identifier: Apache-2.0
"""How far cases lie from their predictions, by figures worked out by hand."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "scripts"))
from offload_results.tables import predictions  # noqa: E402
from offload_results.results import BadInput  # noqa: E402


def case(policy, measured, predicted, failure=None):
    return {"policy": policy, "failure": failure, "complete": failure is None,
            "summary": {"median_s": measured},
            "predicted": predicted and {"seconds": predicted, "least_s": predicted / 1.1,
                                        "most_s": predicted * 1.1}}


def test_errors_are_factors_either_way():
    assert predictions.error_of(case("a", 2.0, 1.6)) == pytest.approx(0.25)
    assert predictions.error_of(case("a", 1.6, 2.0)) == pytest.approx(0.25)


def test_a_row_for_each_policy_and_one_for_all():
    files = [{"cases": [case("a", 1.0, 1.0), case("a", 1.2, 1.0), case("b", 1.0, 1.0)]},
             {"cases": [case("b", 0.98, 1.0), case("c", 1.0, None), case("b", 9.0, 1.0, "wrong")]}]
    lines = predictions.render(files).splitlines()
    assert lines[2:] == ["| `a` | 2 | 10.0 | 20.0 | 1 |", "| `b` | 2 | 1.0 | 2.0 | 0 |",
                         "| all | 4 | 1.0 | 20.0 | 1 |"]


def test_older_files_have_none():
    with pytest.raises(BadInput, match="since schema 2.3"):
        predictions.render([{"cases": [case("a", 1.0, None)]}])
