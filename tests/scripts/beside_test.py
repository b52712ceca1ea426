# SPDX-License-Identifier: Apache-2.0
"""Results of cases beside other traffic: apart from the others, wherever cases are held against each other."""
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from offload_results import results, schema, table  # noqa: E402
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
