# SPDX-License-Identifier: Apache-2.0
"""The part of JSON Schema 2020-12 that results/schema/results-1.json uses, with nothing to install.

A schema becomes one function, from a value to its errors: [(path, text)], path from the outside in.
A keyword that is not known here is refused, so that none can be passed over in silence.
"""
import functools
import math
import pathlib
import re

from .json_reader import read_json

RESULTS_SCHEMA = pathlib.Path(__file__).parents[2] / "results/schema/results-1.json"
NO_ERROR = ()
NOTES = {"$schema", "$id", "title", "description", "$defs"}


class UnknownSchema(Exception):
    """The schema uses what this module does not know."""


@functools.cache
def results_schema():
    return compile_schema(read_json(RESULTS_SCHEMA))


def path_text(path):
    """$.offload_bench.cases[3]["odd name"]"""
    def part(step):
        if isinstance(step, int):
            return f"[{step}]"
        return f".{step}" if re.fullmatch(r"\w+", step) else f"[{shown(step)}]"
    return "$" + "".join(map(part, path))


def shown(value):
    """A value in one short line."""
    text = ascii(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def compile_schema(schema):
    return Compiler(schema).compile(schema)


class Compiler:
    def __init__(self, root):
        self.definitions = root.get("$defs", {}) if isinstance(root, dict) else {}
        self.compiled = {}  # definitions by name

    def compile(self, schema):
        if schema is True:
            return lambda value: NO_ERROR
        if schema is False:
            return lambda value: [((), "must not be there")]
        if not isinstance(schema, dict):
            raise UnknownSchema(f"{shown(schema)} is no schema")
        checks = []
        for keyword, wanted in schema.items():
            if keyword in NOTES:
                continue
            make = (self.reference if keyword == "$ref"
                    else getattr(self, f"keyword_{keyword}", None))
            if make is None:
                raise UnknownSchema(f"the keyword {keyword!r} is not known to {__name__}")
            check = make(wanted, schema)
            if check is not None:
                checks.append(check)
        return checks[0] if len(checks) == 1 else all_of(checks)

    def reference(self, reference, _):
        prefix, _, name = reference.rpartition("/")
        if prefix != "#/$defs" or name not in self.definitions:
            raise UnknownSchema(f"{reference!r} refers to no definition")
        if name not in self.compiled:
            self.compiled[name] = None  # until it is there: a definition may refer to itself
            self.compiled[name] = self.compile(self.definitions[name])
        if self.compiled[name] is None:
            return lambda value: self.compiled[name](value)
        return self.compiled[name]

    def keyword_type(self, names, _):
        names = [names] if isinstance(names, str) else names
        unknown = set(names) - set(IS_OF_TYPE)
        if unknown:
            raise UnknownSchema(f"no type: {', '.join(map(shown, unknown))}")
        tests = [IS_OF_TYPE[name] for name in names]
        text = " or ".join(names)
        return simple(lambda value: any(test(value) for test in tests), f"is no {text}")

    def keyword_enum(self, values, _):
        allowed = ", ".join(map(shown, values))
        return simple(lambda value: any(same(value, one) for one in values),
                      f"is none of {allowed}")

    def keyword_const(self, wanted, _):
        return simple(lambda value: same(value, wanted), f"is not {shown(wanted)}")

    def keyword_minimum(self, bound, _):
        return simple(lambda value: not is_number(value) or value >= bound, f"is below {bound}")

    def keyword_maximum(self, bound, _):
        return simple(lambda value: not is_number(value) or value <= bound, f"is above {bound}")

    def keyword_exclusiveMinimum(self, bound, _):
        return simple(lambda value: not is_number(value) or value > bound, f"is not above {bound}")

    def keyword_minLength(self, length, _):
        return simple(lambda value: not isinstance(value, str) or len(value) >= length,
                      f"is shorter than {length}")

    def keyword_pattern(self, pattern, _):
        search = re.compile(pattern).search
        return simple(lambda value: not isinstance(value, str) or search(value) is not None,
                      f"does not match {pattern}")

    def keyword_minItems(self, count, _):
        return simple(lambda value: not isinstance(value, list) or len(value) >= count,
                      f"has fewer than {count} items")

    def keyword_maxProperties(self, count, _):
        return simple(lambda value: not isinstance(value, dict) or len(value) <= count,
                      f"has more than {count} properties")

    def keyword_items(self, schema, _):
        check = self.compile(schema)

        def items(value):
            if not isinstance(value, list):
                return NO_ERROR
            return [((index, *path), text) for index, item in enumerate(value)
                    for path, text in check(item)]
        return items

    def keyword_required(self, names, _):
        def required(value):
            if not isinstance(value, dict):
                return NO_ERROR
            return [((), f"lacks {name!r}") for name in names if name not in value]
        return required

    def keyword_properties(self, schemas, _):
        checks = {name: self.compile(schema) for name, schema in schemas.items()}

        def properties(value):
            if not isinstance(value, dict):
                return NO_ERROR
            return [((name, *path), text) for name, check in checks.items() if name in value
                    for path, text in check(value[name])]
        return properties

    def keyword_additionalProperties(self, schema, siblings):
        known = siblings.get("properties", {}).keys()
        unknown_is_wrong = schema is False
        check = None if unknown_is_wrong else self.compile(schema)

        def additional(value):
            if not isinstance(value, dict):
                return NO_ERROR
            others = [name for name in value if name not in known]
            if unknown_is_wrong:
                return [((), f"has a property {shown(name)}, which is not known")
                        for name in others]
            return [((name, *path), text) for name in others for path, text in check(value[name])]
        return additional

    def keyword_propertyNames(self, schema, _):
        check = self.compile(schema)

        def property_names(value):
            if not isinstance(value, dict):
                return NO_ERROR
            return [((), f"has a property {shown(name)}, whose name {text.partition(' ')[2]}")
                    for name in value for _, text in check(name)]
        return property_names

    def keyword_oneOf(self, schemas, _):
        checks = [self.compile(schema) for schema in schemas]

        def one_of(value):
            failures = [check(value) for check in checks]
            passed = sum(not found for found in failures)
            if passed == 1:
                return NO_ERROR
            if passed:
                return [((), f"{shown(value)} fits {passed} forms, not one")]
            # The form that was meant is the one that is wrong deepest inside.
            return max(failures, key=lambda found: max(len(path) for path, _ in found))
        return one_of

    def keyword_if(self, schema, siblings):
        condition = self.compile(schema)
        then = self.compile(siblings.get("then", True))
        otherwise = self.compile(siblings.get("else", True))
        return lambda value: otherwise(value) if condition(value) else then(value)

    def keyword_then(self, _, siblings):
        return None  # keyword_if has it

    keyword_else = keyword_then


def all_of(checks):
    def check(value):
        errors = NO_ERROR
        for one in checks:
            found = one(value)
            if found:
                errors = [*errors, *found]
        return errors
    return check


def simple(holds, text):
    def check(value):
        return NO_ERROR if holds(value) else [((), f"{shown(value)} {text}")]
    return check


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value):
    return isinstance(value, int) or math.isfinite(value)


IS_OF_TYPE = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    # NaN and Infinity, which Python's numbers may be, are no numbers of JSON.
    "number": lambda value: is_number(value) and is_finite(value),
    "integer": lambda value: is_number(value) and is_finite(value) and value == int(value),
}


def same(one, other):
    """Equality of JSON: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other
