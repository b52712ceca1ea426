# SPDX-License-Identifier: Apache-2.0
"""A results file: read strictly, refused with one clear line, its cases joined by their fields."""
import dataclasses
import json
import math
import pathlib
import re

SCHEMA_MAJOR = 1
SCHEMA_MINOR = 3  # the newest that results/schema/results-1.json describes
LISTS = ("cases", "skipped", "limits", "memory_costs")  # whose items say which source they are of
MOST_DIGITS = 20  # of a whole number of 64 bits


class BadInput(Exception):
    """What a script was given cannot be used; the text says what, where and what to do."""


@dataclasses.dataclass(frozen=True, order=True)
class CaseKey:
    """What makes cases of two files the same case. Results never name the machine here."""

    label: str
    policy: str
    weights: str
    start: str
    captured: bool = False

    def __str__(self):
        graph = " (graph)" if self.captured else ""
        return f"{self.label}/{self.policy}/{self.weights}/{self.start}{graph}"


@dataclasses.dataclass(frozen=True)
class Results:
    """One run. `document` is the whole JSON, `run` its object offload_bench."""

    path: pathlib.Path
    document: dict

    @property
    def run(self):
        return self.document["offload_bench"]

    @property
    def cases(self):
        return self.run["cases"]

    @property
    def runs(self):
        """What describes each run (platform, build, calibration, options): one, or one for each
        source of a merged file."""
        sources = self.run.get("sources")
        return [source["run"] for source in sources] if sources else [self.run]

    def run_of(self, case):
        return self.runs[source_of(case)]

    def apart(self):
        """[(source, run)] of a merged file, each run with its own cases and other lists, as a file
        of one run has them; of that, [(None, run)]."""
        def of(index, source):
            return {**source["run"], **{name: [item for item in self.run.get(name) or []
                                               if source_of(item) == index] for name in LISTS}}

        sources = self.run.get("sources")
        if not sources:
            return [(None, self.run)]
        return [(source, of(index, source)) for index, source in enumerate(sources)]

    def by_key(self):
        """{CaseKey: its cases}, one case per run: a file of one run has one each, a merged file up
        to one for each of its sources."""
        cases = {}
        for case in self.cases:
            key = key_of(case)
            of_key = cases.setdefault(key, [])
            if of_key and source_of(case) in map(source_of, of_key):
                raise BadInput(f"{self.path}: {key} stands there twice: merge runs with "
                               "scripts/merge.py")
            of_key.append(case)
        return cases


def source_of(case):
    return case.get("source", 0)  # index into a merged file's offload_bench.sources


def label_of(case):
    return case.get("label", case["workload"])  # files of schema 1.0 have no label


def key_of(case):
    return CaseKey(label_of(case), case["policy"], case["weights"]["name"], case["start"],
                   case.get("captured", False))


def passed(case):
    return case["complete"] and case["failure"] is None and case["summary"] is not None


def load(path, empty_allowed=False):
    """The results in `path`. Only with `empty_allowed` those that measured no case, as a run with
    --host-memory-cost alone does."""
    return results_in(path, read_json(path), empty_allowed)


def results_in(path, document, empty_allowed=False):
    """The same of a document that was read from `path`."""
    path = pathlib.Path(path)
    run = run_in(path, document)
    check_version(path, run)
    check_sources(path, run)
    cases = run.get("cases")
    if not isinstance(cases, list):
        raise BadInput(f"{path}: damaged results: \"cases\" is no list")
    sources = len(run.get("sources") or [None])
    for index, case in enumerate(cases):
        if not is_case(case, sources):
            raise BadInput(f"{path}: damaged results: offload_bench.cases[{index}] is no case; "
                           "scripts/validate.py says why")
    if not cases and not empty_allowed:
        raise BadInput(f"{path}: no case in it: nothing was measured")
    return Results(path, document)


def run_in(path, document):
    run = document.get("offload_bench") if isinstance(document, dict) else None
    if not isinstance(run, dict):
        raise BadInput(f"{path}: no results of offload_bench: it has no object \"offload_bench\"; "
                       "give the file that --output wrote")
    return run


def read_text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror.lower()}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: no text in UTF-8: {error.reason} at byte {error.start}") from None


def read_json(path):
    """Any JSON document, strictly: NaN and Infinity are no JSON, and no measurement either."""
    text = read_text(path)
    if not text.strip():
        raise BadInput(f"{path}: an empty file")
    try:
        document = json.loads(text, parse_constant=refuse_constant, parse_float=finite,
                              parse_int=whole)
    except json.JSONDecodeError as error:
        text = text.strip()
        is_cut = text.startswith("{") and (error.pos >= len(text) or not text.endswith("}"))
        cut = " (cut short?)" if is_cut else ""
        raise BadInput(f"{path}: no JSON{cut}: {error.msg} in line {error.lineno}, column "
                       f"{error.colno}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be results") from None
    if re.search(r"\\u[dD][89a-fA-F]", text) and not is_text(document):
        raise BadInput(f"{path}: half a character (a lone surrogate) in it: it is damaged")
    return document


def refuse_constant(token):
    raise ValueError(f"{token} is no number in JSON: the file is damaged or was written by a tool "
                     "that is not strict")


def finite(token):
    value = float(token)
    if math.isinf(value):
        raise ValueError(f"{token} is larger than any number that can be computed with")
    return value


def whole(token):
    if len(token.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(token)} digits is no measurement")
    return int(token)


def is_text(document):
    """Whether it can be written again: half a surrogate pair cannot, in any encoding."""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_version(path, run):
    version = run.get("schema_version")
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise BadInput(f"{path}: its schema version {version!r} is none; it is damaged or foreign")
    if int(parts[0]) != SCHEMA_MAJOR:
        raise BadInput(f"{path}: written by schema version {version}; these scripts read version "
                       f"{SCHEMA_MAJOR}: use those of the offload-bench that wrote it")


def check_sources(path, run):
    """Of a merged file: what run_of() reads."""
    sources = run.get("sources", [])
    if not isinstance(sources, list) or not all(
            isinstance(source, dict) and isinstance(source.get("run"), dict)
            for source in sources):
        raise BadInput(f"{path}: damaged results: \"sources\" is no list of runs; "
                       "scripts/validate.py says where")


def is_case(case, sources=1):
    """Enough of a case to join it and to compare its times; all else is validate's."""
    if not isinstance(case, dict) or not isinstance(case.get("weights"), dict):
        return False
    texts = (case.get("workload"), case.get("policy"), case["weights"].get("name"),
             case.get("start"), case.get("label", ""))
    flags = (case.get("complete"), case.get("captured", False))
    return (set(map(type, texts)) == {str} and set(map(type, flags)) == {bool}
            and are_times(case.get("samples_s"))
            and isinstance(case.get("failure", 0), (str, type(None)))
            and is_summary(case.get("summary", 0))
            and type(source_of(case)) is int and 0 <= source_of(case) < sources)


def are_times(samples):
    return (isinstance(samples, list) and set(map(type, samples)) <= {int, float}
            and min(samples, default=1) > 0)


def is_summary(summary):
    return summary is None or (
        isinstance(summary, dict) and are_times([summary.get("median_s", 0)]))
