# SPDX-License-Identifier: Apache-2.0
"""The list of mutants keeps up with the sources; what they do to the tests, tests/mutants/run.py finds out."""
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
spec = importlib.util.spec_from_file_location("mutants", ROOT / "tests/mutants/run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)


@pytest.mark.parametrize("mutant", run.mutants(), ids=lambda mutant: mutant["name"])
def test_a_mutant_stands_once_in_its_file(mutant):
    text = (ROOT / mutant["file"]).read_text(encoding="utf-8")
    assert run.mutated(mutant, text) != text


def test_names_tell_mutants_apart():
    names = [mutant["name"] for mutant in run.mutants()]
    assert len(set(names)) == len(names) >= 20


def test_what_stands_there_no_more_is_said():
    with pytest.raises(ValueError, match="x: stands 2 times in f"):
        run.mutated({"name": "x", "file": "f", "from": "a", "to": "b"}, "a a")
