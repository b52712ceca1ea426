# SPDX-License-Identifier: Apache-2.0
"""A results file: read strictly, refused with one clear line, its cases joined by their fields."""
import dataclasses
import os
import pathlib
import typing

from .json_reader import BadInput, read_json
from .upgrade import upgraded

NEWEST_MINOR = {1: 3, 2: 6}  # by major version, that results/schema/results-N.json describes
# Whose items say which source they are of.
LISTS = ("cases", "skipped", "answers", "findings", "limits", "memory_costs")
NUMBERS = frozenset((int, float))  # True and False are of a type of their own


class CaseKey(typing.NamedTuple):
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
    """One run, or several that were merged. `document` is the whole JSON, of schema 2 as far as an
    older file allows, and `run` its object offload_bench."""

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
        found = {}
        for case in self.cases:
            key = key_of(case)
            of_key = found.setdefault(key, [])
            if of_key and source_of(case) in map(source_of, of_key):
                raise BadInput(f"{self.path}: {key} stands there twice: merge runs with "
                               "scripts/merge.py")
            of_key.append(case)
        return found


def source_of(case):
    return case.get("source", 0)  # index into a merged file's offload_bench.sources


def label_of(case):
    return case.get("label", case["workload"])  # files of schema 1.0 have no label


def parameter_of(case):
    """("tokens", 512.0) of gemm/tokens:512; ("", None) where the workload has none."""
    name, _, value = label_of(case).removeprefix(f"{case['workload']}/").rpartition(":")
    try:
        return name, float(value)
    except ValueError:
        return "", None


def key_of(case):
    return CaseKey(label_of(case), case["policy"], case["weights"]["name"], case["start"],
                   case.get("captured", False))


def passed(case):
    return case["complete"] and case["failure"] is None and case["summary"] is not None


def lasts(case):
    """Whether an engine can stay in what the case measured, pass after pass: a first pass from cold
    is over once, and weights that have come to the GPU are not offloaded any more."""
    return case["start"] == "steady" or (
        case["start"] == "warm" and case["path"] != "device_memory")


def tokens_per_second(case):
    """Of a whole model, by the kernels measured; None where the case has none. Files before 2.1 have
    a figure for states that do not last, too."""
    return case["model"]["tokens_per_second_ceiling"] if case.get("model") and lasts(case) else None


def is_case(case, sources=1):
    """Enough of a case to join it and to compare its times; all else is validate's."""
    if not isinstance(case, dict) or not isinstance(case.get("weights"), dict):
        return False
    get = case.get
    return (type(get("workload")) is type(get("policy")) is type(case["weights"].get("name"))
            is type(get("start")) is type(get("label", "")) is str
            and type(get("complete")) is type(get("captured", False)) is bool
            and are_times(get("samples_s")) and isinstance(get("failure", 0), (str, type(None)))
            and is_summary(get("summary", 0))
            and type(source_of(case)) is int and 0 <= source_of(case) < sources)


def are_times(samples):
    return (isinstance(samples, list) and NUMBERS.issuperset(map(type, samples))
            and min(samples, default=1) > 0)


def is_summary(summary):
    return summary is None or (
        isinstance(summary, dict) and type(summary.get("median_s")) in NUMBERS
        and summary["median_s"] > 0)


def load(path, empty_allowed=False):
    """The results in `path`. Only with `empty_allowed` those that measured no case, as a run with
    memory-cost does."""
    return results_in(path, read_json(path), empty_allowed)


def results_in(path, document, empty_allowed=False):
    """The same of a document that was read from `path`."""
    check(path, document, empty_allowed)
    return Results(shown(path), upgraded(document))


def as_written(path, document):
    """The same of any schema, and not upgraded."""
    check(path, document, empty_allowed=True)
    return Results(shown(path), document)


def shown(path):
    """As text: a file's name may be bytes that are none, which no document can hold."""
    return pathlib.Path(os.fsencode(path).decode("utf-8", "backslashreplace"))


def check(path, document, empty_allowed):
    run = run_in(path, document)
    check_version(path, run)
    check_sources(path, run)
    cases = run.get("cases")
    if not isinstance(cases, list):
        raise BadInput(f"{path}: damaged results: \"cases\" is not a list")
    sources = len(run.get("sources") or [None])
    for index, case in enumerate(cases):
        if not is_case(case, sources):
            raise BadInput(f"{path}: damaged results: offload_bench.cases[{index}] is not a case; "
                           "scripts/validate.py says why")
    if not cases and not empty_allowed:
        raise BadInput(f"{path}: no case in it: nothing was measured")


def run_in(path, document):
    run = document.get("offload_bench") if isinstance(document, dict) else None
    if not isinstance(run, dict):
        raise BadInput(f"{path}: not results of offload_bench: it has no object \"offload_bench\"; "
                       "give the file that --output wrote")
    return run


def check_version(path, run):
    version = run.get("schema_version")
    if version is None:
        raise BadInput(f"{path}: it has no schema version: it is damaged or foreign")
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise BadInput(f"{path}: its schema version {version!r} is not one; it is damaged or foreign")
    if int(parts[0]) not in NEWEST_MINOR:
        raise BadInput(f"{path}: written by schema version {version}; these scripts read versions "
                       f"{' and '.join(map(str, NEWEST_MINOR))}: use those of the offload-bench "
                       "that wrote it")


def version_of(run):
    """(major, minor)"""
    return tuple(map(int, run["schema_version"].split(".")[:2]))


def check_sources(path, run):
    """Of a merged file: what run_of() reads."""
    sources = run.get("sources", [])
    if not isinstance(sources, list) or not all(
            isinstance(source, dict) and isinstance(source.get("run"), dict)
            for source in sources):
        raise BadInput(f"{path}: damaged results: \"sources\" is not a list of runs; "
                       "scripts/validate.py says where")
