# SPDX-License-Identifier: Apache-2.0
"""Results files against results/schema/results-N.json, of which N is the major version."""
import dataclasses
import functools
import math
import pathlib
import re

from .results import read_json
from .packages import imported

DIRECTORY = pathlib.Path(__file__).parent / "schemas"
MAX_LENGTH = 160


@dataclasses.dataclass(frozen=True)
class Error:
    path: str
    text: str

    def __str__(self):
        return f"{self.path}: {self.text}"


def errors_in(document):
    """By the schema of the document's own version, in the order of the document."""
    found = [innermost(error) for error in validator_of(major_in(document)).iter_errors(document)]
    return [Error(path_text(error.absolute_path), shortened(error.message)) for error in found]


def major_in(document):
    """Of the newest schema where the document has no version: that schema then says so."""
    try:
        return int(document["offload_bench"]["schema_version"].split(".")[0])
    except (AttributeError, KeyError, TypeError, ValueError):
        return max(majors())


@functools.cache
def majors():
    return [int(path.stem.removeprefix("results-")) for path in DIRECTORY.glob("results-*.json")]


@functools.cache
def validator_of(major):
    jsonschema = imported("jsonschema", "jsonschema")
    base = jsonschema.Draft202012Validator
    # To the package NaN and Infinity are numbers; they are not numbers of JSON.
    types = base.TYPE_CHECKER.redefine_many({
        name: functools.partial(is_finite, name, base.TYPE_CHECKER)
        for name in ("number", "integer")})
    schema = read_json(DIRECTORY / f"results-{major}.json")
    return jsonschema.validators.extend(base, type_checker=types)(schema)


def is_finite(name, checker, _, value):
    return checker.is_type(value, name) and (isinstance(value, int) or math.isfinite(value))


def innermost(error):
    """Of several forms, none of which fits, the one that was meant is wrong deepest inside."""
    while error.context:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    return error


def shortened(text):
    """A message quotes the value that is wrong, which may be a whole list of cases."""
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH // 2]} ... {text[-MAX_LENGTH // 2:]}"


def path_text(path):
    """$.offload_bench.cases[3]["odd name"]"""
    def part(step):
        if isinstance(step, int):
            return f"[{step}]"
        return f".{step}" if re.fullmatch(r"\w+", step) else f"[{step!a}]"
    return "$" + "".join(map(part, path))
