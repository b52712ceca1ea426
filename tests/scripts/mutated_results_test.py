# SPDX-License-Identifier: Apache-2.0
"""What the scripts say of results that are damaged: a verdict, or one line and exit code 2, but never a
traceback. Values of committed results are replaced, each mutant by a seed of its own:

    OFFLOAD_MUTANTS=2000 python3 -m pytest tests/scripts/mutated_results_test.py"""
import copy
import json
import os
import random
import sys

import pytest

from forked import ROOT, script

sys.path.insert(0, str(ROOT / "scripts"))
RESULTS = ROOT / "results" / "epyc-2vcpu" / "quick.json"
MUTANTS = int(os.environ.get("OFFLOAD_MUTANTS", 4))
ODD = [None, True, 0, 1, -1, 0.5, 1e308, -1e308, 1 << 64, 10 ** 400, "", "x" * 5000, "\x00", "\ud800",
       "\u202e\x1b[31m\n", [], {}, [[]], [None], {"": None}, "2026-01-01T00:00:00Z", "nan"]

COMMANDS = {
    "compare": lambda whole, mutant, folder: [whole, mutant],
    "merge": lambda whole, mutant, folder: ["--output", folder / "merged.json", mutant, whole],
    "plot": lambda whole, mutant, folder: ["--format", "svg", "--output-dir", folder, mutant],
    "report": lambda whole, mutant, folder: ["--output", folder / "report.html", mutant],
    "validate": lambda whole, mutant, folder: [mutant],
}
FINDS = ("compare", "validate")  # exit with 1 when they have found something


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], path + (name,))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], path + (index,))


def mutated(document, every_place, draw):
    """With up to three values replaced, taken out, or copied from elsewhere."""
    document = copy.deepcopy(document)
    for path in draw.sample(every_place, draw.randint(1, 3)):
        try:
            parent = document
            for step in path[:-1]:
                parent = parent[step]
            kind = draw.random()
            if kind < 0.2:
                del parent[path[-1]]
            elif kind < 0.8:
                parent[path[-1]] = copy.deepcopy(draw.choice(ODD))
            else:
                parent[path[-1]] = copy.deepcopy(draw.choice(list(parent.values())
                                                             if isinstance(parent, dict) else parent))
        except (KeyError, IndexError, TypeError):
            continue  # another replacement took it away
    return document


@pytest.fixture(scope="module")
def whole():
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    # Fields of cases alike would be most of what is drawn.
    ours = [path for path in places(document) if path]
    common = [path for path in ours if path[0] != "benchmarks" and "cases" not in path]
    return document, common + [path for path in ours if path[:2] == ("offload_bench", "cases")
                               and path[2:3] in ((), (0,), (1,))]


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("seed", range(MUTANTS))
def test_a_damaged_file_is_answered(whole, name, seed, tmp_path):
    path = tmp_path / "mutant.json"
    path.write_text(json.dumps(mutated(*whole, random.Random(f"{name} {seed}"))))
    done = script("offload-results", name, *COMMANDS[name](RESULTS, path, tmp_path), cwd=tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in ((0, 1, 2) if name in FINDS else (0, 2)), done.stderr
    if done.returncode == 2 and not done.stdout:
        assert done.stderr.count("\n") == 1, done.stderr
