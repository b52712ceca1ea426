# SPDX-License-Identifier: Apache-2.0
"""What the scripts say of results that are damaged, cut, foreign or of a later program: a verdict, or one
line and exit code 2, but never a traceback. Each mutant of a committed file has a seed of its own:

    OFFLOAD_MUTANTS=2000 python3 -m pytest tests/scripts/mutated_results_test.py"""
import copy
import json
import os
import random
import sys

import pytest

from forked import ROOT, script

sys.path.insert(0, str(ROOT / "scripts"))
FILES = ("epyc-2vcpu/quick", "h200-sxm-pcie5/decode-graph", "h200-sxm-pcie5/adaptation",
         "h200-sxm-pcie5/memory-cost")
MUTANTS = int(os.environ.get("OFFLOAD_MUTANTS", 4))
ODD = [None, True, 0, 1, -1, 0.5, 0.0, 1e-99, 1e99, -1e99, 1e308, -1e308, 1 << 64, 10 ** 400, "", "x" * 5000, "\x00",
       "\ud800", "\u202e\x1b[31m\n", "../../x", "2.99.0", "3.0.0", "a/b", [], {}, [[]], [None], {"": None},
       "2026-01-01T00:00:00Z", "nan"]
TABLES = ("machine", "machines", "times", "engines", "limits", "predictions", "gemv", "models", "decode/tokens:1",
          "expert_gather/skew:1", "memory_costs", "rates:stream_read", "rates:expert_gather", "evidence:expert_gather",
          "evidence:decode/tokens:1", "series:expert_gather/skew:1", "threads:expert_gather/skew:1",
          "setup:expert_gather", "answer", "vllm", "accuracy", "platforms", "oracle")

COMMANDS = {
    "compare": lambda whole, mutant, folder, draw: [whole, mutant],
    "merge": lambda whole, mutant, folder, draw: ["--output", folder / "merged.json", mutant, committed(draw.choice(FILES))],
    "plot": lambda whole, mutant, folder, draw: ["--format", "svg", "--output-dir", folder, mutant],
    "report": lambda whole, mutant, folder, draw: ["--output", folder / "report.html", mutant],
    "submit": lambda whole, mutant, folder, draw: ["--output", folder / "machine", mutant],
    "table": lambda whole, mutant, folder, draw: of_table(mutant, folder, draw.choice(TABLES)),
    "validate": lambda whole, mutant, folder, draw: [mutant],
}


def of_table(mutant, folder, what):
    if what != "machines":
        return [mutant, what]
    machine = folder / "all" / "machine"
    machine.mkdir(parents=True)
    (machine / "quick.json").write_bytes(mutant.read_bytes())
    return [machine.parent, what]


GONE = object()
# Mutants that were no verdict once, less what did not matter: (command, file, place, what is there).
KEPT = [
    ("validate", "h200-sxm-pcie5/decode-graph", ("cases", 0, "weights", "tensors", 0, "layer"), GONE),
    ("plot", "h200-sxm-pcie5/adaptation", ("cases", 0, "series", "distinct_bytes", 1), 1 << 64),
    ("report", "h200-sxm-pcie5/adaptation", ("cases", 0, "series", "distinct_bytes", 1), 1 << 64),
]
FINDS = ("compare", "validate")  # exit with 1 when they have found something


def committed(name):
    return ROOT / "results" / f"{name}.json"


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], path + (name,))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], path + (index,))


def replacement(value, draw):
    """Half of them of the same type, which the schema may allow."""
    alike = [one for one in ODD if type(one) is type(value)]
    return copy.deepcopy(draw.choice(alike if alike and draw.random() < 0.5 else ODD))


def mutated(document, every_place, draw):
    """With up to three values replaced, taken out, or copied from elsewhere."""
    document = copy.deepcopy(document)
    for path in draw.sample(every_place, draw.choice((1, 1, 2, 3))):
        try:
            parent = document
            for step in path[:-1]:
                parent = parent[step]
            kind = draw.random()
            if kind < 0.2:
                del parent[path[-1]]
            elif kind < 0.8:
                parent[path[-1]] = replacement(parent[path[-1]], draw)
            else:
                parent[path[-1]] = copy.deepcopy(draw.choice(list(parent.values())
                                                             if isinstance(parent, dict) else parent))
        except (KeyError, IndexError, TypeError):
            continue  # another replacement took it away
    return document


def damaged(text, draw):
    """Bytes of it cut off, overwritten or taken out, as by a full disk or a bad copy."""
    data = bytearray(text.encode("utf-8"))
    at = draw.randrange(len(data))
    kind = draw.random()
    if kind < 0.4:
        return bytes(data[:at])
    if kind < 0.8:
        for place in [at, *(draw.randrange(len(data)) for _ in range(draw.randint(0, 3)))]:
            data[place] = draw.randrange(256)
        return bytes(data)
    return bytes(data[:at] + data[at + draw.randint(1, 200):])


def bases():
    """[(path, document, the places to change)] of committed files. Fields of cases alike would be most of
    what is drawn."""
    found = []
    for name in FILES:
        path = committed(name)
        document = json.loads(path.read_text(encoding="utf-8"))
        ours = [place for place in places(document) if place]
        common = [place for place in ours if place[0] != "benchmarks" and "cases" not in place]
        cases = [place for place in ours if place[:2] == ("offload_bench", "cases")
                 and place[2:3] in ((), (0,), (1,))]
        found.append((path, document, common + cases))
    return found


def answered(files, name, seed, folder):
    """What the command says of the mutant of this seed."""
    draw = random.Random(f"{name} {seed}")
    whole, document, every_place = draw.choice(files)
    mutant = folder / "mutant.json"
    if draw.random() < 0.1:
        mutant.write_bytes(damaged(json.dumps(document), draw))
    else:
        mutant.write_text(json.dumps(mutated(document, every_place, draw)))
    arguments = COMMANDS[name](whole, mutant, folder, draw)
    return script("offload-results", name, *arguments, cwd=folder)


def fault(name, done):
    """What is wrong with an answer; None if nothing is."""
    if "Traceback" in done.stderr:
        return "a traceback"
    if done.returncode not in ((0, 1, 2) if name in FINDS else (0, 2)):
        return f"exit code {done.returncode}"
    if done.returncode == 2 and not done.stdout and done.stderr.count("\n") != 1:
        return "not one line"
    return None


@pytest.fixture(name="files", scope="module")
def the_files():
    return bases()


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("seed", range(MUTANTS))
def test_a_damaged_file_is_answered(files, name, seed, tmp_path):
    done = answered(files, name, seed, tmp_path)
    assert fault(name, done) is None, done.stderr


@pytest.mark.parametrize("name,file,place,value", KEPT)
def test_what_was_no_verdict_once_is_one(name, file, place, value, tmp_path):
    document = json.loads(committed(file).read_text(encoding="utf-8"))
    parent = document["offload_bench"]
    for step in place[:-1]:
        parent = parent[step]
    if value is GONE:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    mutant = tmp_path / "mutant.json"
    mutant.write_text(json.dumps(document))
    done = script("offload-results", name, *COMMANDS[name](committed(file), mutant, tmp_path, random.Random(0)),
                  cwd=tmp_path)
    assert fault(name, done) is None, done.stderr
