# SPDX-License-Identifier: Apache-2.0
"""What a script printed that measures another program's code, beside the cases here that do the same."""
from ..results import BadInput, passed, read_json


def by(program, path):
    """The whole document that scripts/PROGRAM.py printed, of which every row was measured."""
    document = read_json(path)
    if not isinstance(document, dict) or document.get("program") != program:
        raise BadInput(f"{path}: not what scripts/{program}.py prints")
    for row in document["rows"]:
        if row["error"]:
            raise BadInput(f"{path}: {row['row']}: {row['error']}")
    return document


def twin(row, runs, does_the_same):
    """The first passed case that does, as `does_the_same(case, run)` says."""
    for run in runs:
        for case in filter(passed, run["cases"]):
            if does_the_same(case, run):
                return case
    raise BadInput(f"no case does what {row['row']} does")
